//! Why there is no answer: every SERVFAIL has an extended error (RFC 8914) that names the cause, and `explain` shows each step.

use serde_json::Value;

use rhumb_tests::rig::internet::{Delegation, authoritative, referral, sized};
use rhumb_tests::rig::message::TC;
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::signer::nsec;
use rhumb_tests::rig::{Act, Asked, Host, Internet, Message, Record, Server, Transport, ZoneSigner, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("reasons::of_what_is_forwarded", forwarded),
    Test::beside("reasons::of_what_is_served", served),
    Test::beside("reasons::explain_shows_the_chain_of_trust", explained),
];

const DOMAINS: &[Delegation] =
    &[Delegation { domain: "signed.", address: "198.18.1.1", digests: || vec![signer("signed.").digest()] }];

/// The key of a zone that is all it should be.
pub(crate) fn signer(zone: &str) -> ZoneSigner {
    ZoneSigner::new(zone, 0)
}

/// An answer with these records.
pub(crate) fn says(asked: &Asked, answer: Vec<Record>) -> Act {
    sized(asked, Message { answer, ..authoritative(asked) })
}

/// What the signed zone says: its first label is what is wrong.
pub(crate) fn signed(asked: &Asked) -> Act {
    let (zone, name) = (signer("signed."), asked.name());
    let address = [Record::from_text(&format!("{name}. 300 IN A 198.18.1.80"))];
    let soa = "signed. 60 IN SOA ns.signed. host.signed. 1 3600 600 86400 60";
    if name == "signed" && asked.message.kind() == type_number("DNSKEY") {
        return says(asked, zone.sign(&[zone.key()]));
    }
    if name.ends_with("four.signed") && asked.message.kind() != type_number("DS") {
        let servers: Vec<(String, String)> =
            (1..5).map(|n| (format!("ns{n}.four.signed."), format!("198.18.9.{n}"))).collect();
        let servers: Vec<(&str, &str)> = servers.iter().map(|(ns, to)| (ns.as_str(), to.as_str())).collect();
        return Act::Reply(referral(asked, "four.signed.", &servers));
    }
    if asked.message.kind() != type_number("A") || name == "signed" {
        let proof = nsec(&format!("{name}."), &format!("\\000.{name}."), &["A", "RRSIG", "NSEC"]);
        let authority = [zone.sign_lines(&[soa]), zone.sign(&[proof])].concat();
        return sized(asked, Message { authority, ..authoritative(asked) });
    }
    match name.split('.').next() {
        Some(missing @ ("unproven" | "nameless")) => {
            let code = if missing == "nameless" { rcode::NXDOMAIN } else { rcode::NOERROR };
            let reply = Message { authority: zone.sign_lines(&[soa]), ..authoritative(asked) };
            sized(asked, reply.with_rcode(code))
        }
        Some("unsigned") => says(asked, address.to_vec()),
        Some("expired") => says(asked, zone.sign_between(&address, (-90_000, -10_900))),
        Some("early") => says(asked, zone.sign_between(&address, (7300, 90_000))),
        Some("reversed") => says(asked, zone.sign_between(&address, (-100, -200))),
        Some("stranger") => says(asked, ZoneSigner::new("signed.", 9).sign(&address)),
        Some("forged") => {
            let mut answer = zone.sign(&address);
            if let Some(last) = answer.last_mut().and_then(|record| record.rdata.last_mut()) {
                *last ^= 1;
            }
            says(asked, answer)
        }
        _ => says(asked, zone.sign(&address)),
    }
}

/// The extended errors of a message: code and text.
pub(crate) fn reasons(message: &Message) -> Vec<(u16, String)> {
    let options = message.edns.iter().flat_map(|edns| &edns.options).filter(|(code, _)| *code == 15);
    options
        .map(|(_, data)| {
            (u16::from_be_bytes([data[0], data[1]]), String::from_utf8_lossy(&data[2..]).into_owned())
        })
        .collect()
}

/// That the message is SERVFAIL and its extended error has this code and text.
fn fails(message: &Message, what: &str, code: u16, text: &str) -> Result<(), Failure> {
    ensure_eq!(message.rcode(), rcode::SERVFAIL, "response code of {what}: {message:?}");
    let found = reasons(message);
    let right = found.iter().any(|(number, said)| *number == code && said.contains(text));
    ensure!(right, "reasons of {what}: {found:?}, not {code} {text}");
    Ok(())
}

