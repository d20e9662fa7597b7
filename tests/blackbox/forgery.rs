//! Which answers of upstreams are believed: address, port, id, question and its case must fit.

use std::collections::HashSet;
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use rhumb_tests::rig::message::QR;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::{Act, Asked, Message, Record, Transport};
use rhumb_tests::{Context, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("forgery::wrong_id_is_not_believed", || {
        forged(|mut message| {
            message.id = message.id.wrapping_add(1);
            message
        })
    }),
    Test::beside("forgery::wrong_name_is_not_believed", || {
        forged(|mut message| {
            "other.up.example.".clone_into(&mut message.questions[0].0);
            message
        })
    }),
    Test::beside("forgery::wrong_type_is_not_believed", || {
        forged(|mut message| {
            message.questions[0].1 = 28;
            message
        })
    }),
    Test::beside("forgery::answer_without_qr_is_not_believed", || {
        forged(|mut message| {
            message.flags &= !QR;
            message
        })
    }),
    Test::beside("forgery::other_address_is_not_believed", other_address),
    Test::beside("forgery::other_port_is_not_believed", other_port),
    Test::beside("forgery::case_is_random_and_checked", case),
    Test::beside("forgery::lower_casing_upstream_still_works", lower_casing),
    Test::beside("forgery::ports_and_ids_differ", ports_and_ids),
    Test::beside("forgery::records_of_other_domains_are_not_cached", bailiwick),
];

