//! Replies that no server sent, or that are not to this question; and many who ask the same.

use std::collections::HashSet;
use std::time::Duration;

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::hostile::{ATTACKER, answer};
use rhumb_tests::rig::internet::{authoritative, denial};
use rhumb_tests::rig::script::Transport;
use rhumb_tests::rig::{Act, Asked, Internet, Message, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::Attack;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row30_replies_with_wrong_ids", wrong_ids),
    Test::beside("attacks::row31_replies_to_another_question", wrong_question),
    Test::beside("attacks::row32_a_malformed_reply_first", malformed_first),
    Test::beside("attacks::row33_five_hundred_identical_questions", identical),
    Test::beside("attacks::row33_questions_that_differ_in_flags", flags),
    Test::beside("attacks::row36_servers_that_lose_the_case", lost_case),
    Test::beside("attacks::row37_payload_size", payload_size),
    Test::alone("attacks::row34_ports_and_ids", ports_and_ids),
    Test::beside("attacks::row41_random_names_of_a_dead_zone", dead_zone),
];

const TRUE: &str = "198.18.6.80";
const LIE: &str = "203.0.113.66";

fn address(asked: &Asked, address: &str) -> Message {
    authoritative(asked).answers(&[&format!("{} 300 IN A {address}", asked.message.name())])
}

/// The forged replies first, the true one 300 ms later; over TCP the true one alone.
fn race(forged: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static) -> Result<Attack, Failure> {
    Attack::new(move |asked| {
        let truth = Act::Reply(address(asked, TRUE));
        if asked.transport == Transport::Tcp || asked.to.to_string() != ATTACKER {
            return truth;
        }
        let mut acts = forged(asked);
        acts.push(truth.after(Duration::from_millis(300)));
        Act::After(Duration::ZERO, Box::new(Act::Each(acts)))
    })
}

fn truth(attack: &Attack) -> Result<usize, Failure> {
    let query = Message::query("www.attack.", "A").edns(1232);
    let reply = attack.0.client.udp(attack.0.to, &query)?.message;
    ensure!(reply.data("A") == [TRUE], "{reply:?} after {:?}", attack.0.seen());
    let by_tcp = |asked: &&Asked| asked.transport == Transport::Tcp;
    Ok(attack.0.seen().iter().filter(by_tcp).count())
}

fn wrong_ids() -> Verdict {
    let attack = race(|asked| {
        let lie =
            |n: u16| Act::Reply(Message { id: asked.message.id.wrapping_add(n), ..address(asked, LIE) });
        (1..=5).map(lie).collect()
    })?;
    ensure_eq!(truth(&attack)?, 1, "queries over TCP after the first wrong id");
    ensure_eq!(attack.0.seen_at(ATTACKER), 2, "queries in all");
    Ok(Outcome::Passed)
}

fn wrong_question() -> Verdict {
    let other = |asked: &Asked, name: &str, kind: u16| {
        let mut lie = address(asked, LIE);
        lie.questions = vec![(name.to_owned(), kind, 1)];
        Act::Reply(lie)
    };
    let attack = race(move |asked| {
        let kind = asked.message.kind();
        vec![other(asked, "www.good.", kind), other(asked, asked.message.name(), 28)]
    })?;
    truth(&attack)?;
    let seen = attack.0.seen_at(ATTACKER);
    ensure!(seen <= 2, "{seen} queries");
    Ok(Outcome::Passed)
}

fn malformed_first() -> Verdict {
    type Forged = fn(&Asked) -> Vec<u8>;
    let cases: [(&str, Forged); 3] = [
        ("RDATA cut", |asked| {
            let mut wire = address(asked, LIE).to_wire();
            let end = wire.len() - 13;
            wire.truncate(end);
            wire
        }),
        ("counts without records", |asked| {
            let mut wire = authoritative(asked).to_wire();
            wire[6..8].copy_from_slice(&[255, 255]);
            wire
        }),
        ("eleven bytes", |asked| address(asked, LIE).to_wire()[..11].to_vec()),
    ];
    for (what, forged) in cases {
        let attack = race(move |asked| vec![Act::Raw(forged(asked))])?;
        truth(&attack).context(what)?;
    }
    Ok(Outcome::Passed)
}

