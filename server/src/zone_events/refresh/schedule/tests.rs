use super::*;

fn name(number: usize) -> DomainName {
    format!("z{number}.test").parse().unwrap()
}

fn primary(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], 53))
}

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn zones_without_contents_come_first_and_primaries_in_turn() {
    let now = Instant::now();
    let mut schedule = RefreshSchedule::default();
    for number in 0..4 {
        schedule.set(&name(number), primary(1), RefreshUrgency::Due, now);
    }
    schedule.set(&name(4), primary(2), RefreshUrgency::Due, now);
    schedule.set(&name(5), primary(1), RefreshUrgency::Missing, now);
    schedule.set(&name(6), primary(1), RefreshUrgency::Due, now + HOUR);
    schedule.bring_forward(&name(6), RefreshUrgency::Notified);
    let mut order = Vec::new();
    let mut at = now;
    while order.len() < 7 {
        at += Duration::from_millis(10);
        order.extend(std::iter::from_fn(|| schedule.next(at)).map(|(found, _)| found));
    }
    let place = |number| order.iter().position(|found| *found == name(number)).unwrap();
    assert_eq!(place(5), 0, "{order:?}");
    assert!((0..4).all(|number| place(6) < place(number) && place(4) < 4), "{order:?}");
    assert_eq!(schedule.next(at), None);
}

#[test]
fn what_comes_up_meanwhile_is_looked_at_once_more() {
    let now = Instant::now();
    let mut schedule = RefreshSchedule::default();
    schedule.set(&name(1), primary(1), RefreshUrgency::Due, now);
    assert_eq!(schedule.next(now), Some((name(1), primary(1))));
    schedule.bring_forward(&name(1), RefreshUrgency::Notified);
    schedule.bring_forward(&name(1), RefreshUrgency::Notified);
    assert_eq!(schedule.next(now), None);
    schedule.ended(&name(1), primary(1), LookResult::Answer, RefreshUrgency::Due, now, now + HOUR);
    let later = now + Duration::from_secs(1);
    assert_eq!(schedule.next(later), Some((name(1), primary(1))));
    schedule.ended(&name(1), primary(1), LookResult::Answer, RefreshUrgency::Due, later, later + HOUR);
    assert_eq!((schedule.next(later), schedule.due()), (None, Some(later + HOUR)));
    schedule.forget(&name(1));
    assert_eq!((schedule.next(later + HOUR), schedule.due()), (None, None));
}

#[test]
fn each_look_frees_the_place_that_it_took() {
    let now = Instant::now();
    let mut schedule = RefreshSchedule::default();
    let most = TransferLimits::default().in_per_primary;
    let mut at = now;
    for round in 0..3 * most {
        at += Duration::from_secs(1);
        let zone = name(round);
        schedule.set(&zone, primary(1), RefreshUrgency::Missing, at);
        schedule.bring_forward(&zone, RefreshUrgency::Missing);
        let (turn, result) = match round % 3 {
            // It is asked of another primary while it waits, or while it is looked at.
            0 => {
                schedule.set(&zone, primary(2), RefreshUrgency::Due, at);
                (2, LookResult::Answer)
            }
            1 => (1, LookResult::Silence),
            _ => (1, LookResult::Nothing),
        };
        assert_eq!(schedule.next(at), Some((zone.clone(), primary(turn))), "round {round}");
        assert_eq!(schedule.next(at), None, "round {round}: once");
        schedule.set(&zone, primary(3), RefreshUrgency::Due, at);
        if round % 2 == 0 {
            schedule.forget(&zone);
        }
        schedule.ended(&zone, primary(turn), result, RefreshUrgency::Due, at, at + HOUR);
        schedule.forget(&zone);
        at += Duration::from_mins(2);
    }
    for number in 0..2 * most {
        schedule.set(&name(number), primary(1), RefreshUrgency::Missing, at);
    }
    // A silence of one that answers meanwhile is over.
    let (one, turn) = schedule.next(at).unwrap();
    schedule.ended(&one, turn, LookResult::Answer, RefreshUrgency::Due, at, at + HOUR);
    let mut begun = 0;
    for _ in 0..100 {
        at += Duration::from_millis(100);
        begun += std::iter::from_fn(|| schedule.next(at)).count();
    }
    assert_eq!((begun, schedule.running), (most, most));
}

