//! What of an upstream's reply reaches a client, and when.

use std::time::Duration;

use rhumb_tests::rig::message::{AD, Edns, QR, RA, TC, rcode};
use rhumb_tests::rig::script::{every_name, records, script};
use rhumb_tests::rig::{Act, Asked, Message, Record, Transport};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

pub(crate) mod links;
pub(crate) mod referrals;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("passing::errors_without_a_question_end_the_wait", without_question),
    Test::beside("passing::edns_stays_for_dnssec", edns_stays),
    Test::beside("passing::thousands_of_addresses", thousands),
    Test::beside("passing::extended_errors_of_upstreams", extended_errors),
    Test::beside("passing::authentic_data_of_trusted_upstreams", authentic_data),
    Test::beside("passing::clients_wait_no_longer_than_they_would", waits),
    Test::beside("passing::private_addresses", private_addresses),
    Test::beside("passing::aliases_to_private_addresses", private_aliases),
    Test::beside("passing::names_of_one_label", one_label),
    Test::beside("passing::local_names_by_upstreams", local_names),
];

/// A header that repeats the id, says an error, and counts a question that may not be there.
fn header_alone(asked: &Asked, code: u16, questions: u8) -> Act {
    let [high, low] = asked.message.id.to_be_bytes();
    let [flags_high, flags_low] = (QR | RA | code).to_be_bytes();
    Act::Raw(vec![high, low, flags_high, flags_low, 0, questions, 0, 0, 0, 0, 0, 0])
}

fn without_question() -> Verdict {
    let lab = Lab::new()?;
    let first = lab.upstream(0, every_name("198.18.0.1"))?;
    let _second = lab.upstream(1, every_name("198.18.0.2"))?;
    let _third = lab.upstream(2, every_name("198.18.0.3"))?;
    let config = config().forward("two.example", &UP[..2]).forward("one.example", &UP[..1]);
    let _server = lab.start(&config)?;
    for (code, questions) in [(2, 0), (5, 0), (2, 1), (1, 0), (4, 1), (0, 0), (3, 0)] {
        first.follow(script(move |asked| header_alone(asked, code, questions)));
        let name = format!("c{code}q{questions}");
        let reply = lab.client.udp(lab.to, &Message::query(&format!("{name}.two.example."), "A"))?;
        ensure_eq!(reply.message.data("A"), ["198.18.0.2"], "{name}: the next upstream's answer");
        ensure!(
            reply.took < Duration::from_millis(700),
            "{name}: the next one was asked after {:?}",
            reply.took
        );
        let reply = lab.client.udp(lab.to, &Message::query(&format!("{name}.one.example."), "A"))?;
        let said = if [0, 3].contains(&code) { rcode::SERVFAIL } else { code };
        ensure_eq!(reply.message.rcode(), said, "{name}: the response code");
        ensure!(reply.took < Duration::from_millis(700), "{name}: the failure took {:?}", reply.took);
    }
    Ok(Outcome::Passed)
}

fn edns_stays() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| {
            if asked.message.edns.is_some() && asked.name().starts_with("odd") {
                return asked.code(rcode::FORMERR);
            }
            asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())])
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for round in 0..6 {
        lab.addresses(&format!("odd{round}.up.example."))?;
    }
    upstream.forget();
    let signed = Message::query("even.up.example.", "A").dnssec();
    ensure_eq!(lab.client.udp(lab.to, &signed)?.message.data("A"), ["198.18.0.1"], "the answer with DO");
    let seen = upstream.seen();
    let with_do = seen.iter().filter(|asked| asked.message.edns.as_ref().is_some_and(|edns| edns.dnssec_ok));
    ensure_eq!(with_do.count(), 1, "queries with DO after names that got FORMERR");
    Ok(Outcome::Passed)
}