/// One query is on its way, and all get its answer.
fn identical() -> Verdict {
    let attack = Attack::new(|asked| Act::Reply(address(asked, TRUE)).after(Duration::from_millis(250)))?;
    let Internet { client, to, .. } = &attack.0;
    let socket = client.udp_socket(*to)?;
    for id in 0..500 {
        socket.send_to(&Message { id, ..Message::query("www.attack.", "A") }.to_wire(), *to)?;
    }
    let mut ids = HashSet::new();
    while ids.len() < 500 {
        let (wire, _) =
            receive(&socket, Duration::from_secs(4))?.context(format!("{} of 500 answered", ids.len()))?;
        let reply = Message::from_wire(&wire)?;
        ensure_eq!(reply.data("A"), [TRUE], "address");
        ids.insert(reply.id);
    }
    ensure_eq!(attack.0.seen_at(ATTACKER), 1, "queries for five hundred questions");
    Ok(Outcome::Passed)
}

/// What clients vary does not multiply what is asked of a server.
fn flags() -> Verdict {
    let attack = Attack::new(|asked| Act::Reply(address(asked, TRUE)).after(Duration::from_millis(250)))?;
    let Internet { client, to, .. } = &attack.0;
    let socket = client.udp_socket(*to)?;
    for id in 0..256_u16 {
        let mut query = Message { id, ..Message::query("www.attack.", "A") };
        if id & 1 != 0 {
            query = query.edns(1232 + id);
        }
        if id & 2 != 0 {
            query = query.dnssec();
        }
        if id & 4 != 0 {
            query = query.option(8, &[0, 1, 24, 0, 198, 51, id as u8]);
        }
        if id & 8 != 0 {
            query.flags |= 0x10;
        }
        if id & 16 != 0 {
            query = query.option(10, &u64::from(id).to_be_bytes());
        }
        socket.send_to(&query.to_wire(), *to)?;
    }
    let mut answered = 0;
    while answered < 256 && receive(&socket, Duration::from_secs(3))?.is_some() {
        answered += 1;
    }
    ensure_eq!(answered, 256, "answers");
    let queries = attack.0.seen_at(ATTACKER);
    ensure!(queries <= 1, "{queries} queries under way for one name and type");
    Ok(Outcome::Passed)
}

/// A server that answers in lower case is believed over TCP.
fn lost_case() -> Verdict {
    let attack = Attack::new(|asked| {
        let mut reply = address(asked, TRUE);
        reply.questions[0].0 = reply.questions[0].0.to_ascii_lowercase();
        Act::Reply(reply)
    })?;
    truth(&attack)?;
    let mixed = |asked: &&Asked| asked.message.name().bytes().any(|byte| byte.is_ascii_uppercase());
    let seen = attack.0.seen();
    ensure!(seen.iter().filter(mixed).count() >= 1, "no query in mixed case: {seen:?}");
    Ok(Outcome::Passed)
}

/// RFC 9715.
fn payload_size() -> Verdict {
    let attack = Attack::new(|asked| answer(asked, &[&format!("{} 300 IN A {TRUE}", asked.message.name())]))?;
    truth(&attack)?;
    for asked in attack.0.seen() {
        let edns = asked.message.edns.context("a query without EDNS")?;
        ensure_eq!(edns.size, 1232, "payload size that servers are told");
    }
    Ok(Outcome::Passed)
}

