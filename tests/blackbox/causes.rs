//! Every cause of SERVFAIL for names that are resolved: its extended error (RFC 8914), the words that name the true cause, and the same in
//! `explain`.

use std::time::Duration;

use serde_json::Value;

use rhumb_tests::rig::internet::{Delegation, denial, referral};
use rhumb_tests::rig::message::{QR, TC};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::signer::digest_of;
use rhumb_tests::rig::{Act, Asked, Config, Internet, Message, Record, Transport, ZoneSigner, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::reasons::{reasons, says, signed, signer, steps};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("causes::clients_are_told_the_true_one", told_to_clients),
    Test::beside("causes::explain_tells_the_same", explained),
    Test::beside("causes::of_bounds", bounds),
];

const DOMAINS: &[Delegation] = &[
    Delegation { domain: "signed.", address: "198.18.1.1", digests: || vec![signer("signed.").digest()] },
    Delegation { domain: "keyless.", address: "198.18.1.2", digests: || vec![signer("keyless.").digest()] },
    Delegation { domain: "other.", address: "198.18.1.3", digests: || vec![of_another()] },
    Delegation { domain: "flagless.", address: "198.18.1.7", digests: || vec![digest_of(&flagless())] },
    Delegation { domain: "plain.", address: "198.18.1.4", digests: Vec::new },
    Delegation { domain: "silent.", address: "198.18.1.5", digests: Vec::new },
    Delegation { domain: "refusing.", address: "198.18.1.6", digests: Vec::new },
    Delegation { domain: "failing.", address: "198.18.1.8", digests: Vec::new },
    Delegation { domain: "garbage.", address: "198.18.1.9", digests: Vec::new },
    Delegation { domain: "cut.", address: "198.18.1.10", digests: Vec::new },
    Delegation { domain: "slow.", address: "198.18.1.11", digests: Vec::new },
    Delegation { domain: "far.", address: "203.0.113.9", digests: Vec::new },
];

/// A DS record of a key that the zone does not have.
fn of_another() -> Record {
    ZoneSigner::new("other.", 9).digest()
}

/// A key that is none of zones (RFC 4034 section 2.1.1).
fn flagless() -> Record {
    let mut key = signer("flagless.").key();
    key.rdata[0] = 0;
    key
}

fn internet(config: &Config) -> Result<Internet, Failure> {
    Internet::start(config, DOMAINS, |asked| match asked.to.to_string().as_str() {
        "198.18.1.1" => signed(asked),
        "198.18.1.2" => Act::Reply(denial(asked, "keyless.", rcode::NOERROR)),
        "198.18.1.3" => signed_by(asked, &signer("other."), signer("other.").key()),
        "198.18.1.7" => signed_by(asked, &signer("flagless."), flagless()),
        "198.18.1.4" => plain(asked),
        "198.18.1.6" => asked.code(rcode::REFUSED),
        "198.18.1.8" => asked.code(rcode::SERVFAIL),
        "198.18.1.9" => garbage(asked),
        "198.18.1.10" => cut(asked),
        "198.18.1.11" => link(asked, "slow.").after(Duration::from_millis(350)),
        _ => Act::Silent,
    })
}

/// Whatever is asked for, by a zone with this key.
fn signed_by(asked: &Asked, zone: &ZoneSigner, key: Record) -> Act {
    if asked.message.kind() == type_number("DNSKEY") {
        return says(asked, zone.sign(&[key]));
    }
    says(asked, zone.sign_lines(&[&format!("{}. 300 IN A 198.18.0.80", asked.name())]))
}

/// A header that counts records which are not there.
fn garbage(asked: &Asked) -> Act {
    let mut wire = Message::reply_to(&Message { edns: None, ..asked.message.clone() }).to_wire();
    wire[7] = 3;
    Act::Raw(wire)
}

/// Longer than a datagram, and there is no TCP.
fn cut(asked: &Asked) -> Act {
    if asked.transport == Transport::Tcp {
        return Act::Close;
    }
    let reply = Message::reply_to(&asked.message);
    Act::Reply(Message { flags: reply.flags | QR | TC, ..reply })
}

/// What the unsigned zone says: the first label is what is wrong.
fn plain(asked: &Asked) -> Act {
    let name = asked.name();
    let alias =
        |target: &str| says(asked, vec![Record::from_text(&format!("{name}. 300 IN CNAME {target}"))]);
    if asked.message.kind() != type_number("A") {
        return Act::Reply(denial(asked, "plain.", rcode::NOERROR));
    }
    for (zone, server) in [
        ("lost.plain", "ns.nowhere."),
        ("bare.plain", "bare-ns.plain."),
        ("itself.plain", "ns.itself.plain."),
        ("one.plain", "ns.two.plain."),
        ("two.plain", "ns.one.plain."),
    ] {
        if name.ends_with(zone) {
            return Act::Reply(referral(asked, &format!("{zone}."), &[(server, "")]));
        }
    }
    match name.split('.').next() {
        Some("loop") => alias("back.plain."),
        Some("back") => alias("loop.plain."),
        Some("alias") => alias("www.silent."),
        Some("upwards") => Act::Reply(referral(asked, ".", &[("ns.root.", "198.18.0.1")])),
        _ => link(asked, "plain."),
    }
}

/// An alias to the next of a chain without end; no other names.
fn link(asked: &Asked, zone: &str) -> Act {
    let name = asked.name();
    let number = name.split('.').next().and_then(|label| label.strip_prefix("link"));
    let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) else {
        return Act::Reply(denial(asked, zone, rcode::NOERROR));
    };
    let alias = format!("{name}. 300 IN CNAME link{}.{zone}", number + 1);
    says(asked, vec![Record::from_text(&alias)])
}

