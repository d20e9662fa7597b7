//! Records that a server gives beside what it was asked for: nothing of them is believed.

use std::thread;
use std::time::Duration;

use rhumb_tests::rig::hostile::{ATTACKER, GOOD, PLAIN, answer};
use rhumb_tests::rig::internet::{Delegation, authoritative, denial, referral};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::{Act, Asked, Config, Internet, Message, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::{Attack, records};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row27_records_out_of_bailiwick", out_of_bailiwick),
    Test::beside("attacks::row28_what_a_forwarder_says_of_others", forwarder),
    Test::beside("attacks::row29_a_delegation_that_was_taken_back", ghost_domain),
    Test::beside("attacks::row39_servers_at_addresses_that_are_none", no_addresses),
];

/// Where a lie leads.
const LIE: &str = "203.0.113.66";

/// What is put beside an answer: into the answer, authority and additional sections.
type Extra = [&'static [&'static str]; 3];

/// Twelve ways to say something about others.
const EXTRAS: [(&str, Extra); 12] = [
    ("NS of the innocent", [&[], &["good. 300 IN NS ns.attack."], &["ns.attack. 300 IN A 198.18.6.6"]]),
    (
        "NS of the innocent, by its own name",
        [&[], &["good. 300 IN NS ns.good."], &["ns.good. 300 IN A 198.18.6.6"]],
    ),
    ("NS of the root", [&[], &[". 300 IN NS ns.attack."], &["ns.attack. 300 IN A 198.18.6.6"]]),
    ("address of the innocent's server", [&[], &[], &["ns.good. 300 IN A 198.18.6.6"]]),
    ("address in the answer", [&["fresh.good. 300 IN A 203.0.113.66"], &[], &[]]),
    (
        "address behind an alias",
        [&["www.attack. 300 IN CNAME fresh.good.", "fresh.good. 300 IN A 203.0.113.66"], &[], &[]],
    ),
    ("address in the authority section", [&[], &["fresh.good. 300 IN A 203.0.113.66"], &[]]),
    ("address in the additional section", [&[], &[], &["fresh.good. 300 IN A 203.0.113.66"]]),
    ("DNAME of the innocent", [&["good. 300 IN DNAME attack."], &[], &[]]),
    ("DNAME of the root", [&[". 300 IN DNAME attack."], &[], &[]]),
    ("SOA of the innocent", [&[], &["good. 300 IN SOA ns.attack. host.attack. 1 2 3 4 300"], &[]]),
    ("alias of the innocent", [&["fresh.good. 300 IN CNAME www.attack."], &[], &[]]),
];

/// The reply to a name whose first label is a letter and the number of a case, with what lies beside it.
fn with(asked: &Asked) -> Message {
    let mut reply = authoritative(asked);
    let question = asked.name();
    let number: Option<usize> = question.split('.').next().and_then(|label| label.get(1..)?.parse().ok());
    let Some((number, (_, [answer, authority, additional]))) = number.and_then(|n| Some((n, EXTRAS.get(n)?)))
    else {
        reply.answer = records(&[format!("{question}. 300 IN A 198.18.6.80")]);
        return reply;
    };
    let own = |lines: &[&str]| -> Vec<String> {
        let own = |line: &&str| {
            line.replace("fresh.", &format!("fresh{number}.")).replace("www.", &format!("w{number}."))
        };
        lines.iter().map(own).collect()
    };
    reply.answer = records(&own(answer));
    if reply.answer.iter().all(|record| record.owner != format!("{question}.")) {
        reply.answer.extend(records(&[format!("{question}. 300 IN A 198.18.6.80")]));
    }
    reply.authority = records(&own(authority));
    reply.additional = records(&own(additional));
    reply
}

/// What is believed of the innocent after the attacker's names were asked for.
fn unharmed(attack: &Attack) -> Result<(), Failure> {
    let Internet { client, to, .. } = &attack.0;
    for (number, (what, _)) in EXTRAS.iter().enumerate() {
        for (name, kind) in [(format!("w{number}.attack."), "A"), (format!("w{number}.attack."), "MX")] {
            client.ask(*to, &name, kind)?;
        }
        attack.0.forget();
        for name in [format!("fresh{number}.good."), format!("later{number}.good."), "www.good.".to_owned()] {
            let reply = client.ask(*to, &name, "A")?;
            ensure!(
                reply.data("A") == ["198.18.8.80"],
                "{what}: address of {name}: {reply:?}, {:?}",
                attack.0.seen()
            );
        }
        let server = client.ask(*to, "ns.good.", "A")?;
        ensure!(
            !server.data("A").contains(&ATTACKER.to_owned()),
            "{what}: ns.good. is at {:?}",
            server.data("A")
        );
        ensure_eq!(
            attack.0.seen_at(ATTACKER),
            0,
            "{what}: queries for the innocent at the attacker's server"
        );
        let other = client.ask(*to, &format!("n{number}.elsewhere."), "A")?;
        ensure_eq!(other.rcode(), rcode::NXDOMAIN, "{what}: response code of a name that the root denies");
    }
    Ok(())
}

