//! The zones that are built in: a small one, and the same signed with NSEC and with NSEC3 and opt-out. The signatures
//! are made up; nobody checks them here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::rc::Rc;

use rhumb_wire::{DomainName, Type};
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::{NameTable, ZoneContents};
use sha1::{Digest, Sha1};

use crate::questions::Kind;
use crate::respond::Served;

/// Hosts of a zone, and delegations.
const HOSTS: usize = 1000;
const CUTS: usize = 200;
/// A signature as long as one by ECDSA P-256.
const SIGNATURE: &str =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
const DIGEST: &str = "1 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF";

/// The questions: name, zone, owner with `#` for a number below the last field, type, DO.
const QUESTIONS: &[(&str, &str, &str, Type, usize)] = &[
    ("hit", "plain", "h#", Type::A, HOSTS),
    ("NODATA", "plain", "h#", Type::TXT, HOSTS),
    ("NXDOMAIN", "plain", "nx#", Type::A, HOSTS),
    ("NXDOMAIN, four labels deep", "plain", "a.b.c.nx#", Type::A, HOSTS),
    ("wildcard", "plain", "a#.wild", Type::A, HOSTS),
    ("referral", "plain", "www.d#", Type::A, CUTS),
    ("alias", "plain", "alias#", Type::A, HOSTS),
    ("MX", "plain", "", Type::MX, 1),
    ("hit, DO, signed", "nsec", "h#", Type::A, HOSTS),
    ("NODATA, DO, NSEC", "nsec", "h#", Type::TXT, HOSTS),
    ("NODATA, DO, NSEC3", "nsec3", "h#", Type::TXT, HOSTS),
    ("NXDOMAIN, DO, NSEC", "nsec", "nx#", Type::A, HOSTS),
    ("NXDOMAIN, DO, NSEC3", "nsec3", "nx#", Type::A, HOSTS),
    ("wildcard, DO, NSEC", "nsec", "a#.wild", Type::A, HOSTS),
    ("wildcard, DO, NSEC3", "nsec3", "a#.wild", Type::A, HOSTS),
    ("referral with DS, DO", "nsec3", "www.s#", Type::A, CUTS),
    ("referral without DS, DO, NSEC", "nsec", "www.d#", Type::A, CUTS),
    ("referral without DS, DO, NSEC3 with opt-out", "nsec3", "www.d#", Type::A, CUTS),
];

/// The questions to the zones that are built in. Errors: in words.
pub(crate) fn built_in() -> Result<Vec<Kind>, String> {
    let mut served = BTreeMap::new();
    for zone in ["plain", "nsec", "nsec3"] {
        let apex: DomainName =
            format!("{zone}.example.").parse().map_err(|error| format!("{zone}: {error}"))?;
        let contents = zone_of(zone, &apex)?;
        served.insert(zone, Rc::new(Served(NameTable::build([(apex, contents)]))));
    }
    let kind = |&(name, zone, pattern, qtype, count): &(&str, &str, &str, Type, usize)| {
        let numbers = (0..count).map(|i| i * 617 % count);
        let names: Vec<DomainName> = numbers
            .filter_map(|i| {
                let dot = if pattern.is_empty() { "" } else { "." };
                format!("{}{dot}{zone}.example.", pattern.replace('#', &i.to_string())).parse().ok()
            })
            .collect();
        Some(Kind::new(name, served.get(zone)?, &names, qtype, name.contains("DO")))
    };
    Ok(QUESTIONS.iter().filter_map(kind).collect())
}

fn zone_of(zone: &str, apex: &DomainName) -> Result<ZoneContents, String> {
    let mut sets = records();
    let apex_text = apex.to_string();
    match zone {
        "nsec" => add_nsec(&mut sets, &apex_text),
        "nsec3" => add_nsec3(&mut sets, &apex_text),
        _ => {}
    }
    let mut text = format!("$ORIGIN {apex_text}\n$TTL 3600\n");
    for ((labels, rtype), records) in &sets {
        let owner = if labels.is_empty() { "@".to_owned() } else { dotted(labels) };
        for rdata in records {
            let _ = writeln!(text, "{owner} {rtype} {rdata}");
        }
        let at_cut = rtype == "NS" && !labels.is_empty();
        let signed = zone != "plain" && !is_glue(labels) && !at_cut;
        if signed {
            let times = "3600 20300101000000 20200101000000 1";
            let _ = writeln!(text, "{owner} RRSIG {rtype} 13 3 {times} {apex_text} {SIGNATURE}");
        }
    }
    let loaded = read_zone_bytes(apex.as_ref(), Path::new(zone), text.as_bytes());
    loaded.map(|loaded| loaded.contents).map_err(|problems| format!("{problems:?}"))
}