fn thousands() -> Verdict {
    let lab = Lab::new()?;
    let answer = |asked: &Asked| {
        let count: u32 = asked.name().split('.').next().and_then(|label| label.parse().ok()).unwrap_or(1);
        if asked.transport == Transport::Udp {
            let reply = Message::reply_to(&asked.message);
            return Act::Reply(Message { flags: reply.flags | TC, ..reply });
        }
        // The owner as a pointer to the question: written out, so many do not fit.
        let mut wire = Message::reply_to(&Message { edns: None, ..asked.message.clone() }).to_wire();
        wire[6..8].copy_from_slice(&(count as u16).to_be_bytes());
        for number in 0..count {
            wire.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
            wire.extend((0xc612_0000 + number).to_be_bytes());
        }
        Act::Raw(wire)
    };
    let _upstream = lab.upstream(0, script(answer))?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for count in [256, 257, 1024, 4000] {
        for round in 0..2 {
            let query = Message::query(&format!("{count}.up.example."), "A");
            let reply = lab.client.stream(lab.to, &query)?;
            ensure_eq!(reply.message.data("A").len(), count, "addresses of {count}, round {round}");
        }
    }
    Ok(Outcome::Passed)
}

/// The extended errors of a message: code and text.
fn reasons(message: &Message) -> Vec<(u16, String)> {
    let options = message.edns.iter().flat_map(|edns| &edns.options).filter(|(code, _)| *code == 15);
    options
        .map(|(_, data)| {
            (u16::from_be_bytes([data[0], data[1]]), String::from_utf8_lossy(&data[2..]).into_owned())
        })
        .collect()
}

fn extended_errors() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| {
            let mut reply = Message::reply_to(&asked.message);
            let name = asked.name();
            let (code, text): (u16, &[u8]) = match name.split('.').next() {
                Some("filtered") => (17, b"not for you\0"),
                Some("bogus") => (6, b"signature of example.org"),
                Some("blocked") => (15, b""),
                Some("odd") => (4711, b"\x1b[31m red\xff"),
                _ => return asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())]),
            };
            let mut value = code.to_be_bytes().to_vec();
            value.extend(text);
            reply.edns.get_or_insert_with(|| Edns::with_size(1232)).options.push((15, value));
            match name.split('.').next() {
                Some("bogus") => Act::Reply(reply.with_rcode(rcode::SERVFAIL)),
                Some("blocked") => Act::Reply(
                    reply
                        .with_rcode(rcode::NXDOMAIN)
                        .authorities(&["up.example. 60 IN SOA ns.up.example. host.up.example. 1 2 3 4 60"]),
                ),
                _ => Act::Reply(reply.answers(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())])),
            }
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    let upstreams = |code: u16, text: &str| (code, text.to_owned());
    for (name, first) in [
        ("filtered", upstreams(17, "upstream: not for you")),
        ("bogus", upstreams(6, "upstream: signature of example.org")),
        ("blocked", upstreams(15, "upstream")),
        ("odd", upstreams(4711, "upstream: [31m red\u{fffd}")),
    ] {
        upstream.forget();
        for round in 0..3 {
            let query = Message::query(&format!("{name}.up.example."), "A").edns(1232);
            let reply = lab.client.udp(lab.to, &query)?.message;
            let said = reasons(&reply);
            ensure!(said.contains(&first), "{name}, round {round}: {said:?}");
            let plain = lab.client.udp(lab.to, &Message::query(&format!("{name}.up.example."), "A"))?.message;
            ensure!(plain.edns.is_none() && plain.additional.is_empty(), "{name}: without EDNS: {plain:?}");
            ensure_eq!(plain.rcode(), reply.rcode(), "{name}: response code without EDNS");
            ensure_eq!(plain.answer.len(), reply.answer.len(), "{name}: records without EDNS");
        }
        ensure_eq!(upstream.count(&format!("{name}.up.example.")), 1, "queries upstream for {name}");
    }
    let reply = lab.client.udp(lab.to, &Message::query("plain.up.example.", "A").edns(1232))?.message;
    ensure_eq!(reasons(&reply), [], "reasons of an answer without one");
    Ok(Outcome::Passed)
}