#[test]
fn limits_hold_and_can_change() {
    let now = Instant::now();
    let mut schedule = RefreshSchedule::default();
    let limits = |incoming, in_per_primary, soa_queries_per_second| TransferLimits {
        incoming,
        in_per_primary,
        soa_queries_per_second,
        ..TransferLimits::default()
    };
    for number in 0..40 {
        schedule.set(&name(number), primary(1 + u8::from(number % 2 > 0)), RefreshUrgency::Due, now);
    }
    let mut at = now;
    let mut begun = |schedule: &mut RefreshSchedule, millis: u64| {
        at += Duration::from_millis(millis);
        std::iter::from_fn(|| schedule.next(at)).count()
    };
    schedule.limit(limits(10, 2, 1000));
    let of_each: usize = (0..20).map(|_| begun(&mut schedule, 10)).sum();
    assert_eq!(of_each, 4, "two of each primary");
    schedule.limit(limits(7, 8, 1000));
    let all: usize = (0..20).map(|_| begun(&mut schedule, 10)).sum();
    assert_eq!(all, 3, "seven in all");
    schedule.limit(limits(100, 100, 12));
    let in_a_second: usize = (0..20).map(|_| begun(&mut schedule, 10)).sum();
    assert_eq!(in_a_second, 5, "twelve in a second");
    assert_eq!(begun(&mut schedule, 1000), 12, "twelve in the next one");
}

#[test]
fn first_transfers_are_not_held_to_the_rate_of_questions() {
    let now = Instant::now();
    let mut schedule = RefreshSchedule::default();
    for number in 0..5000 {
        schedule.set(&name(number), primary(1), RefreshUrgency::Missing, now);
    }
    let first = |schedule: &mut RefreshSchedule, result| {
        let mut count = 0;
        while let Some((found, _)) = schedule.next(now) {
            count += 1;
            schedule.ended(&found, primary(1), result, RefreshUrgency::Due, now, now + HOUR);
        }
        count
    };
    assert_eq!(first(&mut schedule, LookResult::FirstTransfer), 5000);
    for number in 5000..5100 {
        schedule.set(&name(number), primary(1), RefreshUrgency::Missing, now);
    }
    let refused = first(&mut schedule, LookResult::Answer);
    assert!(refused < 5, "what a primary refuses is held to it: {refused}");
}

#[test]
fn a_primary_that_is_gone_holds_up_its_own_zones_alone() {
    let mut now = Instant::now();
    let mut schedule = RefreshSchedule::default();
    for number in 0..100 {
        schedule.set(&name(number), primary(1 + u8::from(number % 10 > 0)), RefreshUrgency::Missing, now);
    }
    let (mut running, mut served) = (VecDeque::new(), 0);
    for _ in 0..1000 {
        now += Duration::from_millis(10);
        while let Some((found, _)) = schedule.next(now) {
            let number: usize = found.to_string()[1..].split('.').next().unwrap().parse().unwrap();
            if number.is_multiple_of(10) {
                running.push_back((now + Duration::from_secs(5), found));
            } else {
                served += 1;
                schedule.ended(&found, primary(2), LookResult::Answer, RefreshUrgency::Due, now, now + HOUR);
            }
        }
        while running.front().is_some_and(|(end, _)| *end <= now) {
            let (_, found) = running.pop_front().unwrap();
            schedule.ended(&found, primary(1), LookResult::Silence, RefreshUrgency::Missing, now, now + HOUR);
        }
        if served == 90 {
            break;
        }
    }
    assert_eq!(served, 90);
    assert!(running.len() <= 8, "{}", running.len());
}
