//! Mistakes in the keys of encrypted listeners.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what panics in a test fails it"
)]

mod expect;

use expect::{errors, one};

#[test]
fn certificates_have_keys_and_transports() {
    let told = |entry: &str, key: &str, words: &[&str]| {
        let found = errors(&format!("listen:\n  - {{ address: 192.0.2.1, {entry} }}\n"));
        assert_eq!(found.len(), 1, "{entry}: {found:?}");
        assert_eq!(found[0].key, format!("listen[0].{key}"), "{entry}");
        assert!(words.iter().all(|word| found[0].message.contains(word)), "{entry}: {}", found[0]);
    };
    let needs = ["tls needs `certificate` and `key`", "certificate: self-signed"];
    told("transports: [tls]", "certificate", &needs);
    told("transports: [udp, tls]", "certificate", &needs);
    told("transports: [tls], key: k.pem", "certificate", &["`key` stands alone"]);
    told("transports: [tls], certificate: c.pem", "key", &["needs its key"]);
    told("transports: [tls], certificate: self-signed, key: k.pem", "key", &["remove one of the two"]);
    told("certificate: c.pem, key: k.pem", "certificate", &["add tls to `transports`"]);
    told("certificate: self-signed", "certificate", &["add tls to `transports`"]);
    for fine in ["certificate: self-signed", "certificate: c.pem, key: k.pem"] {
        let text = format!("listen: [{{ address: 192.0.2.1, transports: [udp, tcp, tls], {fine} }}]\n");
        assert_eq!(errors(&text), [], "{fine}");
    }
}

#[test]
fn streams_do_not_share_a_port() {
    let listen = |entries: &[&str]| {
        entries.iter().fold("listen:\n".to_owned(), |text, entry| text + "  - { address: " + entry + " }\n")
    };
    let tls = "certificate: self-signed, transports:";
    let one_entry = format!("192.0.2.1, port: 853, {tls} [tcp, tls]");
    one(&listen(&[&one_entry]), (2, 33), "listen[0]", &["need the same port", "leave `port` out"]);
    let beside = format!("192.0.2.1, {tls} [tls]");
    let clash = ["the same address, port and transport as listen[0] on line 2"];
    one(&listen(&["192.0.2.1, port: 853, transports: [tcp]", &beside]), (3, 7), "listen[1]", &clash);
    one(&listen(&[&beside, &beside]), (3, 7), "listen[1]", &clash);
    let everywhere = format!("\"::\", {tls} [tls]");
    let v4 = format!("0.0.0.0, {tls} [udp, tls]");
    one(&listen(&[&v4, &everywhere]), (3, 7), "listen[1].v6only", &["set v6only: true"]);
    for fine in [
        &["192.0.2.1, port: 853, transports: [udp]", &beside][..],
        &["192.0.2.1, port: 53", &beside],
        &["\"::\"", &beside],
        &[&format!("192.0.2.1, {tls} [udp, tcp, tls]")],
        &[&format!("192.0.2.1, port: 853, {tls} [udp, tls]")],
    ] {
        assert_eq!(errors(&listen(fine)), [], "{fine:?}");
    }
}

#[test]
fn keys_of_http_go_with_https() {
    let told = |entry: &str, key: &str, words: &[&str]| {
        let found = errors(&format!("listen:\n  - {{ address: 192.0.2.1, {entry} }}\n"));
        assert_eq!(found.len(), 1, "{entry}: {found:?}");
        assert_eq!(found[0].key, format!("listen[0].{key}"), "{entry}");
        assert!(words.iter().all(|word| found[0].message.contains(word)), "{entry}: {}", found[0]);
    };
    let https = "transports: [https], certificate: self-signed";
    told("tls: off", "tls", &["for https alone"]);
    told("paths: [/x]", "paths", &["for https alone"]);
    told("proxies: [10.0.0.0/8]", "proxies", &["for https alone"]);
    told("transports: [https]", "certificate", &["https needs `certificate` and `key`"]);
    told("transports: [https], tls: off", "proxies", &["only proxies are served"]);
    told("transports: [https, tls], tls: off, proxies: [10.0.0.1]", "certificate", &["tls needs"]);
    told(&format!("{https}, tls: off, proxies: [10.0.0.1]"), "certificate", &["no transport of this entry"]);
    told(&format!("{https}, tls: no"), "tls", &["accepted: on, off"]);
    told(&format!("{https}, paths: []"), "paths", &["empty"]);
    for path in ["dns-query", "''", "'/a b'", "'/dns-query{?dns}'", "'/é'", "'/a#b'"] {
        told(&format!("{https}, paths: [{path}]"), "paths[0]", &["a path such as /dns-query"]);
    }
    for fine in [
        https.to_owned(),
        format!("{https}, paths: [/, /dns-query, '/a%20b']"),
        format!("{https}, tls: on, proxies: ['2001:db8::/32']"),
        "transports: [udp, tcp, https], port: 8053, tls: off, proxies: [127.0.0.0/8]".to_owned(),
    ] {
        let text = format!("listen: [{{ address: 192.0.2.1, {fine} }}]\n");
        let clash = fine.contains("tcp");
        assert_eq!(errors(&text).len(), usize::from(clash), "{fine}");
    }
}

#[test]
fn further_certificates_and_ports() {
    let told = |entry: &str, key: &str, words: &[&str]| {
        let found = errors(&format!("listen:\n  - {{ address: 192.0.2.1, {entry} }}\n"));
        assert_eq!(found.len(), 1, "{entry}: {found:?}");
        assert_eq!(found[0].key, format!("listen[0].{key}"), "{entry}");
        assert!(words.iter().all(|word| found[0].message.contains(word)), "{entry}: {}", found[0]);
    };
    let tls = "transports: [udp, tls], certificate: self-signed";
    told(&format!("{tls}, certificates: [{{ key: k }}]"), "certificates[0]", &["certificate"]);
    told("certificates: [{ certificate: c, key: k }]", "certificates", &["beside `certificate`"]);
    told(&format!("{tls}, ports: {{ https: 1 }}"), "ports", &["https is not among"]);
    told(&format!("{tls}, ports: {{ dot: 1 }}"), "ports.dot", &["unknown transport", "tls, https, quic"]);
    told(&format!("{tls}, ports: {{ tls: 0 }}"), "ports.tls", &["from 1 to 65535"]);
    told(&format!("{tls}, ports: 853"), "ports", &["a port for each transport"]);
    for fine in [
        format!("{tls}, certificates: [{{ certificate: c, key: k }}, {{ certificate: d, key: l }}]"),
        format!("{tls}, port: 53, ports: {{ tls: 8853, udp: 54 }}"),
        "transports: [udp, tcp, tls, https, quic], certificate: self-signed, port: 53, ports: { tls: 853, https: 443, quic: 853 }".to_owned(),
    ] {
        assert_eq!(errors(&format!("listen: [{{ address: 192.0.2.1, {fine} }}]\n")), [], "{fine}");
    }
}
