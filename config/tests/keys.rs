//! Mistakes in `keys`, in `remotes`, and where they are named: where each is told, without any secret.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what panics in a test fails it"
)]

mod expect;

use expect::{errors, one};

#[test]
fn keys_and_servers_that_are_named_have_to_be_there() {
    let keys =
        "keys:\n  - { name: a.test, secret: c2VjcmV0 }\nremotes:\n  - { name: ns2, addresses: 192.0.2.2 }\n";
    let zone = |rule: &str| format!("{keys}zones:\n  - {{ name: z, file: f, transfer-to: [{rule}] }}\n");
    let at = |column| (6, column);
    assert_eq!(errors(&zone("ns2, { key: A.Test. }, { network: 192.0.2.1, key: a.test }")), []);
    one(
        &zone("ns3"),
        at(39),
        "zones[0].transfer-to[0]",
        &["no server in `remotes` is called `ns3`", "mean `ns2`"],
    );
    one(
        &zone("{ key: b.test }"),
        at(46),
        "zones[0].transfer-to[0].key",
        &["no key in `keys` is called `b.test`", "mean `a.test`"],
    );
    one(&zone("{}"), at(25), "zones[0].transfer-to[0]", &["`network` or `key` is missing"]);
    one(&zone("a b"), at(39), "zones[0].transfer-to[0]", &["`a b` is not accepted", "name of a server"]);
    let again = "keys:\n  - { name: a.test, secret: c2VjcmV0 }\n  - { name: A.TEST., secret: c2VjcmV0 }\n";
    one(again, (3, 13), "keys[1].name", &["`a.test` is given already"]);
    let remote = "remotes: [{ name: a, addresses: [192.0.2.1], key: k }]";
    one(remote, (1, 51), "remotes[0].key", &["no key in `keys` is called `k`"]);
}

#[test]
fn secrets_are_told_of_without_being_shown() {
    for (entry, words) in [
        ("name: a, secret: \"not base64\"", "base64 in quotes"),
        ("name: a, secret: \"\"", "base64 in quotes"),
        ("name: a", "`secret`, or `secret-file` is missing"),
        ("name: a, secret: c2VjcmV0, secret-file: f", "exclude each other"),
        ("secret: c2VjcmV0", "`name` is missing"),
    ] {
        let found = errors(&format!("keys: [{{ {entry} }}]"));
        assert_eq!(found.len(), 1, "{entry}: {found:?}");
        assert!(found[0].message.contains(words), "{entry}: {}", found[0]);
        assert!(!found[0].to_string().contains("not base64") && !found[0].to_string().contains("c2VjcmV0"));
    }
}