fn authentic_data() -> Verdict {
    let lab = Lab::new()?;
    let answer = |asked: &Asked| {
        let reply = Message::reply_to(&asked.message)
            .answers(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())]);
        let wanted = asked.message.has(AD) || asked.message.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
        let authentic = if wanted && !asked.name().starts_with("insecure") { AD } else { 0 };
        Act::Reply(Message { flags: reply.flags | authentic, ..reply })
    };
    let _upstream = lab.upstream(0, script(answer))?;
    let upstream = format!("\"{}\"", UP[0]);
    let trusting = config()
        .forward_raw("trusted.example", &upstream, "in-order, trust-ad: true")
        .forward("other.example", &UP[..1]);
    let server = lab.start(&trusting)?;
    let ask = |name: &str, flags: u16, dnssec: bool| -> Result<bool, rhumb_tests::Failure> {
        let query = Message::query(name, "A");
        let query = Message { flags: query.flags | flags, ..query };
        let query = if dnssec { query.dnssec() } else { query };
        Ok(lab.client.udp(lab.to, &query)?.message.has(AD))
    };
    for round in 0..2 {
        for (name, flags, dnssec, authentic) in [
            ("a.trusted.example.", AD, false, true),
            ("a.trusted.example.", 0, true, true),
            ("a.trusted.example.", 0, false, false),
            ("insecure.trusted.example.", AD, false, false),
            ("insecure.trusted.example.", AD, true, false),
            ("a.other.example.", AD, false, false),
            ("a.other.example.", AD, true, false),
        ] {
            let said = ask(name, flags, dnssec)?;
            ensure_eq!(said, authentic, "AD of {name} asked with {flags:#x} {dnssec}, round {round}");
        }
    }
    // What was learnt while it was trusted is not told once it is not.
    server.rewrite(&config().forward("trusted.example", &UP[..1]).forward("other.example", &UP[..1]))?;
    server.reload()?;
    ensure!(!ask("a.trusted.example.", AD, true)?, "AD after the trust was taken away");
    Ok(Outcome::Passed)
}

fn waits() -> Verdict {
    let lab = Lab::new()?;
    let upstreams = [lab.upstream(0, script(|_| Act::Silent))?, lab.upstream(1, script(|_| Act::Silent))?];
    let _server = lab.start(&config().forward("two.example", &UP[..2]).forward("one.example", &UP[1..2]))?;
    let client = lab.client.clone().time_limit(Duration::from_secs(8));
    for domain in ["two.example", "one.example"] {
        let first = client.udp(lab.to, &Message::query(&format!("first.{domain}."), "A"))?;
        ensure_eq!(first.message.rcode(), rcode::SERVFAIL, "the first question below {domain}");
        ensure!(first.took < Duration::from_millis(4900), "{domain}: SERVFAIL after {:?}", first.took);
        // The second finds both of them down.
        client.udp(lab.to, &Message::query(&format!("second.{domain}."), "A"))?;
        let later = client.udp(lab.to, &Message::query(&format!("later.{domain}."), "A"))?;
        ensure_eq!(later.message.rcode(), rcode::SERVFAIL, "a later question below {domain}");
        ensure!(later.took < Duration::from_millis(2500), "{domain}, known to be down: {:?}", later.took);
    }
    ensure!(upstreams.iter().all(|upstream| !upstream.seen().is_empty()), "an upstream was never asked");
    Ok(Outcome::Passed)
}

