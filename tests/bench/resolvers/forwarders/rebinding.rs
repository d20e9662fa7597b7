//! Row 39: names of others that have addresses of this network.

use rhumb_tests::rig::peer::ResolverSoftware;
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::{no_data, script};
use rhumb_tests::rig::{Act, Asked, Message, Upstream};
use rhumb_tests::{Failure, ensure_eq};

use super::network::{GOOD, Network, Setup, UPSTREAM, innocent};
use crate::running::name_of;

/// What is told, label, type, and RDATA; the hint is 10.0.0.1 (RFC 9460 section 7.3).
const CASES: [(&str, &str, &str, &str); 7] = [
    ("127.0.0.1", "loop", "A", "127.0.0.1"),
    ("10.1.2.3", "net10", "A", "10.1.2.3"),
    ("0.0.0.0", "zero", "A", "0.0.0.0"),
    ("::ffff:10.0.0.1", "mapped", "AAAA", "::ffff:10.0.0.1"),
    ("::1", "loop6", "AAAA", "::1"),
    ("CNAME", "alias", "A", "10.1.2.3"),
    ("ipv4hint", "hint", "HTTPS", "1 . 000400040a000001"),
];

pub(super) fn heading() -> String {
    format!("{:8} {:>12}  which", "resolver", "got through")
}

/// An answer for each name of `attack.`; that of the alias stands at its target.
fn serve(asked: &Asked) -> Act {
    let name = asked.name();
    let Some(label) = name.strip_suffix(".attack") else { return innocent(asked) };
    let found =
        CASES.iter().find(|(_, owner, kind, _)| *owner == label && asked.message.kind() == type_number(kind));
    match found {
        None => no_data(asked),
        Some((_, "alias", kind, data)) => asked.answer(&[
            &format!("{} 300 IN CNAME target.attack.", asked.message.name()),
            &format!("target.attack. 300 IN {kind} {data}"),
        ]),
        Some((_, _, kind, data)) => {
            asked.answer(&[&format!("{} 300 IN {kind} {data}", asked.message.name())])
        }
    }
}

/// Asks for each of them twice, so that the second answer may be that of the cache.
pub(super) fn run(software: Option<ResolverSoftware>) -> Result<(), Failure> {
    let network = Network::new()?;
    let _upstream = Upstream::start(&network.people, UPSTREAM, script(serve))?;
    let forwarder = network.start(software, &Setup { protects: true, ..Setup::default() })?;
    let mut through = Vec::new();
    for (told, label, kind, _) in CASES {
        for _ in 0..2 {
            let query = Message::query(&format!("{label}.attack."), kind).edns(1232);
            let answer = forwarder.client.udp(forwarder.to, &query)?.message.answer;
            if answer.iter().any(|record| record.kind == type_number(kind)) && !through.contains(&told) {
                through.push(told);
            }
        }
    }
    let public = forwarder.client.ask(forwarder.to, "public.good.", "A")?;
    ensure_eq!(public.data("A"), [GOOD], "a name with a public address");
    println!(
        "{:8} {:>12}  {}",
        name_of(software),
        format!("{} of {}", through.len(), CASES.len()),
        if through.is_empty() { "-".to_owned() } else { through.join(", ") }
    );
    Ok(())
}
