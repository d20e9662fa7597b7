//! Clients, domains and routes have their shares: what one of them does costs the others nothing, and nobody is made a target.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::arrival::{next_arrival, note_arrivals};
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Message, Upstream, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::Crowd;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::alone("attacks::row41_a_dead_domain_takes_nothing_from_others", dead_domain),
    Test::alone("attacks::row42_held_responses_are_spread", spread),
    Test::alone("attacks::row42_late_responses_are_dropped", late),
    Test::beside("attacks::one_question_is_asked_once", one_question),
];

/// Says nothing below `dead.test`, and the address of any other name.
fn selective(asked: &Asked) -> Act {
    if asked.name().ends_with("dead.test") {
        return Act::Silent;
    }
    asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())])
}

/// Five clients ask for a thousand names a second each below a domain that nobody answers for; one asks for others meanwhile.
fn dead_domain() -> Verdict {
    const SECONDS: u64 = 8;
    let config = Crowd::config()
        .forward(".", &["192.0.2.2"])
        .forward("healthy.example", &["192.0.2.3"])
        .allow_all()
        .more("cache: { size: 32MiB }");
    let crowd = Crowd::new(&config, &[])?;
    crowd.people.address("eth0", "192.0.2.3/24")?;
    let _upstream = Upstream::start(&crowd.people, "192.0.2.2", script(selective))?;
    let _healthy = Upstream::start(&crowd.people, "192.0.2.3", script(selective))?;
    crowd.still_serves()?;
    let before = crowd.server.resident()?;
    let stop = AtomicBool::new(false);
    let (mut asked, mut lost, mut peak) = (0_u32, Vec::new(), before);
    thread::scope(|scope| -> Result<(), Failure> {
        for number in 0..5 {
            let socket = crowd.client(256 + number).udp_socket(crowd.to)?;
            socket.connect(crowd.to)?;
            let stop = &stop;
            scope.spawn(move || {
                for round in 0_u32.. {
                    if stop.load(Relaxed) {
                        return;
                    }
                    for each in 0..10 {
                        let name = format!("n{number}x{}.dead.test.", round * 10 + each);
                        let _ = socket.send(&Message::query(&name, "A").to_wire());
                    }
                    thread::sleep(Duration::from_millis(10));
                }
            });
        }
        let honest = crowd.honest().time_limit(Duration::from_secs(3));
        let end = Instant::now() + Duration::from_secs(SECONDS);
        while Instant::now() < end {
            for domain in ["good.test", "healthy.example"] {
                let name = format!("q{asked}.{domain}.");
                let reply = honest.udp(crowd.to, &Message::query(&name, "A"));
                let good = reply.as_ref().is_ok_and(|reply| reply.message.data("A") == ["198.18.0.1"]);
                if !good {
                    lost.push(name);
                }
                asked += 1;
            }
            peak = peak.max(crowd.server.resident()?);
            thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Relaxed);
        Ok(())
    })?;
    ensure!(asked >= 50, "only {asked} questions of others");
    ensure_eq!(lost, [""; 0], "misses elsewhere without an answer, of {asked}");
    ensure!(peak <= (32 << 20) * 3 / 2, "{} MiB beside a cache of 32", peak >> 20);
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

/// A server whose upstream answers after so long.
fn slow(after: Duration) -> Result<(Crowd, Upstream), Failure> {
    let config = Crowd::config().forward("slow.test", &["192.0.2.2"]).allow_all();
    let crowd = Crowd::new(&config, &[])?;
    let answer = script(move |asked| {
        asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())]).after(after)
    });
    let upstream = Upstream::start(&crowd.people, "192.0.2.2", answer)?;
    crowd.still_serves()?;
    Ok((crowd, upstream))
}

