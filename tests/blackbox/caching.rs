//! What is kept of answers, how long, and when it goes.

use std::time::{Duration, Instant};
use std::{collections::HashSet, thread};

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::script::{every_name, no_data, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Message, Script, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("caching::identical_questions_share_one_lookup", coalescing),
    Test::beside("caching::ttl_ages_and_ends", ages),
    Test::beside("caching::negative_answers", negative),
    Test::beside("caching::failures_are_remembered_for_a_moment", failures),
    Test::beside("caching::min_and_max_ttl", bounds),
    Test::beside("caching::stale_answers_while_upstream_is_silent", stale),
    Test::beside("caching::no_stale_answers_when_they_are_off", stale_off),
    Test::alone("caching::popular_entries_are_fetched_before_they_end", prefetch),
    Test::beside("caching::flush_by_name_and_whole", flush),
    Test::beside("caching::a_dropped_upstream_takes_its_answers_with_it", dropped),
    Test::beside("caching::special_names_stay_here", special),
    Test::alone("caching::memory_stays_within_the_limit", bounded),
    Test::beside("caching::without_rd_only_what_is_known", no_rd),
];

/// Every A question gets this address with this TTL.
fn with_ttl(address: &'static str, ttl: u32) -> Script {
    script(move |asked: &Asked| asked.answer(&[&format!("{} {ttl} IN A {address}", asked.message.name())]))
}

fn coalescing() -> Verdict {
    const CLIENTS: u16 = 500;
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| {
            let line = format!("{} 300 IN A 198.18.0.1", asked.message.name());
            asked.answer(&[&line]).after(Duration::from_millis(200))
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    let socket = lab.client.udp_socket(lab.to)?;
    for id in 0..CLIENTS {
        let query = Message { id, ..Message::query("same.up.example.", "A") };
        socket.send_to(&query.to_wire(), lab.to)?;
    }
    let mut answered = HashSet::new();
    while answered.len() < usize::from(CLIENTS) {
        let Some((wire, _)) = receive(&socket, Duration::from_secs(2))? else { break };
        let reply = Message::from_wire(&wire)?;
        ensure_eq!(reply.data("A"), ["198.18.0.1"], "answer {}", reply.id);
        answered.insert(reply.id);
    }
    ensure_eq!(answered.len(), usize::from(CLIENTS), "answers to identical questions");
    ensure_eq!(upstream.count("same.up.example."), 1, "queries upstream");
    Ok(Outcome::Passed)
}

fn ages() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, with_ttl("198.18.0.1", 3))?;
    let _server = lab.start(&config().forward(".", &UP[..1]).more("cache: { prefetch: false }"))?;
    let ask = || -> Result<u32, Failure> {
        let answer = lab.client.ask(lab.to, "www.up.example.", "A")?;
        Ok(answer.answer.first().context("an empty answer")?.ttl)
    };
    ensure_eq!(ask()?, 3, "TTL of the first answer");
    thread::sleep(Duration::from_millis(1300));
    let aged = ask()?;
    ensure!((1..=2).contains(&aged), "TTL {aged} after 1.3 s of 3");
    ensure_eq!(upstream.count("www.up.example."), 1, "queries upstream within the TTL");
    thread::sleep(Duration::from_millis(2200));
    ensure_eq!(ask()?, 3, "TTL after the first one ended");
    ensure_eq!(upstream.count("www.up.example."), 2, "queries upstream after the TTL");
    Ok(Outcome::Passed)
}

