//! Zones that other servers have: what is accepted, and what is wrong with what is not.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what panics in a test fails it"
)]

mod expect;

use std::path::Path;
use std::time::Duration;

use expect::{errors, one};
use rhumb_config::{DigestCheck, TransferRule, ZoneSource, parse};

fn text(state: &str, zone: &str) -> String {
    format!(
        "{state}remotes: [{{ name: hidden, addresses: 192.0.2.1 }}]\nzones: [{{ name: example.net, {zone} }}]\n"
    )
}

const STATE: &str = "state: /var/lib/rhumb\n";

#[test]
fn a_zone_of_other_servers_is_read() {
    let zone = "primaries: hidden, notify-from: [{ network: 192.0.2.0/24 }], refresh: { min: 30s }, \
                retry: { max: 1h }, serial-decrease: accept, max-zone-size: 1MiB, transfer-to: [hidden], \
                zonemd: require, transfer-format: plain, validate: true, refresh-over: udp, parent-notify: true";
    let config = parse(&text(STATE, zone), Path::new("x.yaml")).unwrap();
    assert_eq!(config.state.as_deref(), Some(Path::new("/var/lib/rhumb")));
    let [ZoneSource::Secondary(zone)] = config.zones.as_slice() else { panic!("{config:?}") };
    assert_eq!(zone.primaries, ["hidden"]);
    assert!(matches!(zone.notify_from.as_slice(), [TransferRule::Clients { .. }]));
    assert_eq!(zone.terms.refresh.min, Some(Duration::from_secs(30)));
    assert_eq!(zone.terms.retry.max, Some(Duration::from_hours(1)));
    assert!(zone.terms.strict_differences && zone.terms.validates && zone.terms.asks_by_udp);
    let versions = zone.served.versions;
    assert_eq!((versions.digest, versions.plain_transfers), (DigestCheck::Require, true));
    assert!(zone.served.parent_notify);
    assert!(zone.terms.accepts_decrease && zone.terms.max_zone_size == Some(1 << 20));
    assert_eq!((zone.terms.expire.min, zone.terms.refresh.max), (None, None));
}

/// The parents of all kinds of zones may be told; without a word they are not.
#[test]
fn parents_are_told_where_that_is_asked_for() {
    for source in ["name: a, file: f", "directory: d", "name: a, primaries: hidden"] {
        for (key, expected) in
            [("", false), (", parent-notify: false", false), (", parent-notify: true", true)]
        {
            let text = format!(
                "{STATE}remotes: [{{ name: hidden, addresses: 192.0.2.1 }}]\nzones: [{{ {source}{key} }}]\n"
            );
            let config = parse(&text, Path::new("x.yaml")).unwrap();
            let told = config.zones[0].served().unwrap().parent_notify;
            assert_eq!(told, expected, "{source}{key}");
        }
    }
}

#[test]
fn servers_are_asked_over_tls() {
    let text = |tls: &str| format!("remotes: [{{ name: a, addresses: 192.0.2.1, tls: {tls} }}]\n");
    let pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let given = format!("{{ name: ns2.example.net, ca: ca.pem, pins: [{pin}], port: 8853 }}");
    let config = parse(&text(&given), Path::new("/etc/rhumb/x.yaml")).unwrap();
    let tls = config.remotes[0].tls.as_ref().unwrap();
    assert_eq!(tls.name.as_deref(), Some("ns2.example.net"));
    assert_eq!(tls.authorities.as_deref(), Some(Path::new("/etc/rhumb/ca.pem")));
    assert_eq!((tls.pins.len(), tls.port), (1, 8853));
    let config = parse(&text("{}"), Path::new("x.yaml")).unwrap();
    assert_eq!(config.remotes[0].tls, Some(rhumb_config::RemoteTls::default()));
    for (tls, key, words) in [
        ("{ name: a b }", "name", "a name as its certificate has it"),
        ("{ name: 192.0.2.1 }", "name", "a name as its certificate has it"),
        ("{ pins: [sha256/abc] }", "pins[0]", "is no pin of a key"),
        ("{ port: 0 }", "port", "from 1 to 65535"),
        ("{ nmae: a }", "nmae", "`name`"),
    ] {
        let found = errors(&text(tls));
        let is_told = |error: &rhumb_config::ConfigFinding| {
            error.key == format!("remotes[0].tls.{key}") && error.message.contains(words)
        };
        assert!(found.iter().any(is_told), "{tls}: {found:?}");
    }
    let zone = "primaries: [hidden], transfer-to: [{ network: 192.0.2.0/24, transport: tls }]";
    let config = parse(&self::text(STATE, zone), Path::new("x.yaml")).unwrap();
    let [ZoneSource::Secondary(zone)] = config.zones.as_slice() else { panic!("{config:?}") };
    assert!(matches!(zone.served.transfer_to.as_slice(), [TransferRule::Clients { encrypted: true, .. }]));
    for (rule, words) in [
        ("{ transport: tls }", "`network` or `key` is missing"),
        ("{ network: 192.0.2.1, transport: dot }", "any, tls"),
    ] {
        let found = errors(&self::text(STATE, &format!("primaries: [hidden], transfer-to: [{rule}]")));
        assert!(found.iter().any(|error| error.message.contains(words)), "{rule}: {found:?}");
    }
}

