//! What happens when an upstream does not do its part.

use std::time::{Duration, Instant};

use rhumb_tests::rig::message::TC;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Message, Transport, rcode};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::alone("failover::silent_upstream_is_left", silent),
    Test::beside("failover::refused_and_servfail_are_passed_over", errors_passed_over),
    Test::beside("failover::truncated_answer_is_fetched_over_tcp", truncated),
    Test::beside("failover::formerr_is_retried_without_edns", formerr),
    Test::beside("failover::upstream_that_closes_streams_is_passed_over", closing),
    Test::beside("failover::garbage_is_passed_over", garbage),
    Test::beside("failover::every_upstream_dead_is_servfail_in_time", all_dead),
    Test::alone("failover::an_upstream_that_is_back_is_healthy_without_a_client", found_again),
];

fn silent() -> Verdict {
    let lab = Lab::new()?;
    let dead = lab.upstream(0, script(|_| Act::Silent))?;
    let _alive = lab.upstream(1, every_name("198.18.0.2"))?;
    let _server = lab.start(&config().forward(".", &UP[..2]))?;
    let begun = Instant::now();
    ensure_eq!(lab.addresses("first.up.example.")?, ["198.18.0.2"], "with the first upstream silent");
    ensure!(begun.elapsed() < Duration::from_secs(4), "the first answer took {:?}", begun.elapsed());
    // What is known to be silent is not waited for again and again.
    for number in 0..3 {
        lab.addresses(&format!("learn{number}.up.example."))?;
    }
    let before = dead.seen().len();
    let begun = Instant::now();
    for number in 0..50 {
        ensure_eq!(lab.addresses(&format!("n{number}.up.example."))?, ["198.18.0.2"], "answer {number}");
    }
    let took = begun.elapsed();
    ensure!(took < Duration::from_secs(3), "50 answers took {took:?} beside a silent upstream");
    let probes = dead.seen().len() - before;
    ensure!(probes <= 15, "a silent upstream was asked {probes} times for 50 questions");
    // And it is used again once it answers.
    dead.follow(every_name("198.18.0.1"));
    let mut name = 0;
    let back = until(Duration::from_secs(30), || {
        name += 1;
        lab.addresses(&format!("back{name}.up.example.")).is_ok_and(|found| found == ["198.18.0.1"])
    });
    ensure!(back, "an upstream that answers again is not used for 30 s");
    Ok(Outcome::Passed)
}

fn errors_passed_over() -> Verdict {
    for code in [rcode::SERVFAIL, rcode::REFUSED, rcode::NOTIMP] {
        let lab = Lab::new()?;
        let _bad = lab.upstream(0, script(move |asked| asked.code(code)))?;
        let _good = lab.upstream(1, every_name("198.18.0.2"))?;
        let _server = lab.start(&config().forward(".", &UP[..2]))?;
        for number in 0..10 {
            let found = lab.addresses(&format!("n{number}.up.example."))?;
            ensure_eq!(found, ["198.18.0.2"], "first upstream says {code}, question {number}");
        }
    }
    Ok(Outcome::Passed)
}

fn truncated() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| {
            if asked.transport == Transport::Udp {
                let reply = Message::reply_to(&asked.message);
                return Act::Reply(Message { flags: reply.flags | TC, ..reply });
            }
            let lines: Vec<String> =
                (1..=120).map(|last| format!("{} 300 IN A 198.18.1.{last}", asked.message.name())).collect();
            asked.answer(&lines.iter().map(String::as_str).collect::<Vec<_>>())
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    let reply = lab.client.stream(lab.to, &Message::query("large.up.example.", "A"))?;
    ensure_eq!(reply.message.answer.len(), 120, "addresses of the answer fetched over TCP");
    let transports: Vec<Transport> = upstream.seen().iter().map(|asked| asked.transport).collect();
    ensure!(transports.contains(&Transport::Tcp), "upstream was never asked over TCP");
    let datagram = lab.client.udp(lab.to, &Message::query("large.up.example.", "A").edns(1232))?;
    ensure!(datagram.message.has(TC), "120 addresses in a datagram without TC");
    ensure!(datagram.wire.len() <= 1232, "{} bytes over UDP", datagram.wire.len());
    Ok(Outcome::Passed)
}

fn formerr() -> Verdict {
    let lab = Lab::new()?;
    // A nameserver from before EDNS: FORMERR without OPT (RFC 6891 section 7).
    let old = lab.upstream(
        0,
        script(|asked| {
            if asked.message.edns.is_some() {
                let reply = Message::reply_to(&asked.message).with_rcode(rcode::FORMERR);
                return Act::Reply(Message { edns: None, ..reply });
            }
            asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())])
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    ensure_eq!(lab.addresses("one.up.example.")?, ["198.18.0.1"], "upstream without EDNS");
    let seen = old.seen();
    ensure!(seen.iter().any(|asked| asked.message.edns.is_some()), "EDNS was never tried");
    ensure!(seen.len() <= 4, "{} queries for one name", seen.len());
    ensure_eq!(lab.addresses("two.up.example.")?, ["198.18.0.1"], "upstream without EDNS, again");
    Ok(Outcome::Passed)
}