fn negative() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| match no_data(asked) {
            Act::Reply(reply) if asked.name().starts_with("absent") => {
                Act::Reply(reply.with_rcode(rcode::NXDOMAIN))
            }
            other => other,
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for (name, code) in [("absent.up.example.", rcode::NXDOMAIN), ("empty.up.example.", rcode::NOERROR)] {
        for round in 0..3 {
            let answer = lab.client.ask(lab.to, name, "A")?;
            ensure_eq!(answer.rcode(), code, "response code of {name}, round {round}");
            let soa = answer.authority.first().context(format!("no SOA for {name}, round {round}"))?;
            ensure!(soa.kind == 6 && soa.ttl <= 60, "authority of {name}: {soa}");
        }
        ensure_eq!(upstream.count(name), 1, "queries upstream for {name}");
    }
    // NXDOMAIN is for every type of the name, NODATA for one.
    lab.client.ask(lab.to, "absent.up.example.", "TXT")?;
    ensure_eq!(
        upstream.count("absent.up.example."),
        1,
        "queries upstream for another type of an absent name"
    );
    lab.client.ask(lab.to, "empty.up.example.", "TXT")?;
    ensure_eq!(upstream.count("empty.up.example."), 2, "queries upstream for another type of an empty name");
    Ok(Outcome::Passed)
}

fn failures() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, script(|asked| asked.code(rcode::SERVFAIL)))?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for _ in 0..100 {
        let answer = lab.client.ask(lab.to, "bad.up.example.", "A")?;
        ensure_eq!(answer.rcode(), rcode::SERVFAIL, "response code");
    }
    let sent = upstream.count("bad.up.example.");
    ensure!((1..=4).contains(&sent), "{sent} queries upstream for 100 questions that fail (RFC 9520)");
    Ok(Outcome::Passed)
}

fn bounds() -> Verdict {
    let lab = Lab::new()?;
    let _long = lab.upstream(0, with_ttl("198.18.0.1", 2_000_000))?;
    let short = lab.upstream(1, with_ttl("198.18.0.2", 0))?;
    let config = config()
        .forward("long.example", &[UP[0]])
        .forward("short.example", &[UP[1]])
        .more("cache: { min-ttl: 10s, max-ttl: 100s }");
    let _server = lab.start(&config)?;
    let ttl = |name: &str| -> Result<u32, Failure> {
        Ok(lab.client.ask(lab.to, name, "A")?.answer.first().context("an empty answer")?.ttl)
    };
    for _ in 0..2 {
        let found = ttl("www.long.example.")?;
        ensure!((98..=100).contains(&found), "TTL {found} with max-ttl 100s");
        let found = ttl("www.short.example.")?;
        ensure!((8..=10).contains(&found), "TTL {found} with min-ttl 10s");
    }
    ensure_eq!(short.count("www.short.example."), 1, "queries upstream for a TTL of 0 under min-ttl 10s");
    Ok(Outcome::Passed)
}

fn stale() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, with_ttl("198.18.0.1", 1))?;
    let server = lab.start(&config().forward(".", &UP[..1]))?;
    ensure_eq!(lab.addresses("www.up.example.")?, ["198.18.0.1"], "the first answer");
    upstream.follow(script(|_| Act::Silent));
    thread::sleep(Duration::from_millis(2100));
    let lasting = lab.client.clone().time_limit(Duration::from_secs(6));
    let reply = lasting.udp(lab.to, &Message::query("www.up.example.", "A").edns(1232))?;
    ensure_eq!(reply.message.data("A"), ["198.18.0.1"], "stale answer");
    ensure!(
        reply.took < Duration::from_millis(2500),
        "the stale answer took {:?} (RFC 8767: 1.8 s)",
        reply.took
    );
    ensure!(reply.message.answer[0].ttl <= 30, "TTL {} of a stale answer", reply.message.answer[0].ttl);
    ensure_eq!(reply.message.extended_error(), Some(3), "extended error of a stale answer");
    // The next client has it at once, out of the cache. Each is counted once, and neither is a hit.
    ensure_eq!(lab.addresses("www.up.example.")?, ["198.18.0.1"], "the next stale answer");
    for (name, expected) in [("hits", 0.0), ("misses", 3.0), ("stale", 2.0), ("prefetch", 0.0)] {
        let counted = server.metric(&format!("rhumb_cache_{name}_total"), &[])?;
        ensure_eq!(counted.to_string(), expected.to_string(), "{name}");
    }
    upstream.follow(with_ttl("198.18.0.2", 1));
    // RFC 8767 section 5 lets half a minute pass between attempts.
    let fresh = until(Duration::from_secs(40), || {
        lab.addresses("www.up.example.").is_ok_and(|found| found == ["198.18.0.2"])
    });
    ensure!(fresh, "still stale 40 s after the upstream came back");
    Ok(Outcome::Passed)
}