/// RRsets by owner, its labels from the right as the canonical order has them, and type.
type Sets = BTreeMap<(Vec<String>, String), Vec<String>>;

fn labels(owner: &str) -> Vec<String> {
    owner.split('.').rev().filter(|label| !label.is_empty()).map(str::to_owned).collect()
}

fn dotted(labels: &[String]) -> String {
    labels.iter().rev().cloned().collect::<Vec<_>>().join(".")
}

fn is_glue(labels: &[String]) -> bool {
    labels.len() > 1 && labels.first().is_some_and(|label| label.starts_with(['d', 's']))
}

fn records() -> Sets {
    let mut sets = Sets::new();
    let mut add = |owner: &str, rtype: &str, rdata: String| {
        sets.entry((labels(owner), rtype.to_owned())).or_default().push(rdata);
    };
    add("", "SOA", "ns1 hostmaster 1 3600 900 604800 300".to_owned());
    for (number, server) in (1..).zip(["ns1", "ns2", "mail"]) {
        add(server, "A", format!("192.0.2.{number}"));
        if server != "mail" {
            add("", "NS", server.to_owned());
        }
    }
    add("", "MX", "10 mail".to_owned());
    add("*.wild", "A", "192.0.2.9".to_owned());
    for i in 0..HOSTS {
        add(&format!("h{i}"), "A", format!("10.0.{}.{}", i / 256, i % 256));
        if i % 4 == 0 {
            add(&format!("h{i}"), "AAAA", format!("2001:db8::{i:x}"));
        }
        add(&format!("alias{i}"), "CNAME", format!("h{i}"));
    }
    for i in 0..CUTS {
        for cut in [format!("d{i}"), format!("s{i}")] {
            add(&cut, "NS", format!("ns.{cut}"));
            add(&cut, "NS", "ns1".to_owned());
            add(&format!("ns.{cut}"), "A", "192.0.2.77".to_owned());
        }
        add(&format!("s{i}"), "DS", DIGEST.to_owned());
    }
    sets
}

/// The owners that a chain names, and the types that each has.
fn owners(sets: &Sets) -> BTreeMap<Vec<String>, BTreeSet<String>> {
    let mut owners: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for (labels, rtype) in sets.keys().filter(|(labels, _)| !is_glue(labels)) {
        owners.entry(labels.clone()).or_default().insert(rtype.clone());
    }
    owners
}

fn add_nsec(sets: &mut Sets, apex: &str) {
    let owners = owners(sets);
    let next = owners.keys().skip(1).chain(owners.keys().take(1));
    for ((labels, types), next) in owners.iter().zip(next) {
        let dot = if next.is_empty() { "" } else { "." };
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let rdata = format!("{}{dot}{apex} {} RRSIG NSEC", dotted(next), types.join(" "));
        sets.insert((labels.clone(), "NSEC".to_owned()), vec![rdata]);
    }
}

/// Opt-out leaves out the delegations without DS; a name with nothing but names below has a record too.
fn add_nsec3(sets: &mut Sets, apex: &str) {
    sets.insert((Vec::new(), "NSEC3PARAM".to_owned()), vec!["1 0 0 -".to_owned()]);
    let mut owners = owners(sets);
    owners.insert(labels("wild"), BTreeSet::new());
    owners.retain(|labels, types| labels.is_empty() || !types.contains("NS") || types.contains("DS"));
    let hashed: BTreeMap<String, BTreeSet<String>> = owners
        .into_iter()
        .filter_map(|(labels, types)| {
            let dot = if labels.is_empty() { "" } else { "." };
            let name: DomainName = format!("{}{dot}{apex}", dotted(&labels)).parse().ok()?;
            Some((base32hex(&Sha1::digest(name.as_ref().as_bytes())), types))
        })
        .collect();
    let next = hashed.keys().skip(1).chain(hashed.keys().take(1));
    for ((hash, types), next) in hashed.iter().zip(next) {
        let mut types: Vec<&str> = types.iter().map(String::as_str).collect();
        if types.iter().any(|rtype| *rtype != "NS") {
            types.push("RRSIG");
        }
        let rdata = format!("1 1 0 - {next} {}", types.join(" "));
        sets.insert((labels(hash), "NSEC3".to_owned()), vec![rdata]);
    }
}

fn base32hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
    let digit = |bits: u64| DIGITS.get((bits & 31) as usize).map_or('0', |digit| char::from(*digit));
    let five = |chunk: &[u8]| chunk.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    bytes.chunks(5).flat_map(|chunk| (0..8).rev().map(move |i| digit(five(chunk) >> (5 * i)))).collect()
}