/// A name, the code of its cause and words of its text.
fn causes() -> Vec<(&'static str, u16, String)> {
    let of_key = format!("dnskey {} of signed.: ", signer("signed.").tag());
    let stranger = format!("dnskey {} of signed.: there is no such key", ZoneSigner::new("signed.", 9).tag());
    let lost = "no server of lost.plain. has an address that can be asked: ns.nowhere. does not exist";
    let itself = "no server of itself.plain. has an address that can be asked: \
                  the address of ns.itself.plain. leads to itself";
    let circle = "no server of one.plain. has an address that can be asked: the address of ns.";
    let bare = "no server of bare.plain. has an address that can be asked: bare-ns.plain. has no address";
    let texts: [(&str, u16, &str); 26] = [
        ("unsigned.signed.", 10, "unsigned.signed. A: no signature"),
        ("expired.signed.", 7, &format!("{of_key}signature of expired.signed. A expired 3 h ago")),
        ("early.signed.", 8, &format!("{of_key}signature of early.signed. A is valid in 2 h")),
        (
            "reversed.signed.",
            25,
            &format!("{of_key}signature of reversed.signed. A expires before it is valid"),
        ),
        ("stranger.signed.", 9, &stranger),
        ("forged.signed.", 6, &format!("{of_key}wrong signature of forged.signed. A")),
        ("unproven.signed.", 12, "that unproven.signed. has no A is not proven"),
        ("nameless.signed.", 12, "that nameless.signed. does not exist is not proven"),
        ("www.keyless.", 9, "keyless. has no DNSKEY"),
        ("www.other.", 9, "no key of other. is vouched for"),
        ("www.flagless.", 11, "no DNSKEY of flagless. has the flag of zone keys"),
        ("www.silent.", 22, "the only server of silent. is silent"),
        ("alias.plain.", 22, "the only server of silent. is silent"),
        ("www.refusing.", 22, "servers of refusing. say REFUSED"),
        ("www.failing.", 22, "servers of failing. say SERVFAIL"),
        ("www.far.", 23, "no route to any server of far."),
        ("www.garbage.", 24, "no usable reply from garbage.: malformed"),
        ("www.cut.", 22, "the reply from cut. does not fit a datagram, and none comes over TCP"),
        ("upwards.plain.", 24, "no usable reply from plain.: neither an answer nor a referral downwards"),
        ("www.lost.plain.", 22, lost),
        ("www.bare.plain.", 22, bare),
        ("www.itself.plain.", 22, itself),
        ("www.one.plain.", 22, circle),
        ("loop.plain.", 0, "the aliases of loop.plain. form a loop"),
        ("link0.plain.", 0, "more than 11 aliases in a row from link0.plain."),
        ("www.four.signed.", 22, "servers of four.signed."),
    ];
    texts.into_iter().map(|(name, code, text)| (name, code, text.to_owned())).collect()
}

fn told_to_clients() -> Verdict {
    let net = internet(&Internet::config(true))?;
    let lasting = net.client.clone().time_limit(Duration::from_secs(12));
    let mut wrong = Vec::new();
    for (name, code, text) in causes() {
        // From the cache of failures the cause is the same.
        for round in 0..2 {
            let reply = lasting.udp(net.to, &Message::query(name, "A").edns(1232))?.message;
            let found = reasons(&reply);
            let right = found.iter().any(|(number, said)| *number == code && said.contains(&text));
            if reply.rcode() != rcode::SERVFAIL || !right {
                wrong.push(format!("{name}, round {round}: {} {found:?}, not {code} {text}", reply.rcode()));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(Outcome::Passed)
}

fn explained() -> Verdict {
    let net = internet(&Internet::config(true))?;
    let mut wrong = Vec::new();
    for (name, code, text) in causes() {
        let said = net.server.tell(&["explain", name, "A", "--from", "192.0.2.2", "--json"])?;
        ensure_eq!(said.code, Some(0), "explain {name}: {}", said.err);
        let tree: Value = serde_json::from_str(&said.out).context("JSON of explain")?;
        let mut failed = Vec::new();
        steps(&tree["steps"], "failed", &mut failed);
        let fits = |step: &&Value| {
            step["ede"] == code && step["reason"].as_str().is_some_and(|reason| reason.contains(&text))
        };
        if !failed.iter().any(fits) {
            wrong.push(format!("{name}: {failed:?}, not {code} {text}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(Outcome::Passed)
}

/// Causes that lie in what one question may cost.
fn bounds() -> Verdict {
    let too_much = "more messages or bytes than one question may cost";
    let deep = "addresses of nameservers lead too many questions deep";
    let late = "no answer within the time for one question";
    for (limits, name, code, text) in [
        ("queries: 10", "link0.plain.", 0, too_much),
        ("depth: 1", "www.one.plain.", 22, deep),
        ("time: 1s", "link0.slow.", 0, late),
        ("time: 2s", "www.silent.", 22, "the only server of silent. is silent"),
    ] {
        let config = Internet::config(true).recursion(&format!("limits: {{ {limits} }}"));
        let net = internet(&config)?;
        let reply = net.client.udp(net.to, &Message::query(name, "A").edns(1232))?.message;
        let found = reasons(&reply);
        let right = found.iter().any(|(number, said)| *number == code && said.contains(text));
        ensure!(
            reply.rcode() == rcode::SERVFAIL && right,
            "{limits}: {name}: {} {found:?}, not {code} {text}",
            reply.rcode()
        );
    }
    Ok(Outcome::Passed)
}