#[test]
fn transfers_have_limits() {
    let usual = parse(STATE, Path::new("x.yaml")).unwrap().transfers;
    assert_eq!((usual.out, usual.out_per_network), (32, 4));
    assert_eq!((usual.incoming, usual.in_per_primary, usual.soa_queries_per_second), (64, 8, 1000));
    let given =
        "transfers: { out: 1, out-per-network: 2, in: 3, in-per-primary: 4, soa-queries-per-second: 5 }\n";
    let given = parse(given, Path::new("x.yaml")).unwrap().transfers;
    assert_eq!((given.out, given.out_per_network), (1, 2));
    assert_eq!((given.incoming, given.in_per_primary, given.soa_queries_per_second), (3, 4, 5));
    for key in ["out", "out-per-network", "in", "in-per-primary", "soa-queries-per-second"] {
        let found = errors(&format!("transfers: {{ {key}: 0 }}\n"));
        assert!(found.iter().any(|error| error.message.contains("from 1 to")), "{key}: {found:?}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    for (state, zone, words) in [
        (STATE, "primaries: [hiden]", "did you mean `hidden`"),
        (STATE, "primaries: []", "the list is empty"),
        (STATE, "primaries: [hidden], file: f", "exclude each other"),
        (STATE, "file: f, refresh: { min: 1s }", "is for a zone with `primaries`"),
        (STATE, "file: f, notify-from: [hidden]", "is for a zone with `primaries`"),
        (STATE, "primaries: [hidden], include-folders: [/]", "no file that could include"),
        (STATE, "primaries: [hidden], refresh: { min: 2h, max: 1h }", "`max` is shorter than `min`"),
        (STATE, "primaries: [hidden], serial-decrease: maybe", "keep"),
        (STATE, "primaries: [hidden], zonemd: maybe", "verify, require, ignore"),
        (STATE, "primaries: [hidden], transfer-format: maybe", "condensed, plain"),
        (STATE, "file: f, strict-differences: false", "is for a zone with `primaries`"),
        (STATE, "file: f, forward-updates: true", "is for a zone with `primaries`"),
        (STATE, "file: f, validate: true", "is for a zone with `primaries`"),
        (STATE, "file: f, refresh-over: udp", "is for a zone with `primaries`"),
        (STATE, "primaries: [hidden], refresh-over: tls", "tcp, udp"),
        (STATE, "primaries: [hidden], notify-from: [other]", "no server in `remotes` is called `other`"),
    ] {
        let found = errors(&text(state, zone));
        assert!(found.iter().any(|error| error.message.contains(words)), "{zone}: {found:?}");
    }
    one(&text("", "primaries: [hidden]"), (2, 11), "zones[0]", &["needs `state`"]);
    let twice = "state: s\nremotes: [{ name: a, addresses: 192.0.2.1 }]\n\
                 zones: [{ name: b, file: f }, { name: b, primaries: a }]\n";
    assert!(errors(twice).iter().any(|error| error.message.contains("is given already")));
}

/// A copy of the root that is transferred (RFC 8806).
#[test]
fn a_local_root_of_other_servers_is_read() {
    let text = |before: &str, keys: &str| {
        format!(
            "{before}remotes: [{{ name: hidden, addresses: 192.0.2.1 }}]\nrecursion: {{ local-root: {{ {keys} }} }}\n"
        )
    };
    let config = parse(&text(STATE, "primaries: hidden"), Path::new("rhumb.yaml")).unwrap();
    let zone = config.recursion.local_root.as_ref().and_then(|root| root.transferred.as_ref()).unwrap();
    assert!(zone.name.as_ref().is_root() && zone.terms.for_resolver && zone.terms.validates);
    assert_eq!((&*zone.primaries, zone.served.transfer_to.len()), (&["hidden".to_owned()][..], 0));
    // What its SOA says of its life counts, however short that is.
    assert_eq!((zone.terms.expire.min, zone.terms.expire.max), (Some(Duration::from_secs(1)), None));
    for (before, keys, words) in [
        (STATE, "primaries: hiden", "did you mean `hidden`"),
        (STATE, "primaries: []", "the list is empty"),
        ("", "primaries: hidden", "needs `state`"),
        ("state: s\nzones: [{ name: ., file: f }]\n", "primaries: hidden", "one of `zones` already"),
    ] {
        let found = errors(&text(before, keys));
        let key = |key: &str| key.starts_with("recursion.local-root");
        let right = |error: &rhumb_config::ConfigFinding| error.message.contains(words) && key(&error.key);
        assert!(found.iter().any(right), "{keys}: {found:?}");
    }
}