fn closing() -> Verdict {
    let lab = Lab::new()?;
    let _closes = lab.upstream(
        0,
        script(|asked| match asked.transport {
            Transport::Udp => {
                let reply = Message::reply_to(&asked.message);
                Act::Reply(Message { flags: reply.flags | TC, ..reply })
            }
            Transport::Tcp => Act::Close,
        }),
    )?;
    let _good = lab.upstream(1, every_name("198.18.0.2"))?;
    let _server = lab.start(&config().forward(".", &UP[..2]))?;
    ensure_eq!(
        lab.addresses("one.up.example.")?,
        ["198.18.0.2"],
        "first upstream truncates and closes its streams"
    );
    Ok(Outcome::Passed)
}

fn garbage() -> Verdict {
    let lab = Lab::new()?;
    // Header and question are right, what follows is not: counts too high, RDATA cut, a name that points at itself.
    let broken = |tail: &'static [u8], count: u16| {
        script(move |asked: &Asked| {
            let mut wire = Message { edns: None, ..Message::reply_to(&asked.message) }.to_wire();
            wire[6..8].copy_from_slice(&count.to_be_bytes());
            let itself = 0xc000 | wire.len() as u16;
            if let Some(rest) = tail.strip_prefix(b"@") {
                wire.extend(itself.to_be_bytes());
                wire.extend_from_slice(rest);
            } else {
                wire.extend_from_slice(tail);
            }
            Act::Raw(wire)
        })
    };
    let lookups: [(&str, &'static [u8], u16); 4] = [
        ("counts", b"", 65535),
        ("rdata", &[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 1], 1),
        ("loop", &[b'@', 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 1, 2, 3, 4], 1),
        ("length", &[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 3, 1, 2, 3], 1),
    ];
    let bad = lab.upstream(0, every_name("198.18.0.1"))?;
    let _good = lab.upstream(1, every_name("198.18.0.2"))?;
    let _server = lab.start(&config().forward(".", &UP[..2]))?;
    for (what, tail, count) in lookups {
        bad.follow(broken(tail, count));
        let found = lab.addresses(&format!("{what}.up.example."))?;
        ensure_eq!(found, ["198.18.0.2"], "first upstream sends broken {what}");
    }
    Ok(Outcome::Passed)
}

fn all_dead() -> Verdict {
    let lab = Lab::new()?;
    let first = lab.upstream(0, script(|_| Act::Silent))?;
    let second = lab.upstream(1, script(|_| Act::Silent))?;
    let _server = lab.start(&config().forward(".", &UP[..2]))?;
    let lasting = lab.client.clone().time_limit(Duration::from_secs(12));
    let reply = lasting.udp(lab.to, &Message::query("dead.up.example.", "A").edns(1232))?;
    ensure_eq!(reply.message.rcode(), rcode::SERVFAIL, "response code without a living upstream");
    ensure!(reply.took < Duration::from_secs(9), "SERVFAIL took {:?}", reply.took);
    ensure!(reply.message.extended_error().is_some(), "SERVFAIL without an extended error");
    let sent = first.seen().len() + second.seen().len();
    ensure!((2..=12).contains(&sent), "{sent} queries to two silent upstreams");
    Ok(Outcome::Passed)
}

/// Dead for ten seconds, seen by one client, and then nothing asks any more.
fn found_again() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let server = lab.start(&config().forward("up.example", &UP[..1]))?;
    let healthy = || server.metric("rhumb_forward_healthy", &[]).is_ok_and(|healthy| healthy > 0.5);
    lab.addresses("first.up.example.")?;
    ensure!(healthy(), "an upstream that answers is not healthy");
    upstream.follow(script(|_| Act::Silent));
    let killed = Instant::now();
    let _ = lab
        .client
        .clone()
        .time_limit(Duration::from_secs(9))
        .udp(lab.to, &Message::query("x.up.example.", "A"));
    ensure!(until(Duration::from_secs(9), || !healthy()), "a dead upstream is healthy");
    std::thread::sleep(Duration::from_secs(10).saturating_sub(killed.elapsed()));
    upstream.forget();
    upstream.follow(script(|asked| asked.code(rcode::REFUSED)));
    let back = Instant::now();
    ensure!(until(Duration::from_secs(16), healthy), "not healthy 16 s after its return");
    let seen = upstream.seen();
    ensure!(seen.iter().all(|asked| asked.name() == "up.example"), "probes: {seen:?}");
    ensure_eq!(seen.len(), 1, "probes in {:?}", back.elapsed());
    let logged = server.logs("upstream 10.53.0.1:53 is down", Duration::from_secs(2));
    ensure!(logged, "nothing logged: {}", server.log_tail());
    ensure!(server.logs("up again", Duration::from_secs(16)), "return not logged: {}", server.log_tail());
    Ok(Outcome::Passed)
}