fn stale_off() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, with_ttl("198.18.0.1", 1))?;
    let _server = lab.start(&config().forward(".", &UP[..1]).more("cache: { serve-stale: 0s }"))?;
    lab.addresses("www.up.example.")?;
    upstream.follow(script(|asked| asked.code(rcode::SERVFAIL)));
    thread::sleep(Duration::from_millis(2100));
    let answer = lab.client.ask(lab.to, "www.up.example.", "A")?;
    ensure_eq!(answer.rcode(), rcode::SERVFAIL, "response code with serve-stale off");
    ensure!(answer.answer.is_empty(), "a stale answer although they are off");
    Ok(Outcome::Passed)
}

fn prefetch() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| {
            let line = format!("{} 10 IN A 198.18.0.1", asked.message.name());
            asked.answer(&[&line]).after(Duration::from_millis(300))
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    lab.addresses("popular.up.example.")?;
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < Duration::from_millis(11_500) {
        let reply = lab.client.udp(lab.to, &Message::query("popular.up.example.", "A"))?;
        slowest = slowest.max(reply.took);
        thread::sleep(Duration::from_millis(20));
    }
    ensure!(slowest < Duration::from_millis(200), "a client waited {slowest:?} for a popular name");
    let sent = upstream.count("popular.up.example.");
    ensure!((2..=4).contains(&sent), "{sent} queries upstream in 11.5 s with a TTL of 10 s");
    Ok(Outcome::Passed)
}

fn flush() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let server = lab.start(&config().forward(".", &UP[..1]))?;
    let names = ["one.up.example.", "below.one.up.example.", "two.up.example."];
    let counts = || names.map(|name| upstream.count(name));
    let ask = || names.iter().try_for_each(|name| lab.addresses(name).map(drop));
    ask()?;
    ask()?;
    ensure_eq!(counts(), [1, 1, 1], "queries upstream before any flush");
    for (words, expected) in [
        (&["flush", "one.up.example"][..], [2, 1, 1]),
        (&["flush", "one.up.example", "--subtree"][..], [3, 2, 1]),
        (&["flush"][..], [4, 3, 2]),
    ] {
        let output = server.tell(words)?;
        ensure_eq!(output.code, Some(0), "exit status of {words:?}: {}{}", output.out, output.err);
        ask()?;
        ensure_eq!(counts(), expected, "queries upstream after {words:?}");
    }
    Ok(Outcome::Passed)
}

fn dropped() -> Verdict {
    let lab = Lab::new()?;
    let _first = lab.upstream(0, every_name("198.18.0.1"))?;
    let _second = lab.upstream(1, every_name("198.18.0.2"))?;
    let third = lab.upstream(2, every_name("198.18.0.3"))?;
    let before = config().forward("changes.example", &[UP[0]]).forward("stays.example", &[UP[2]]);
    let after = config().forward("changes.example", &[UP[1]]).forward("stays.example", &[UP[2]]);
    let server = lab.start(&before)?;
    ensure_eq!(lab.addresses("www.changes.example.")?, ["198.18.0.1"], "before the reload");
    ensure_eq!(lab.addresses("www.stays.example.")?, ["198.18.0.3"], "before the reload");
    server.rewrite(&after)?;
    server.reload()?;
    ensure_eq!(lab.addresses("www.changes.example.")?, ["198.18.0.2"], "after its upstream was replaced");
    ensure_eq!(lab.addresses("www.stays.example.")?, ["198.18.0.3"], "of the other route");
    ensure_eq!(third.count("www.stays.example."), 1, "queries upstream of a route that stayed");
    Ok(Outcome::Passed)
}