fn forwarded() -> Verdict {
    let lab = Lab::new()?;
    let answer = |asked: &Asked| match asked.name().split('.').next() {
        Some("failing") => asked.code(rcode::SERVFAIL),
        Some("other") => {
            let reply = Message::reply_to(&asked.message);
            Act::Reply(reply.answers(&["elsewhere.example. 300 IN A 198.18.0.9"]))
        }
        Some("silent") => Act::Silent,
        Some("large") if asked.transport == Transport::Udp => {
            let reply = Message::reply_to(&asked.message);
            Act::Reply(Message { flags: reply.flags | TC, ..reply })
        }
        Some("large") => Act::Silent,
        _ => asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())]),
    };
    let (_first, _second) = (lab.upstream(0, script(answer))?, lab.upstream(1, script(answer))?);
    let configured = config()
        .forward("up.example", &UP[..2])
        .forward("one.example", &UP[..1])
        .forward("nobody.example", &UP[2..3])
        .forward("far.example", &["203.0.113.9"]);
    let _server = lab.start(&configured)?;
    let lasting = lab.client.clone().time_limit(std::time::Duration::from_secs(12));
    for (name, code, text) in [
        ("failing.up.example.", 0, "the upstreams for up.example. say SERVFAIL"),
        (
            "other.up.example.",
            24,
            "no usable reply from the upstreams for up.example.: records of other names only",
        ),
        ("silent.up.example.", 22, "all 2 upstreams for up.example. silent"),
        ("silent.one.example.", 22, "the only upstream for one.example. is silent"),
        (
            "large.one.example.",
            23,
            "no upstream for one.example. can be used: 10.53.0.1:53: its answer does not fit a datagram, and it is silent by TCP",
        ),
        (
            "www.nobody.example.",
            23,
            "no upstream for nobody.example. can be used: 10.53.0.3:53: nothing listens there",
        ),
        ("www.far.example.", 23, "no route to any upstream for far.example."),
    ] {
        // From the cache of failures the cause is the same.
        for round in 0..2 {
            let reply = lasting.udp(lab.to, &Message::query(name, "A").edns(1232))?.message;
            fails(&reply, &format!("{name}, round {round}"), code, text)?;
        }
    }
    Ok(Outcome::Passed)
}

fn served() -> Verdict {
    let (host, people) = Host::pair()?;
    let configured = config().zone("broken.example", "this is no zone\n");
    let _server = Server::start(&host, &configured)?;
    let client = rhumb_tests::rig::Client::new(&people);
    let to = "192.0.2.1:53".parse()?;
    let reply = client.udp(to, &Message::query("www.broken.example.", "A").edns(1232))?.message;
    fails(&reply, "a zone that cannot be read", 14, "the zone is not loaded")?;
    Ok(Outcome::Passed)
}

/// All steps of a tree that have this name.
pub(crate) fn steps<'v>(tree: &'v Value, step: &str, found: &mut Vec<&'v Value>) {
    for one in tree.as_array().into_iter().flatten() {
        if one["step"] == step {
            found.push(one);
        }
        steps(&one["children"], step, found);
    }
}

/// What `explain` says of the addresses of a name, as JSON.
fn told(net: &Internet, name: &str) -> Result<Value, Failure> {
    let said = net.server.tell(&["explain", name, "A", "--from", "192.0.2.2", "--json"])?;
    ensure_eq!(said.code, Some(0), "explain {name}: {}", said.err);
    serde_json::from_str(&said.out).context("JSON of explain")
}

/// That one step of this name has these facts.
fn has(told: &Value, step: &str, facts: &[(&str, Value)]) -> Result<(), Failure> {
    let mut found = Vec::new();
    steps(&told["steps"], step, &mut found);
    let fits = |one: &&&Value| facts.iter().all(|(fact, value)| one[*fact] == *value);
    ensure!(found.iter().any(|one| fits(&one)), "no step {step} with {facts:?}: {told:#}");
    Ok(())
}

fn explained() -> Verdict {
    let net = Internet::start(&Internet::config(true), DOMAINS, signed)?;
    let tag: Value = signer("signed.").tag().into();
    let right = |owner: &str, rtype: &str| {
        let (owner, rtype) = (owner.into(), rtype.into());
        [("name", owner), ("type", rtype), ("key_tag", tag.clone()), ("result", "right".into())]
    };
    let asked = told(&net, "www.signed")?;
    ensure_eq!(asked["rcode"], "NOERROR", "response code");
    has(&asked, "anchor", &[("result", "trusted".into()), ("zone", ".".into())])?;
    has(&asked, "query", &[("server", "198.18.1.1:53".into()), ("transport", "udp".into())])?;
    has(&asked, "ds", &[("zone", "signed.".into()), ("key_tag", tag.clone()), ("result", "matched".into())])?;
    has(&asked, "signature", &right("signed.", "DNSKEY"))?;
    has(&asked, "signature", &right("www.signed.", "A"))?;
    has(&asked, "verdict", &[("security", "secure".into())])?;
    // From the cache: what is known, and by which keys it was validated.
    let known = told(&net, "www.signed")?;
    has(&known, "known", &[("security", "secure".into()), ("origin", "authority".into())])?;
    has(&known, "trust", &[("zone", "signed.".into()), ("known", true.into())])?;
    Ok(Outcome::Passed)
}