/// Sends 3,000 questions from one address, and reads what comes back for `time`: when each datagram was received by the kernel.
fn bomb(crowd: &Crowd, time: Duration) -> Result<Vec<Duration>, Failure> {
    let socket = crowd.client(300).udp_socket(crowd.to)?;
    socket.connect(crowd.to)?;
    note_arrivals(&socket)?;
    socket.set_read_timeout(Some(Duration::from_millis(100))).context("a time-out")?;
    let begun = Instant::now();
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            for number in 0..3000 {
                let _ = socket.send(&Message::query(&format!("n{number}.slow.test."), "A").to_wire());
                if number % 20 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let (mut times, mut buffer) = (Vec::new(), [0; 2048]);
        while begun.elapsed() < time {
            times.extend(next_arrival(&socket, &mut buffer).map(|(_, at)| at));
        }
        sender.join().expect("the sender does not panic");
        times.sort();
        Ok(times)
    })
}

fn spread() -> Verdict {
    let (crowd, _upstream) = slow(Duration::from_millis(700))?;
    let times = bomb(&crowd, Duration::from_millis(3500))?;
    ensure!(times.len() >= 200, "only {} responses: no attack", times.len());
    let most = times
        .windows(101)
        .filter(|window| window[100].saturating_sub(window[0]) < Duration::from_millis(10))
        .count();
    ensure_eq!(most, 0, "times that more than 100 of {} responses came within 10 ms", times.len());
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

/// Answers that come after 2.3 s are too late for a client of whose queries so many wait.
fn late() -> Verdict {
    let (crowd, _upstream) = slow(Duration::from_millis(2300))?;
    let began = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).context("the clock")?;
    let times = bomb(&crowd, Duration::from_secs(7))?;
    // The last question was sent a little after the first.
    let late: Vec<_> = times.iter().filter(|&&time| time > began + Duration::from_millis(2300)).collect();
    ensure_eq!(
        late.len(),
        0,
        "responses of {} that came more than 2.3 s after the first question",
        times.len()
    );
    crowd.still_serves()?;
    // By TCP, and for a client that asks little, a late answer is good.
    let one = crowd.client(301).time_limit(Duration::from_secs(6));
    let reply = one.udp(crowd.to, &Message::query("single.slow.test.", "A"))?.message;
    ensure!([rcode::NOERROR, rcode::SERVFAIL].contains(&reply.rcode()), "a single late answer: {reply:?}");
    Ok(Outcome::Passed)
}

/// Five hundred identical questions while an upstream says nothing, again and again until it is given up.
fn one_question() -> Verdict {
    let config = Crowd::config().forward(".", &["192.0.2.2"]).allow_all();
    let crowd = Crowd::new(&config, &[])?;
    let upstream = Upstream::start(&crowd.people, "192.0.2.2", script(|_| Act::Silent))?;
    crowd.still_serves()?;
    let sockets = (0..50)
        .map(|number| {
            let socket = crowd.client(256 + number).udp_socket(crowd.to)?;
            socket.connect(crowd.to)?;
            Ok(socket)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let query = Message::query("same.example.", "A").to_wire();
    let begun = Instant::now();
    // Long enough for a failure, the second for which it is remembered, and another look-up of up to three messages.
    while begun.elapsed() < Duration::from_secs(5) {
        for socket in &sockets {
            for _ in 0..10 {
                let _ = socket.send(&query);
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
    until(Duration::from_secs(2), || {
        crowd.server.metric("rhumb_forward_waiting", &[]).is_ok_and(|n| n < 0.5)
    });
    let seen: Vec<_> =
        upstream.seen().iter().filter(|asked| asked.name() == "same.example").map(|asked| asked.at).collect();
    ensure!((1..=6).contains(&seen.len()), "the question was sent {} times", seen.len());
    let close = seen
        .windows(2)
        .filter(|pair| pair[1].saturating_duration_since(pair[0]) < Duration::from_millis(200))
        .count();
    ensure_eq!(close, 0, "messages that are no repetition of one that was not answered");
    Ok(Outcome::Passed)
}