/// Replies to a query for an address with the one that its first label spells, to HTTPS with it as a hint.
fn spelled(asked: &Asked) -> Act {
    let label = asked.name().split('.').next().unwrap_or("").to_owned();
    let name = asked.message.name();
    let v4 = label.replace('-', ".");
    match asked.message.kind() {
        1 => asked.answer(&[&format!("{name} 300 IN A 198.18.0.1"), &format!("{name} 300 IN A {v4}")]),
        28 => asked.answer(&[&format!("{name} 300 IN AAAA {}", label.replace('-', ":"))]),
        _ => {
            let octets: Vec<u8> = v4.split('.').filter_map(|octet| octet.parse().ok()).collect();
            let rdata = [&[0, 1, 0, 0, 4, 0, 4][..], &octets].concat();
            let record = Record { owner: name.to_owned(), kind: 65, class: 1, ttl: 300, rdata };
            Act::Reply(Message { answer: vec![record], ..Message::reply_to(&asked.message) })
        }
    }
}

fn private_addresses() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, script(spelled))?;
    let upstream = format!("\"{}\"", UP[0]);
    let guarded = "in-order, rebinding-protection: true, rebinding-exempt: [inside.example]";
    let config = config().forward_raw(".", &upstream, guarded).forward("open.example", &UP[..1]);
    let server = lab.start(&config)?;
    let emptied = |domain: &str| {
        server.metric("rhumb_forward_domain_private_answers_total", &[&format!("\"{domain}\"")])
    };
    let count =
        |label: &str, domain: &str, kind: &str| -> Result<(usize, Option<u16>), rhumb_tests::Failure> {
            let query = Message::query(&format!("{label}.{domain}."), kind).edns(1232);
            let reply = lab.client.udp(lab.to, &query)?.message;
            ensure_eq!(reply.rcode(), rcode::NOERROR, "{label}.{domain} {kind}");
            Ok((reply.answer.len(), reply.extended_error()))
        };
    for (label, kind) in [
        ("127-0-0-1", "A"),
        ("10-1-2-3", "A"),
        ("172-16-0-1", "A"),
        ("172-31-0-1", "A"),
        ("192-168-1-1", "A"),
        ("169-254-169-254", "A"),
        ("0-0-0-0", "A"),
        ("--1", "AAAA"),
        ("fd00--1", "AAAA"),
        ("fe80--1", "AAAA"),
        ("10-0-0-1", "HTTPS"),
        ("--ffff-a00-1", "AAAA"),
        ("--", "AAAA"),
    ] {
        for round in 0..2 {
            let found = count(label, "out.example", kind)?;
            ensure_eq!(
                found,
                (0, Some(15)),
                "records and error of {label}.out.example {kind}, round {round}"
            );
        }
        for domain in ["inside.example", "open.example"] {
            ensure!(count(label, domain, kind)?.0 > 0, "{label}.{domain} {kind} has no record");
        }
    }
    for (label, kind) in
        [("198-18-0-2", "A"), ("172-32-0-1", "A"), ("2001-db8--1", "AAAA"), ("198-18-0-2", "HTTPS")]
    {
        ensure!(count(label, "out.example", kind)?.0 > 0, "{label}.out.example {kind} has no record");
    }
    ensure!((emptied(".")? - 13.0).abs() < 0.5, "{} answers were counted as emptied", emptied(".")?);
    ensure!(emptied("open.example.")? < 0.5, "answers of a domain without the key were counted as emptied");
    Ok(Outcome::Passed)
}