fn out_of_bailiwick() -> Verdict {
    unharmed(&Attack::new(|asked| Act::Reply(with(asked)))?)?;
    // The same beside a delegation.
    unharmed(&Attack::new(|asked| {
        if asked.name() == "attack" || asked.to.to_string() != ATTACKER {
            return Act::Reply(with(asked));
        }
        let lies = with(asked);
        let mut reply = referral(asked, &format!("{}.", asked.name()), &[("ns.attack.", "198.19.0.1")]);
        reply.answer = lies.answer.into_iter().filter(|record| record.owner.ends_with("good.")).collect();
        reply.authority.extend(lies.authority);
        reply.additional.extend(lies.additional);
        Act::Reply(reply)
    })?)?;
    Ok(Outcome::Passed)
}

/// The attacker is asked as a recursive server for one domain, in the same cache (CVE-2021-25220).
fn forwarder() -> Verdict {
    let validating = Internet::config(true).recursion("dnssec: validate");
    for config in [Internet::config(false), validating] {
        let config: Config = config.forward("attack.", &["198.19.0.1"]);
        unharmed(&Attack::with(&config, &[], PLAIN, |asked| Act::Reply(with(asked)))?)?;
    }
    Ok(Outcome::Passed)
}

/// CVE-2022-30698: the child goes on saying that it is delegated, the parent does not.
fn ghost_domain() -> Verdict {
    const SHORT: &[Delegation] = &[
        Delegation { domain: "parent.", address: "198.18.5.5", digests: Vec::new },
        Delegation { domain: "good.", address: GOOD, digests: Vec::new },
    ];
    let began = std::time::Instant::now();
    let attack = Attack::with(&Internet::config(false), &[], SHORT, move |asked| {
        if asked.to.to_string() == "198.18.5.5" {
            if began.elapsed() > Duration::from_secs(4) {
                return Act::Reply(denial(asked, "parent.", rcode::NXDOMAIN));
            }
            let mut reply = referral(asked, "ghost.parent.", &[("ns.ghost.parent.", "198.19.0.1")]);
            for record in reply.authority.iter_mut().chain(&mut reply.additional) {
                record.ttl = 2;
            }
            return Act::Reply(reply);
        }
        let mut reply = authoritative(asked);
        let ns = asked.message.kind() == type_number("NS") && asked.name() == "ghost.parent";
        let line = if ns {
            "ghost.parent. 86400 IN NS ns.ghost.parent.".to_owned()
        } else {
            format!(
                "{}. {} IN A 198.18.6.80",
                asked.name(),
                if asked.name().starts_with("ns") { 86400 } else { 1 }
            )
        };
        reply.answer = records(&[line]);
        reply.authority = records(&["ghost.parent. 86400 IN NS ns.ghost.parent.".to_owned()]);
        reply.additional = records(&["ns.ghost.parent. 86400 IN A 198.19.0.1".to_owned()]);
        Act::Reply(reply)
    })?;
    let Internet { client, to, .. } = &attack.0;
    let mut round = 0;
    while began.elapsed() < Duration::from_secs(7) {
        round += 1;
        client.ask(*to, &format!("w{round}.ghost.parent."), "A")?;
        client.ask(*to, "ghost.parent.", "NS")?;
        client.ask(*to, "ns.ghost.parent.", "A")?;
        thread::sleep(Duration::from_millis(200));
    }
    let reply = client.ask(*to, "last.ghost.parent.", "A")?;
    ensure_eq!(reply.rcode(), rcode::NXDOMAIN, "response code after the parent took the delegation back");
    Ok(Outcome::Passed)
}

/// Addresses of servers at which nobody can be (CVE-2026-50251), and the own ones.
fn no_addresses() -> Verdict {
    let attack = Attack::new(|asked| {
        let addresses = ["0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.1.2.3"];
        let names: Vec<String> = (0..addresses.len()).map(|n| format!("n{n}.a.attack.")).collect();
        let servers: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(addresses).collect();
        if asked.name().starts_with('n') {
            return answer(asked, &[&format!("{}. 300 IN A {LIE}", asked.name())]);
        }
        Act::Reply(referral(asked, "a.attack.", &servers))
    })?;
    let before = attack.0.server.metric("rhumb_dns_requests_total", &[])?;
    let reply = attack.0.client.udp(attack.0.to, &Message::query("www.a.attack.", "A").edns(1232))?.message;
    ensure_eq!(reply.rcode(), rcode::SERVFAIL, "response code");
    let queries = attack.0.seen().len();
    ensure!(queries <= 12, "{queries} queries: {:?}", attack.0.seen());
    let own = attack.0.server.metric("rhumb_dns_requests_total", &[])? - before;
    ensure!(own <= 1.0, "the server asked itself");
    Ok(Outcome::Passed)
}
