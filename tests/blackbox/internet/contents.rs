//! What stands in the zones.

use std::fmt::Write as _;

use super::addresses::{NAMES, NAMESERVERS, Nameserver};
use super::zones::{Fault, HostedZone, ZONES};

/// The zone to which aliases of this one lead: the next one with nothing wrong.
pub(super) fn next(zone: &HostedZone) -> &'static HostedZone {
    let sound: Vec<&'static HostedZone> =
        ZONES.iter().filter(|zone| zone.fault == Fault::None && !zone.is_top()).collect();
    let own = ZONES.iter().position(|other| other.origin == zone.origin).unwrap_or(0);
    let later =
        sound.iter().find(|other| ZONES.iter().position(|zone| zone.origin == other.origin) > Some(own));
    later.unwrap_or(&sound[0])
}

/// The zone file, without what lies below it.
pub(super) fn text(zone: &HostedZone, number: usize) -> String {
    let origin = zone.origin;
    let mut text = format!("$ORIGIN {origin}\n$TTL 3600\n");
    let mut line = |line: &str| writeln!(text, "{line}").expect("a String takes everything");
    let first = Nameserver::of(zone.servers[0]).name();
    line(&format!("@ SOA {first} host.{NAMES} 1 3600 600 86400 60"));
    for label in zone.servers.iter().chain(zone.lame) {
        line(&format!("@ NS {}", Nameserver::of(label).name()));
    }
    if zone.is_top() {
        return text;
    }
    let next = next(zone).origin;
    let long = "x".repeat(240);
    for words in [
        &format!("@ A 198.18.100.{number}"),
        "@ AAAA 2001:db8:100::1",
        "@ MX 10 mail",
        &format!("@ TXT \"zone {number}\""),
        &format!("www A 198.18.101.{number}"),
        "www AAAA 2001:db8:100::2",
        &format!("mail A 198.18.102.{number}"),
        "alias CNAME www",
        &format!("far CNAME far2.{next}"),
        &format!("far2 CNAME www.{next}"),
        &format!("nowhere CNAME missing.{next}"),
        &format!("*.wild A 198.18.103.{number}"),
        "*.wild TXT \"any\"",
        &format!("*.wild-alias CNAME www.{next}"),
        "a.b.deep TXT \"deep\"",
        &format!("old DNAME {next}"),
        &format!("big TXT{}", format!(" \"{long}\"").repeat(6)),
    ] {
        line(words);
    }
    if origin == NAMES {
        text.extend(NAMESERVERS.iter().flat_map(Nameserver::records));
    }
    text
}

/// The delegation of a zone, as its parent has it, but for the DS records.
pub(super) fn delegation(zone: &HostedZone, parent: &HostedZone) -> String {
    let mut text = String::new();
    for server in zone.servers.iter().chain(zone.lame).map(|label| Nameserver::of(label)) {
        writeln!(text, "{} 3600 IN NS {}", zone.origin, server.name()).expect("a String takes everything");
        if parent.origin == "." || NAMES.ends_with(&format!(".{}", parent.origin)) {
            text.extend(server.records());
        }
    }
    text
}

/// The addresses of the root's own servers, which lie below it.
pub(super) fn hints() -> String {
    let servers = ZONES[0].servers.iter().map(|label| Nameserver::of(label));
    let records = servers.map(|server| {
        format!(". 3600000 IN NS {}\n{}", server.name(), server.records().collect::<Vec<_>>().concat())
    });
    records.collect::<Vec<_>>().concat()
}
