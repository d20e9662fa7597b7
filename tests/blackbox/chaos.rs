//! The class CH, and what else is no ordinary question.

use std::time::Duration;

use rhumb_tests::rig::{Message, Transport, program, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{Lab, config, lab};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("chaos::names_of_the_server", names),
    Test::beside("chaos::dig_shows_what_is_configured", dig),
    Test::beside("chaos::transfers_are_refused", transfers),
    Test::beside("chaos::meta_types_are_not_forwarded", meta),
];

const CH: u16 = 3;
const NAMES: [&str; 4] = ["id.server.", "hostname.bind.", "version.server.", "version.bind."];

fn ask(lab: &Lab, name: &str, kind: &str, class: u16) -> Result<Message, Failure> {
    let mut query = Message::query(name, kind);
    query.questions[0].2 = class;
    Ok(lab.client.udp(lab.to, &query)?.message)
}

fn names() -> Verdict {
    let lab = lab(&config())?;
    for name in NAMES {
        ensure_eq!(ask(&lab, name, "TXT", CH)?.rcode(), rcode::REFUSED, "{name} without configuration");
    }
    lab.server.rewrite(&config().more("server: { identity: here, version: \"a version\" }"))?;
    let told = lab.server.reload()?;
    ensure!(told.contains("server.identity") && told.contains("server.version"), "the reload told: {told}");
    for (name, text) in NAMES.iter().zip(["here", "here", "a version", "a version"]) {
        let answer = ask(&lab, name, "TXT", CH)?;
        ensure_eq!(answer.data("TXT"), [format!("\"{text}\"")], "{name}");
        ensure_eq!((answer.answer[0].class, answer.answer[0].ttl), (CH, 0), "class and TTL of {name}");
        ensure_eq!(ask(&lab, name, "TXT", 1)?.rcode(), rcode::REFUSED, "{name} of the class IN");
        ensure_eq!(ask(&lab, name, "A", CH)?.rcode(), rcode::REFUSED, "the address of {name}");
    }
    Ok(Outcome::Passed)
}

fn dig() -> Verdict {
    let Some(dig) = program::find("dig") else { skip!("no dig here") };
    let lab = lab(&config().more("server: { identity: here, nsid: here }"))?;
    let mut command = lab.client.host().command(dig);
    command.args(["+norec", "+nsid", "@192.0.2.1", "CH", "TXT", "id.server"]);
    let output = program::run(&mut command, Duration::from_secs(20))?;
    for expected in ["NOERROR", "(\"here\")", "CH\tTXT\t\"here\""] {
        ensure!(output.out.contains(expected), "no {expected} in: {}", output.out);
    }
    ensure!(!output.out.contains("WARNING"), "dig complains: {}", output.out);
    Ok(Outcome::Passed)
}

/// What NSD and BIND answer: NOTIMP by UDP, where there is no AXFR, REFUSED for a zone, NOTAUTH for what is none.
fn transfers() -> Verdict {
    let lab = lab(&config())?;
    let notauth = 9;
    for (transport, name, kind, expected) in [
        (Transport::Udp, "zone.test.", "AXFR", rcode::NOTIMP),
        (Transport::Tcp, "zone.test.", "AXFR", rcode::REFUSED),
        (Transport::Tcp, "web.zone.test.", "AXFR", notauth),
        (Transport::Tcp, "other.test.", "AXFR", notauth),
        (Transport::Udp, "zone.test.", "TYPE251", rcode::REFUSED),
        (Transport::Tcp, "other.test.", "TYPE251", notauth),
    ] {
        let query = Message::query(name, kind).no_recursion().edns(1232);
        let answer = lab.client.over(transport, lab.to, &query)?.message;
        ensure_eq!(answer.rcode(), expected, "{kind} of {name} by {transport:?}");
        ensure!(answer.answer.is_empty() && answer.authority.is_empty(), "records in {answer:?}");
    }
    Ok(Outcome::Passed)
}

/// From zones they are answered as types that no name has; nobody else is asked for them.
fn meta() -> Verdict {
    let lab = lab(&config().allow_all().forward(".", &["192.0.2.2:5300"]))?;
    for kind in ["TYPE254", "TYPE253", "TYPE250", "TYPE249", "TYPE200", "TYPE41"] {
        let ours = ask(&lab, "zone.test.", kind, 1)?;
        ensure_eq!((ours.rcode(), ours.authority.len()), (rcode::NOERROR, 1), "{kind} of a zone");
        let other = ask(&lab, "other.test.", kind, 1)?;
        ensure_eq!(other.rcode(), rcode::REFUSED, "{kind} of a name elsewhere");
    }
    ensure_eq!(ask(&lab, "zone.test.", "SOA", 255)?.data("SOA").len(), 1, "SOA of the class ANY");
    ensure_eq!(ask(&lab, "other.test.", "SOA", 255)?.rcode(), rcode::REFUSED, "the class ANY elsewhere");
    ensure_eq!(ask(&lab, "zone.test.", "TYPE128", 1)?.rcode(), rcode::FORMERR, "NXNAME (RFC 9824)");
    Ok(Outcome::Passed)
}
