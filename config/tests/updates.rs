//! Rules of zones that are changed while they are served: what they say, and where mistakes in them are told.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what panics in a test fails it"
)]

mod expect;

use std::path::Path;

use expect::{errors, one};
use rhumb_config::{UpdateAction, UpdateNames, parse};
use rhumb_wire::Type;

fn text(rule: &str) -> String {
    format!(
        "state: s\nkeys: [{{ name: acme.test, secret: AAAA }}]\nzones:\n- name: z\n  file: f\n  update:\n  - {{ {rule} }}\n"
    )
}

#[test]
fn a_rule_says_who_may_change_what() {
    let rule = "key: acme.test., network: 192.0.2.0/24, names: [\"_acme-challenge.*\", dyn/, self], types: [txt, TYPE65280], actions: add, max-records: 7";
    let config = parse(&text(rule), Path::new("x.yaml")).unwrap();
    let update = &config.zones[0].served().unwrap().update;
    let rule = &update[0];
    assert_eq!(rule.key, Some("acme.test".parse().unwrap()));
    assert_eq!(rule.network.unwrap().to_string(), "192.0.2.0/24");
    let names: Vec<String> = rule.names.iter().map(UpdateNames::to_string).collect();
    assert_eq!(names, ["_acme-challenge.*", "dyn/", "self"]);
    assert_eq!(rule.types, [Type::TXT, Type(65280)]);
    assert_eq!((rule.actions.as_slice(), rule.max_records), (&[UpdateAction::Add][..], Some(7)));
    assert_eq!((config.updates.waiting, config.updates.waiting_per_zone), (1000, 100));
}

#[test]
fn mistakes_are_told_where_they_stand() {
    assert_eq!(errors(&text("key: acme.test")), []);
    for (rule, at, key, words) in [
        ("names: [www]", "names", "", &["`network`, `key` or `tls-name` is missing"][..]),
        ("key: acme.tset", "acme", ".key", &["no key in `keys` is called `acme.tset`", "mean `acme.test`"]),
        ("network: 10.0.0.0/8, names: self", "self", ".names", &["`self` is the name of the key"]),
        ("key: acme.test, names: [\"a b\"]", "\"a b", ".names[0]", &["`a b` is no name", "dyn/"]),
        ("key: acme.test, types: [TXTT]", "TXTT", ".types[0]", &["`TXTT` is no type", "mean `TXT`"]),
        ("key: acme.test, types: [AXFR]", "AXFR", ".types[0]", &["`AXFR` is no type"]),
        ("key: acme.test, types: []", "types", ".types", &["the list is empty"]),
        ("key: acme.test, actions: [ad]", "ad]", ".actions[0]", &["add, delete"]),
        ("key: acme.test, max-records: 0", "0", ".max-records", &["from 1 to 1000000"]),
        ("key: acme.test, tpyes: TXT", "tpyes", ".tpyes", &["`types`"]),
        ("tls-name: \"*.host.test\"", "\"*", ".tls-name", &["is a wildcard"]),
        ("tls-name: a..b", "a..b", ".tls-name", &["`a..b` is no domain name"]),
    ] {
        let column = 7 + u32::try_from(rule.find(at).unwrap()).unwrap();
        one(&text(rule), (7, column), &format!("zones[0].update[0]{key}"), words);
    }
    let stateless = text("key: acme.test").replace("state: s\n", "\n");
    one(&stateless, (4, 3), "zones[0]", &["a zone with `update` needs `state`"]);
    let secondary = text("key: acme.test")
        .replace("  file: f\n", "  primaries: [p]\n")
        .replace("state: s\n", "{}")
        .replacen("{}", "state: s\nremotes: [{ name: p, addresses: 192.0.2.1 }]\n", 1);
    one(&secondary, (8, 7), "zones[0].update", &["is changed there"]);
}

#[test]
fn names_of_certificates_need_a_listener_that_asks_for_them() {
    let listen = |keys: &str| {
        format!("listen: [{{ address: \"::\", transports: [udp, tls], certificate: self-signed{keys} }}]\n")
    };
    for rule in ["tls-name: Host.Test.", "tls-name: host.test, key: acme.test, network: 192.0.2.0/24"] {
        let good = listen(", client-ca: ca.pem") + &text(rule);
        let config = parse(&good, Path::new("/etc/x.yaml")).unwrap();
        assert_eq!(config.listen[0].client_ca.as_deref(), Some(Path::new("/etc/ca.pem")));
        let update = &config.zones[0].served().unwrap().update;
        assert_eq!(update[0].tls_name, Some("host.test".parse().unwrap()));
        let words = ["`tls-name` needs a listener with `client-ca`"];
        one(&(listen("") + &text(rule)), (5, 3), "zones[0]", &words);
        one(&text(rule), (4, 3), "zones[0]", &words);
    }
    let other = "listen: [{ address: \"::\", transports: [udp, https], certificate: self-signed, client-ca: ca.pem }]\n";
    let column = 1 + u32::try_from(other.find("ca.pem").unwrap()).unwrap();
    let words = ["clients show certificates by tls, which is not among the `transports`"];
    one(other, (1, column), "listen[0].client-ca", &words);
}