/// An alias out there that leads to a name in here.
fn private_aliases() -> Verdict {
    let lab = Lab::new()?;
    let _outside = lab.upstream(
        0,
        script(|asked| {
            let name = asked.message.name();
            asked.answer(&[&format!(
                "{name} 300 IN CNAME {}.",
                if asked.name().starts_with('z') { "host.zone.example" } else { "host.inside.example" }
            )])
        }),
    )?;
    let _inside = lab.upstream(
        1,
        records(&["host.inside.example. 300 IN A 10.0.0.1", "up.inside.example. 300 IN A 10.0.0.2"]),
    )?;
    let upstream = format!("\"{}\"", UP[0]);
    let zone = "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nhost A 10.0.0.3\nalias CNAME up.inside.example.\n";
    let config = config()
        .zone("zone.example", zone)
        .forward_raw(".", &upstream, "in-order, rebinding-protection: true")
        .forward("inside.example", &UP[1..2]);
    let _server = lab.start(&config)?;
    for name in ["a.out.example.", "z.out.example."] {
        for round in 0..2 {
            let reply = lab.client.udp(lab.to, &Message::query(name, "A").edns(1232))?.message;
            ensure_eq!(reply.data("A"), [""; 0], "addresses of {name}, round {round}");
            ensure_eq!(reply.extended_error(), Some(15), "why {name} has none, round {round}");
        }
    }
    // Aliases in here may lead to addresses in here.
    ensure_eq!(lab.addresses("host.inside.example.")?, ["10.0.0.1"], "a name inside");
    ensure_eq!(lab.addresses("alias.zone.example.")?, ["10.0.0.2"], "an alias of a zone to a name inside");
    Ok(Outcome::Passed)
}

fn one_label() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let needed = config().recursion("domain-needed: true").forward(".", &UP[..1]).forward("lan", &UP[..1]);
    let server = lab.start(&needed)?;
    for kind in ["A", "AAAA", "HTTPS", "TXT", "MX"] {
        let reply = lab.client.ask(lab.to, "printer.", kind)?;
        ensure_eq!(reply.rcode(), rcode::NXDOMAIN, "printer {kind}");
    }
    ensure_eq!(upstream.count("printer."), 0, "queries upstream for printer");
    for (name, kind) in [
        ("com.", "NS"),
        ("com.", "DS"),
        ("com.", "SOA"),
        ("lan.", "A"),
        ("www.up.example.", "A"),
        (".", "NS"),
    ] {
        let before = upstream.seen().len();
        lab.client.ask(lab.to, name, kind)?;
        ensure!(upstream.seen().len() > before, "{name} {kind} was not asked of the upstream");
    }
    server.rewrite(&config().forward(".", &UP[..1]))?;
    server.reload()?;
    ensure_eq!(lab.addresses("printer.")?, ["198.18.0.1"], "printer without domain-needed");
    Ok(Outcome::Passed)
}

fn local_names() -> Verdict {
    let lab = Lab::new()?;
    let pointer =
        |asked: &Asked| asked.answer(&[&format!("{} 300 IN PTR host.example.", asked.message.name())]);
    let _upstream = lab.upstream(0, script(pointer))?;
    let names = [
        "1.0.0.10.in-addr.arpa.",
        "1.0.16.172.in-addr.arpa.",
        "1.0.168.192.in-addr.arpa.",
        "1.0.0.127.in-addr.arpa.",
    ];
    let mut server = None;
    for (handed, asked) in [
        ("[]", [false, false, false, false]),
        ("[10.in-addr.arpa]", [true, false, false, false]),
        ("[10.in-addr.arpa, 172.in-addr.arpa]", [true, true, false, false]),
        (".", [true, true, true, true]),
    ] {
        let keys = format!("local-names-to-upstreams: {handed}");
        let next = config().recursion(&keys).forward(".", &UP[..1]);
        match &server {
            None => server = Some(lab.start(&next)?),
            Some(running) => {
                running.rewrite(&next)?;
                running.reload()?;
            }
        }
        for (name, asked) in names.iter().zip(asked) {
            let reply = lab.client.ask(lab.to, name, "PTR")?;
            let by_upstream = reply.data("PTR") == ["host.example."];
            ensure_eq!(by_upstream, asked, "{handed}: whether {name} was answered by the upstream");
        }
        let reply = lab.client.ask(lab.to, "www.localhost.", "A")?;
        ensure_eq!(reply.data("A"), ["127.0.0.1"], "{handed}: localhost");
    }
    Ok(Outcome::Passed)
}
