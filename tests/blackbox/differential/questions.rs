//! Questions about a family of zones.

use std::collections::BTreeSet;

use rhumb_tests::rig::Message;
use rhumb_tests::rig::message::RD;
use rhumb_tests::rig::record::type_number;

use super::chance::Chance;
use super::generator::Family;
use super::name;
use super::name::prepend;

/// How a question is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    Edns,
    Dnssec,
}

/// One question.
#[derive(Clone)]
pub(super) struct Question {
    /// Which family it is about.
    pub(super) family: usize,
    /// In lower case; asked with some capitals.
    pub(super) name: String,
    pub(super) kind: u16,
    pub(super) mode: Mode,
    pub(super) query: Message,
}

/// Types asked for whether they are there or not; those that matter most, more often.
const TYPES: [&str; 26] = [
    "A",
    "A",
    "A",
    "AAAA",
    "NS",
    "NS",
    "SOA",
    "MX",
    "TXT",
    "CNAME",
    "CNAME",
    "DNAME",
    "DNAME",
    "DS",
    "DS",
    "DNSKEY",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "RRSIG",
    "ANY",
    "ANY",
    "SRV",
    "HTTPS",
    "SVCB",
    "TYPE65400",
];

/// `count` questions about family number `index`.
pub(super) fn about(index: usize, family: &Family, count: usize, chance: &mut Chance) -> Vec<Question> {
    let names = names(family);
    let mut questions = Vec::with_capacity(count);
    for _ in 0..count {
        let name = vary(chance.pick(&names).clone(), chance);
        if name::wire_length(&name) > 255 {
            continue;
        }
        let kind = type_number(chance.label(&TYPES));
        let mode = if chance.percent(60) {
            Mode::Dnssec
        } else if chance.percent(50) {
            Mode::Edns
        } else {
            Mode::Plain
        };
        questions.push(Question { family: index, query: query(&name, kind, mode, chance), name, kind, mode });
    }
    questions
}

fn query(name: &str, kind: u16, mode: Mode, chance: &mut Chance) -> Message {
    let mut query = Message::query(".", "A");
    let capitals = chance.percent(20);
    let name = if capitals { name.to_ascii_uppercase() } else { name.to_owned() };
    query.questions = vec![(name, kind, 1)];
    if mode != Mode::Plain {
        query = query.edns(4096);
    }
    if let Some(edns) = &mut query.edns {
        edns.dnssec_ok = mode == Mode::Dnssec;
    }
    if chance.percent(70) {
        query.flags &= !RD;
    }
    query
}

/// Every owner, everything between it and its apex, and what aliases point at.
fn names(family: &Family) -> Vec<String> {
    let mut names = BTreeSet::new();
    for zone in &family.zones {
        for owner in zone.owners() {
            names.extend(
                name::upwards(owner)
                    .take_while(|name| name::at_or_below(name, &zone.origin))
                    .map(str::to_owned),
            );
        }
        let targets = zone.lines.iter().filter(|line| matches!(line.kind, "CNAME" | "DNAME"));
        names.extend(
            targets.map(|line| name::lower(&line.data)).filter(|name| family.zone_of(name).is_some()),
        );
    }
    names.into_iter().collect()
}

/// The name, or one near it.
fn vary(name: String, chance: &mut Chance) -> String {
    const NEAR: [&str; 9] = ["a", "b", "*", "ns", "z", "\\000", "~", "a.a", "*.a"];
    match chance.below(10) {
        0..5 => name,
        5 | 6 => prepend(chance.label(&NEAR), &name),
        7 => prepend(chance.label(&NEAR), name::parent(&name).filter(|above| *above != ".").unwrap_or(&name)),
        8 => prepend(chance.label(&NEAR), &prepend(chance.label(&NEAR), &name)),
        // Its successor among its siblings, in the canonical order.
        _ => match name.split_once('.') {
            Some((first, rest)) if !rest.is_empty() && name::wire_length(first) < 64 => {
                format!("{first}\\000.{rest}")
            }
            _ => name,
        },
    }
}
