//! Which zone is looked at when. Time is an argument.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rhumb_config::TransferLimits;
use rhumb_wire::DomainName;

use super::pace::{LookResult, PrimaryPace};

/// Why a zone is due: what comes first is looked at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RefreshUrgency {
    /// It has no contents, or an operator waits.
    Missing,
    /// A primary says that there is a new version.
    Notified,
    /// Its time has come.
    Due,
}

#[derive(Debug)]
struct RefreshSlot {
    /// The primary that is asked first.
    primary: SocketAddr,
    /// When it is looked at next; none while it is ready or under way.
    due: Option<(Instant, u64)>,
    /// It waits for its turn.
    ready: Option<RefreshUrgency>,
    /// Since it was last looked at, something has come up.
    again: Option<RefreshUrgency>,
    is_running: bool,
    urgency: RefreshUrgency,
}

/// Zones that wait for one primary, by urgency. Those that were dropped or became more urgent meanwhile are passed over.
type ReadyZones = [VecDeque<DomainName>; 3];

/// The zones of other servers.
#[derive(Debug, Default)]
pub(super) struct RefreshSchedule {
    slots: HashMap<DomainName, RefreshSlot>,
    queue: BTreeMap<(Instant, u64), DomainName>,
    ready: HashMap<SocketAddr, ReadyZones>,
    /// Primaries with zones that are ready, the next one first.
    turns: VecDeque<SocketAddr>,
    paces: HashMap<SocketAddr, PrimaryPace>,
    running: usize,
    sequence: u64,
    /// The second that looks are counted in, and how many there were.
    second: Option<(Instant, u32)>,
    /// When a primary may be asked again that may not now.
    held: Option<Instant>,
    limits: TransferLimits,
}

impl RefreshSchedule {
    /// From now on so many zones are looked at, so often; what is under way goes on.
    pub(super) const fn limit(&mut self, limits: TransferLimits) {
        self.limits = limits;
    }

    /// Adds a zone, or says which primary it is asked of first.
    pub(super) fn set(
        &mut self,
        name: &DomainName,
        primary: SocketAddr,
        urgency: RefreshUrgency,
        due: Instant,
    ) {
        if let Some(slot) = self.slots.get_mut(name) {
            slot.primary = primary;
            return;
        }
        let (due_at, ready, again, is_running) = (None, None, None, false);
        let slot = RefreshSlot { primary, due: due_at, ready, again, is_running, urgency };
        self.slots.insert(name.clone(), slot);
        self.look_at(name, due);
    }

    /// Forgets a zone; what is under way for it is of no use.
    pub(super) fn forget(&mut self, name: &DomainName) {
        if let Some(due) = self.slots.remove(name).and_then(|slot| slot.due) {
            self.queue.remove(&due);
        }
    }

    /// The zones that there are.
    pub(super) fn zones(&self) -> Vec<DomainName> {
        self.slots.keys().cloned().collect()
    }

    /// Whether this zone is one of them.
    pub(super) fn has(&self, name: &DomainName) -> bool {
        self.slots.contains_key(name)
    }

    /// Looks at a zone as soon as it may be; once more if that is under way.
    pub(super) fn hurry(&mut self, name: &DomainName, urgency: RefreshUrgency) {
        let Some(slot) = self.slots.get_mut(name) else { return };
        if slot.is_running {
            slot.again = Some(slot.again.map_or(urgency, |again| again.min(urgency)));
            return;
        }
        if let Some(due) = slot.due.take() {
            self.queue.remove(&due);
        }
        self.make_ready(name, urgency);
    }

    /// The next zone to look at; none while a limit is reached or nothing is due.
    pub(super) fn next(&mut self, now: Instant) -> Option<DomainName> {
        self.wake(now);
        self.held = None;
        if self.running >= self.limits.incoming || !self.has_room(now) {
            return None;
        }
        // Each urgency goes round all primaries before the next one does.
        let most = self.limits.in_per_primary;
        for urgency in 0..3 {
            for turn in 0..self.turns.len() {
                let Some(primary) = self.turns.get(turn).copied() else { break };
                let Some(name) = self.first_ready(primary, urgency) else { continue };
                match self.paces.entry(primary).or_insert_with(|| PrimaryPace::new(now)).begin(now, most) {
                    Ok(()) => {
                        self.begin(&name, primary, urgency, turn);
                        return Some(name);
                    }
                    Err(until) => self.held = earliest(self.held, until),
                }
            }
        }
        None
    }

    fn begin(&mut self, name: &DomainName, primary: SocketAddr, urgency: usize, turn: usize) {
        if let Some(zones) = self.ready.get_mut(&primary).and_then(|ready| ready.get_mut(urgency)) {
            zones.pop_front();
        }
        self.turns.remove(turn);
        self.turns.push_back(primary);
        self.running += 1;
        if let Some((_, count)) = &mut self.second {
            *count += 1;
        }
        if let Some(slot) = self.slots.get_mut(name) {
            (slot.ready, slot.is_running) = (None, true);
        }
    }