fn special() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, every_name("198.18.0.66"))?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    let ask = |name: &str, kind: &str| lab.client.ask(lab.to, name, kind);
    ensure_eq!(ask("localhost.", "A")?.data("A"), ["127.0.0.1"], "localhost A");
    ensure_eq!(ask("a.b.LOCALHOST.", "AAAA")?.data("AAAA"), ["::1"], "a.b.LOCALHOST AAAA");
    ensure_eq!(ask("1.0.0.127.in-addr.arpa.", "PTR")?.data("PTR"), ["localhost."], "PTR of 127.0.0.1");
    let v6 = format!("1.{}ip6.arpa.", "0.".repeat(31));
    ensure_eq!(ask(&v6, "PTR")?.data("PTR"), ["localhost."], "PTR of ::1");
    // RFC 6761, 7686 and 6303: such names are nobody else's business.
    for (name, kind) in [
        ("www.invalid.", "A"),
        ("some.onion.", "A"),
        ("1.1.168.192.in-addr.arpa.", "PTR"),
        ("7.0.0.10.in-addr.arpa.", "PTR"),
        ("1.0.16.172.in-addr.arpa.", "PTR"),
        ("1.2.0.192.in-addr.arpa.", "PTR"),
        ("9.9.254.169.in-addr.arpa.", "PTR"),
        ("1.0.d.f.ip6.arpa.", "PTR"),
        ("b.e.f.ip6.arpa.", "PTR"),
    ] {
        let answer = ask(name, kind)?;
        ensure!(answer.answer.is_empty(), "{name} {kind} has an answer: {answer:?}");
        ensure!([rcode::NXDOMAIN, rcode::NOERROR].contains(&answer.rcode()), "{name} {kind}: {answer:?}");
        ensure!(
            answer.authority.iter().any(|record| record.kind == 6),
            "{name} {kind} without a SOA: {answer:?}"
        );
    }
    let seen = upstream.seen();
    ensure!(seen.is_empty(), "went upstream: {:?}", seen.iter().map(Asked::name).collect::<Vec<_>>());
    Ok(Outcome::Passed)
}

fn bounded() -> Verdict {
    const NAMES: u32 = 60_000;
    let lab = Lab::new()?;
    let text = "x".repeat(200);
    let _upstream = lab.upstream(
        0,
        script(move |asked| {
            let name = asked.message.name();
            asked.answer(&[&format!("{name} 3000 IN TXT \"{text}\" \"{text}\"")])
        }),
    )?;
    let server = lab.start(&config().forward(".", &UP[..1]).more("cache: { size: 4MiB }"))?;
    let socket = lab.client.udp_socket(lab.to)?;
    let mut settled = 0;
    for number in 0..NAMES {
        let query = Message { id: number as u16, ..Message::query(&format!("n{number}.up.example."), "TXT") };
        socket.send_to(&query.to_wire(), lab.to)?;
        // Sixteen under way at a time.
        if number >= 16 {
            receive(&socket, Duration::from_secs(2))?;
        }
        if number == NAMES / 3 {
            settled = server.resident()?;
        }
    }
    // 60,000 answers of more than 400 bytes are 24 MB; twice the limit is allowed for indices and slack.
    let grown = server.resident()?.saturating_sub(settled);
    ensure!(grown < 6 << 20, "{} KiB more with a full cache of 4 MiB", grown >> 10);
    ensure!(server.resident()? < 120 << 20, "{} MiB resident", server.resident()? >> 20);
    let answer = lab.client.ask(lab.to, &format!("n{}.up.example.", NAMES - 1), "TXT")?;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "response code afterwards");
    Ok(Outcome::Passed)
}

fn no_rd() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    let query = Message::query("www.up.example.", "A").no_recursion();
    let unknown = lab.client.udp(lab.to, &query)?.message;
    ensure!(unknown.answer.is_empty(), "an answer to RD=0 out of nothing: {unknown:?}");
    ensure_eq!(upstream.seen().len(), 0, "queries upstream for RD=0");
    Ok(Outcome::Passed)
}