/// Ports are spread over all there are, ids over all numbers, and neither tells the other.
fn ports_and_ids() -> Verdict {
    const QUERIES: usize = 6000;
    let attack = Attack::new(|asked| Act::Reply(denial(asked, "attack.", rcode::NXDOMAIN)))?;
    let Internet { client, to, .. } = &attack.0;
    let socket = client.udp_socket(*to)?;
    for number in 0..QUERIES {
        let name = format!("n{number}.attack.");
        socket.send_to(&Message { id: number as u16, ..Message::query(&name, "A") }.to_wire(), *to)?;
        if number % 100 == 99 {
            for _ in 0..100 {
                receive(&socket, Duration::from_secs(2))?.context("no answer")?;
            }
        }
    }
    let seen: Vec<Asked> = attack
        .0
        .seen()
        .into_iter()
        .filter(|asked| asked.transport == Transport::Udp && asked.to.to_string() == ATTACKER)
        .collect();
    ensure!(seen.len() >= QUERIES, "{} queries", seen.len());
    let ports: Vec<u16> = seen.iter().map(|asked| asked.from.port()).collect();
    let ids: Vec<u16> = seen.iter().map(|asked| asked.message.id).collect();
    ensure!(ports.iter().all(|port| *port >= 1024), "a port below 1024");
    let high = ports.iter().filter(|port| **port >= 61_000).count();
    let low = ports.iter().filter(|port| **port < 32_768).count();
    ensure!(
        high > 0 && low > seen.len() / 3,
        "{low} ports below 32768 and {high} above 61000 of {}",
        seen.len()
    );
    for (what, values, least) in [("ports", &ports, 1024), ("ids", &ids, 0)] {
        let square = chi_square(values, least);
        // 63 degrees of freedom: 0.1 % of fair samples lie above 103.4, 0.001 % above 121.
        ensure!(square < 121.0, "{what}: chi-square {square:.1} over 64 classes");
        let follow = values.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) == 1).count();
        ensure!(follow <= 6, "{what}: {follow} follow one another");
    }
    let pairs: HashSet<(u16, u16)> = ports.iter().copied().zip(ids.iter().copied()).collect();
    ensure!(pairs.len() >= seen.len() - 2, "{} pairs of port and id for {} queries", pairs.len(), seen.len());
    Ok(Outcome::Passed)
}

/// Of values from `least` up, in 64 classes of the same width.
#[allow(clippy::cast_precision_loss, reason = "small counts")]
fn chi_square(values: &[u16], least: u16) -> f64 {
    let width = (65_536 - usize::from(least)).div_ceil(64);
    let mut classes = [0_usize; 64];
    for value in values {
        classes[usize::from(value - least) / width] += 1;
    }
    let expected = values.len() as f64 / 64.0;
    classes.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

/// Water torture: a thousand names a second of a zone whose servers are silent.
fn dead_zone() -> Verdict {
    let attack = Attack::new(|_| Act::Silent)?;
    let Internet { client, to, server, .. } = &attack.0;
    let memory = server.resident()?;
    let crowd: Vec<_> = (1..=20)
        .map(|n| client.clone().from([10, 9, 0, n].into()).udp_socket(*to))
        .collect::<Result<_, _>>()?;
    let flood = std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            for number in 0..5000 {
                let name = format!("r{number}.attack.");
                let _ = crowd[number % crowd.len()].send_to(&Message::query(&name, "A").to_wire(), *to);
                if number % 5 == 4 {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        });
        for number in 0..20 {
            let cached = client.udp(*to, &Message::query("www.good.", "A"))?;
            ensure_eq!(cached.message.data("A"), ["198.18.8.80"], "an innocent question");
            let fresh = client.udp(*to, &Message::query(&format!("f{number}.good."), "A").edns(1232))?;
            let right = fresh.message.data("A") == ["198.18.8.80"];
            ensure!(right, "an innocent question that goes outside: {:?}", fresh.message);
            ensure!(fresh.took <= Duration::from_secs(1), "it took {:?}", fresh.took);
            std::thread::sleep(Duration::from_millis(200));
        }
        flood.join().ok().context("the flood broke off")
    });
    flood?;
    let grown = server.resident()?.saturating_sub(memory);
    ensure!(grown <= 64 << 20, "{} MiB more", grown >> 20);
    let queries = attack.0.seen_at(ATTACKER);
    // Those of the first second; once the server is known to be silent it is spared.
    ensure!(queries <= 2500, "{queries} queries at the dead zone's server for 5000 names");
    Ok(Outcome::Passed)
}
