//! What upstreams say beside their records, where the links of an answer come from several of them.

use rhumb_tests::rig::message::{AD, Edns, rcode};
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::{Act, Asked, Message, Server};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::reasons;
use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("passing::extended_errors_of_each_link", extended_errors),
    Test::beside("passing::authentic_data_of_all_links", authentic_data),
];

/// The alias and its target: with an extended error where the label asks for one, with AD where it begins with `s`.
fn reply(asked: &Asked) -> Act {
    let name = asked.message.name();
    let label = asked.name().split('.').next().unwrap_or("").to_owned();
    let mut reply = Message::reply_to(&asked.message);
    if label.ends_with("blocked") {
        let edns = reply.edns.get_or_insert_with(|| Edns::with_size(1232));
        edns.options.push((15, [&[0, 15][..], label.as_bytes()].concat()));
    }
    if label.starts_with('s') {
        reply.flags |= AD;
    }
    let (own, other) = (format!("{name} 300 IN A 198.18.0.1"), label.trim_start_matches("to-"));
    if label.starts_with("to-") || label.contains("-to-") {
        let target = label.split_once("to-").map_or(other, |(_, target)| target);
        return Act::Reply(reply.answers(&[&format!("{name} 300 IN CNAME {target}.two.example.")]));
    }
    match &*label {
        "servfail-blocked" => Act::Reply(reply.with_rcode(rcode::SERVFAIL)),
        _ => Act::Reply(reply.answers(&[&own])),
    }
}

fn extended_errors() -> Verdict {
    let lab = Lab::new()?;
    let _one = lab.upstream(0, script(reply))?;
    let _two = lab.upstream(1, script(reply))?;
    let zone = "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nblocked CNAME blocked.two.example.\nplain CNAME plain.two.example.\n";
    let config = config()
        .zone("zone.example", zone)
        .forward("one.example", &UP[..1])
        .forward("two.example", &UP[1..2]);
    let _server = lab.start(&config)?;
    for (name, code, said) in [
        ("to-blocked.one.example.", rcode::NOERROR, Some("upstream: blocked")),
        ("to-plain.one.example.", rcode::NOERROR, None),
        ("a-blocked.one.example.", rcode::NOERROR, Some("upstream: a-blocked")),
        ("to-servfail-blocked.one.example.", rcode::SERVFAIL, Some("upstream: servfail-blocked")),
        ("blocked.zone.example.", rcode::NOERROR, Some("upstream: blocked")),
        ("plain.zone.example.", rcode::NOERROR, None),
    ] {
        for round in 0..3 {
            let reply = lab.client.udp(lab.to, &Message::query(name, "A").edns(1232))?.message;
            ensure_eq!(reply.rcode(), code, "{name}, round {round}");
            let texts: Vec<String> =
                reasons(&reply).into_iter().filter(|(code, _)| *code == 15).map(|(_, text)| text).collect();
            ensure_eq!(texts, Vec::from_iter(said), "reasons of {name}, round {round}");
            let plain = lab.client.udp(lab.to, &Message::query(name, "A"))?.message;
            ensure!(plain.edns.is_none() && plain.additional.is_empty(), "{name} without EDNS: {plain:?}");
            ensure_eq!(plain.answer, reply.answer, "records of {name} without EDNS");
        }
    }
    Ok(Outcome::Passed)
}

fn authentic_data() -> Verdict {
    let lab = Lab::new()?;
    let _one = lab.upstream(0, script(reply))?;
    let _two = lab.upstream(1, script(reply))?;
    let upstream = |number: usize| format!("\"{}\"", UP[number]);
    let zone = "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nalias CNAME sec.two.example.\n";
    let trust = |two: &str| {
        config()
            .zone("zone.example", zone)
            .forward_raw("one.example", &upstream(0), "in-order, trust-ad: true")
            .forward_raw("two.example", &upstream(1), two)
    };
    let server: Server = lab.start(&trust("in-order, trust-ad: true"))?;
    let said = |name: &str, flags: u16| -> Result<bool, Failure> {
        let query = Message::query(name, "A");
        Ok(lab.client.udp(lab.to, &Message { flags: query.flags | flags, ..query })?.message.has(AD))
    };
    for (name, authentic) in [
        ("s-to-sec.one.example.", true),
        ("s-to-insecure.one.example.", false),
        ("to-sec.one.example.", false),
        ("to-insecure.one.example.", false),
        ("alias.zone.example.", false),
    ] {
        for round in 0..3 {
            ensure_eq!(said(name, AD)?, authentic, "AD of {name}, round {round}");
            ensure!(!said(name, 0)?, "AD of {name} for a client that did not ask for it, round {round}");
        }
    }
    server.rewrite(&trust("in-order"))?;
    server.reload()?;
    for round in 0..2 {
        ensure!(!said("s-to-sec.one.example.", AD)?, "AD of a link without trust, round {round}");
    }
    Ok(Outcome::Passed)
}