/// Over UDP: at once a forged answer with another address, 150 ms later the true one. Over TCP: the true one.
fn forged(forge: fn(Message) -> Message) -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(
        0,
        script(move |asked| {
            let truth = format!("{} 300 IN A 198.18.0.1", asked.message.name());
            if asked.transport == Transport::Tcp {
                return asked.answer(&[&truth]);
            }
            let lie = format!("{} 300 IN A 198.18.0.66", asked.message.name());
            Act::Each(vec![
                Act::Reply(forge(Message::reply_to(&asked.message).answers(&[&lie]))),
                asked.answer(&[&truth]).after(Duration::from_millis(150)),
            ])
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for number in 0..5 {
        let found = lab.addresses(&format!("n{number}.up.example."))?;
        ensure_eq!(found, ["198.18.0.1"], "answer {number} with a forged one before it");
    }
    Ok(Outcome::Passed)
}

/// The upstream says nothing for a while; somebody else says something to the right port with the right id.
fn spoofed(from: &str, port: u16) -> Verdict {
    let lab = Lab::new()?;
    let bind = lab.behind.socket_address(from, port)?;
    let spoofer = lab.behind.within(|| UdpSocket::bind(bind))?.context("binding the spoofer")?;
    let _upstream = lab.upstream(
        0,
        script(move |asked: &Asked| {
            let truth = format!("{} 300 IN A 198.18.0.1", asked.message.name());
            if asked.transport == Transport::Udp {
                let lie = format!("{} 300 IN A 198.18.0.66", asked.message.name());
                let lie = Message::reply_to(&asked.message).answers(&[&lie]).to_wire();
                let _ = spoofer.send_to(&lie, asked.from);
            }
            asked.answer(&[&truth]).after(Duration::from_millis(100))
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for number in 0..5 {
        let found = lab.addresses(&format!("n{number}.up.example."))?;
        ensure_eq!(found, ["198.18.0.1"], "answer {number} with one from {from} port {port} before it");
    }
    Ok(Outcome::Passed)
}

fn other_address() -> Verdict {
    spoofed(UP[1], 53)
}

fn other_port() -> Verdict {
    spoofed(UP[0], 54)
}

fn case() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    let names: Vec<String> = (0..20).map(|number| format!("abcdefghijklmnop{number}.up.example.")).collect();
    for name in &names {
        ensure_eq!(lab.addresses(name)?, ["198.18.0.1"], "answer for {name}");
    }
    let mixed = upstream
        .seen()
        .iter()
        .filter(|asked| {
            let name = asked.message.name();
            name.bytes().any(|byte| byte.is_ascii_uppercase())
                && name.bytes().any(|byte| byte.is_ascii_lowercase())
        })
        .count();
    ensure!(mixed >= 18, "{mixed} of 20 names went upstream in mixed case");
    // The right letters in another case are not the right question; over TCP the truth is told.
    upstream.follow(script(|asked| {
        let (name, address) = match asked.transport {
            Transport::Udp => (flipped(asked.message.name()), "198.18.0.66"),
            Transport::Tcp => (asked.message.name().to_owned(), "198.18.0.1"),
        };
        let mut reply = Message::reply_to(&asked.message).answers(&[&format!("{name} 300 IN A {address}")]);
        reply.questions[0].0 = name;
        Act::Reply(reply)
    }));
    ensure_eq!(lab.addresses("flippedflippedflipped.up.example.")?, ["198.18.0.1"], "answer in another case");
    Ok(Outcome::Passed)
}

/// Every letter in its other case.
fn flipped(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
        .collect()
}

/// An upstream that answers everything in lower case, over both transports, is slow to get on with but not lost.
fn lower_casing() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(
        0,
        script(|asked| {
            let name = asked.message.name().to_ascii_lowercase();
            let mut reply =
                Message::reply_to(&asked.message).answers(&[&format!("{name} 300 IN A 198.18.0.1")]);
            reply.questions[0].0 = name;
            Act::Reply(reply)
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for number in 0..10 {
        let name = format!("LongEnoughToBeMixed{number}.up.example.");
        ensure_eq!(lab.addresses(&name)?, ["198.18.0.1"], "answer {number} of a lower-casing upstream");
    }
    Ok(Outcome::Passed)
}

fn ports_and_ids() -> Verdict {
    const QUESTIONS: usize = 300;
    let lab = Lab::new()?;
    let upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for number in 0..QUESTIONS {
        lab.addresses(&format!("n{number}.up.example."))?;
    }
    let seen = upstream.seen();
    let ports: HashSet<u16> = seen.iter().map(|asked| asked.from.port()).collect();
    let ids: HashSet<u16> = seen.iter().map(|asked| asked.message.id).collect();
    // Of 300 draws from 65,536 about one is a repetition.
    ensure!(ports.len() >= QUESTIONS - 12, "{} different ports in {} queries", ports.len(), seen.len());
    ensure!(ids.len() >= QUESTIONS - 12, "{} different ids in {} queries", ids.len(), seen.len());
    // Wider than the kernel's ephemeral range, 32768 to 60999.
    ensure!(ports.iter().any(|&port| port < 30_000), "no source port below 30000 in {QUESTIONS}");
    ensure!(ports.iter().any(|&port| port > 61_000), "no source port above 61000 in {QUESTIONS}");
    let rising =
        seen.windows(2).filter(|pair| pair[1].message.id == pair[0].message.id.wrapping_add(1)).count();
    ensure!(rising <= 3, "{rising} ids follow their predecessor");
    Ok(Outcome::Passed)
}

/// What an upstream adds about names that were not asked for changes nothing.
fn bailiwick() -> Verdict {
    let lab = Lab::new()?;
    let truth = lab.upstream(0, every_name("198.18.0.1"))?;
    let _liar = lab.upstream(
        1,
        script(|asked| {
            let reply = Message::reply_to(&asked.message).answers(&[
                &format!("{} 300 IN A 198.18.0.2", asked.message.name()),
                "www.bank.example. 86400 IN A 198.18.0.66",
            ]);
            Act::Reply(Message {
                authority: vec![Record::from_text("example. 86400 IN NS ns.liar.example.")],
                additional: vec![
                    Record::from_text("www.bank.example. 86400 IN A 198.18.0.66"),
                    Record::from_text("ns.liar.example. 86400 IN A 10.53.0.2"),
                ],
                ..reply
            })
        }),
    )?;
    let _server = lab.start(&config().forward(".", &[UP[0]]).forward("liar.example", &[UP[1]]))?;
    for number in 0..3 {
        let answer = lab.client.ask(lab.to, &format!("n{number}.liar.example."), "A")?;
        ensure!(answer.data("A").contains(&"198.18.0.2".to_owned()), "its own answer: {answer:?}");
    }
    ensure_eq!(lab.addresses("www.bank.example.")?, ["198.18.0.1"], "a name the liar spoke of");
    ensure_eq!(truth.count("www.bank.example."), 1, "questions to the true upstream");
    thread::sleep(Duration::from_millis(50));
    ensure_eq!(lab.addresses("www.other.example.")?, ["198.18.0.1"], "a name below the NS the liar spoke of");
    Ok(Outcome::Passed)
}