    /// A look at a zone, which was asked of `primary` first, has ended. `due` is when it is looked at again.
    pub(super) fn ended(
        &mut self,
        name: &DomainName,
        primary: SocketAddr,
        result: LookResult,
        urgency: RefreshUrgency,
        now: Instant,
        due: Instant,
    ) {
        self.running = self.running.saturating_sub(1);
        if let Some(pace) = self.paces.get_mut(&primary) {
            pace.end(result, now);
        }
        if let Some((_, count)) = self.second.as_mut().filter(|_| result == LookResult::FirstTransfer) {
            *count = count.saturating_sub(1);
        }
        let Some(slot) = self.slots.get_mut(name) else { return };
        (slot.is_running, slot.urgency) = (false, urgency);
        match slot.again.take() {
            Some(again) => self.make_ready(name, again),
            None => self.look_at(name, due),
        }
    }

    /// Whether a primary is taken to be gone.
    pub(super) fn is_silent(&self, primary: SocketAddr) -> bool {
        self.paces.get(&primary).is_some_and(PrimaryPace::is_silent)
    }

    /// When there may be something to do next.
    pub(super) fn due(&self) -> Option<Instant> {
        let second = self.second.filter(|(_, count)| *count >= self.limits.soa_queries_per_second);
        let held = earliest(self.held, second.map(|(begun, _)| begun + Duration::from_secs(1)));
        earliest(held, self.queue.keys().next().map(|(due, _)| *due))
    }

    fn has_room(&mut self, now: Instant) -> bool {
        match &self.second {
            Some((begun, count)) if now < *begun + Duration::from_secs(1) => {
                *count < self.limits.soa_queries_per_second
            }
            _ => {
                self.second = Some((now, 0));
                true
            }
        }
    }

    /// What is due becomes ready.
    fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= now) {
            let name = entry.remove();
            let Some(slot) = self.slots.get_mut(&name) else { continue };
            slot.due = None;
            let urgency = slot.urgency;
            self.make_ready(&name, urgency);
        }
    }

    fn make_ready(&mut self, name: &DomainName, urgency: RefreshUrgency) {
        let Some(slot) = self.slots.get_mut(name) else { return };
        if slot.ready.is_some_and(|ready| ready <= urgency) {
            return;
        }
        slot.ready = Some(urgency);
        let primary = slot.primary;
        let ready = self.ready.entry(primary).or_default();
        if let Some(zones) = ready.get_mut(urgency as usize) {
            zones.push_back(name.clone());
        }
        if !self.turns.contains(&primary) {
            self.turns.push_back(primary);
        }
    }

    /// The first zone that waits for a primary, those that do no more passed over.
    fn first_ready(&mut self, primary: SocketAddr, urgency: usize) -> Option<DomainName> {
        let slots = &self.slots;
        let zones = self.ready.get_mut(&primary)?.get_mut(urgency)?;
        loop {
            let name = zones.front()?;
            let slot = slots.get(name);
            let waits = slot.is_some_and(|slot| slot.ready.is_some_and(|ready| ready as usize == urgency));
            if waits {
                return Some(name.clone());
            }
            zones.pop_front();
        }
    }

    fn look_at(&mut self, name: &DomainName, due: Instant) {
        self.sequence += 1;
        if let Some(slot) = self.slots.get_mut(name) {
            slot.due = Some((due, self.sequence));
            self.queue.insert((due, self.sequence), name.clone());
        }
    }
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
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
        schedule.hurry(&name(6), RefreshUrgency::Notified);
        let mut order = Vec::new();
        let mut at = now;
        while order.len() < 7 {
            at += Duration::from_millis(10);
            while let Some(found) = schedule.next(at) {
                order.push(found);
            }
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
        assert_eq!(schedule.next(now), Some(name(1)));
        schedule.hurry(&name(1), RefreshUrgency::Notified);
        schedule.hurry(&name(1), RefreshUrgency::Notified);
        assert_eq!(schedule.next(now), None);
        schedule.ended(&name(1), primary(1), LookResult::Answer, RefreshUrgency::Due, now, now + HOUR);
        let later = now + Duration::from_secs(1);
        assert_eq!(schedule.next(later), Some(name(1)));
        schedule.ended(&name(1), primary(1), LookResult::Answer, RefreshUrgency::Due, later, later + HOUR);
        assert_eq!((schedule.next(later), schedule.due()), (None, Some(later + HOUR)));
        schedule.forget(&name(1));
        assert_eq!((schedule.next(later + HOUR), schedule.due()), (None, None));
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
            while let Some(found) = schedule.next(now) {
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
            while let Some(found) = schedule.next(now) {
                let number: usize = found.to_string()[1..].split('.').next().unwrap().parse().unwrap();
                if number.is_multiple_of(10) {
                    running.push_back((now + Duration::from_secs(5), found));
                } else {
                    served += 1;
                    schedule.ended(
                        &found,
                        primary(2),
                        LookResult::Answer,
                        RefreshUrgency::Due,
                        now,
                        now + HOUR,
                    );
                }
            }
            while running.front().is_some_and(|(end, _)| *end <= now) {
                let (_, found) = running.pop_front().unwrap();
                schedule.ended(
                    &found,
                    primary(1),
                    LookResult::Silence,
                    RefreshUrgency::Missing,
                    now,
                    now + HOUR,
                );
            }
            if served == 90 {
                break;
            }
        }
        assert_eq!(served, 90);
        assert!(running.len() <= 8, "{}", running.len());
    }
}
