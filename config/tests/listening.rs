//! Mistakes in addresses, in what is listened on, and in the limits of the server.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what panics in a test fails it"
)]

mod expect;

use expect::{errors, one};

#[test]
fn sockets_for_each_address_stand_alone() {
    let wildcard = "a socket for each address clashes with the one for all of them (listen[0], line 2); keep one of the two";
    one("listen:\n  - address: \"::\"\n  - address: all\n", (3, 5), "listen[1]", &[wildcard]);
    one("listen:\n  - address: 0.0.0.0\n  - interface: br0\n", (3, 5), "listen[1]", &[wildcard]);
    one("listen: [{ address: all, interface: br0 }]\n", (1, 12), "listen[0]", &["`address`", "`interface`"]);
    one("listen: [{ address: all, v6only: true }]\n", (1, 34), "listen[0].v6only", &["v6only is for `::`"]);
    one(
        "listen: [{ interface: a/b }]\n",
        (1, 23),
        "listen[0].interface",
        &["is not the name of an interface"],
    );
}

#[test]
fn addresses_are_checked() {
    for (address, words) in [
        ("localhost", "not an IP address"),
        ("192.0.2.1:53", "not an IP address"),
        ("fe80::1", "needs its interface"),
        ("2001:db8::1%eth0", "must not have a scope"),
        ("192.0.2.1%eth0", "must not have a scope"),
        ("fe80::1%", "neither an interface name nor its number"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("::ffff:192.0.2.1", "write 192.0.2.1"),
    ] {
        one(&format!("listen:\n  - address: \"{address}\"\n"), (2, 14), "listen[0].address", &[words]);
    }
    for (upstream, words) in [
        ("dns.example", "not an IP address"),
        ("192.0.2.53:0", "1 to 65535"),
        ("fe80::53", "needs its interface"),
        ("tls://192.0.2.1#", "no host name that a certificate could have"),
        ("dot://192.0.2.1", "known are udp, tcp, tls, https, quic"),
        ("tls://192.0.2.1/dns-query", "which only https:// has"),
        ("0.0.0.0", "belongs to no single host"),
        ("[2001:db8::53", "brackets"),
    ] {
        let text = format!("forward:\n  - domain: .\n    upstreams:\n      - \"{upstream}\"\n");
        one(&text, (4, 9), "forward[0].upstreams[0]", &[words, "accepted: an address such as"]);
    }
    let text = "forward:\n  - domain: .\n    upstreams:\n      - \"tls://dns.example\"\n";
    let words = ["write it behind @, as in tls://dns.example@192.0.2.53", "name servers under `bootstrap`"];
    one(text, (4, 9), "forward[0].upstreams", &words);
    one(
        &format!("{text}    bootstrap: [tls://192.0.2.1]\n"),
        (5, 17),
        "forward[0].bootstrap[0]",
        &["asked over udp"],
    );
    assert!(errors(&format!("{text}    bootstrap: [192.0.2.1]\n")).is_empty());
    let text = "forward: [{ domain: ., upstreams: [53] }]\n";
    one(text, (1, 36), "forward[0].upstreams[0]", &["`list: FILE`", "`resolv-conf: FILE`"]);
}

#[test]
fn transports_are_named_once() {
    let text = |transports: &str| format!("listen:\n  - address: \"::\"\n    transports: {transports}\n");
    one(&text("[dtls]"), (3, 18), "listen[0].transports[0]", &["accepted: udp, tcp, tls, https, quic"]);
    one(&text("[udp, udp]"), (3, 18), "listen[0].transports", &["named twice"]);
    one(&text("[]"), (3, 5), "listen[0].transports", &["empty"]);
    assert_eq!(errors(&text("udp")), []);
    one(&text("dtls"), (3, 17), "listen[0].transports", &["accepted: udp, tcp, tls, https, quic"]);
}

#[test]
fn listeners_that_clash_are_told() {
    let listen = |entries: &[&str]| {
        entries.iter().fold("listen:\n".to_owned(), |text, entry| text + "  - { address: " + entry + " }\n")
    };
    let clash = ["the same address, port and transport as listen[0] on line 2"];
    one(&listen(&["\"::\"", "\"::\""]), (3, 7), "listen[1]", &clash);
    one(
        &listen(&["192.0.2.1, port: 5300", "192.0.2.1, port: 5300, transports: [tcp]"]),
        (3, 7),
        "listen[1]",
        &clash,
    );
    one(&listen(&["fe80::1%eth0", "fe80::1%eth0"]), (3, 7), "listen[1]", &clash);
    one(&listen(&["\"::\", v6only: true", "\"::\""]), (3, 7), "listen[1]", &clash);
    one(
        &listen(&["0.0.0.0", "\"::\""]),
        (3, 7),
        "listen[1].v6only",
        &["clashes with 0.0.0.0 (listen[0], line 2)", "set v6only: true"],
    );
    one(&listen(&["\"::\", v6only: false", "0.0.0.0"]), (2, 30), "listen[0].v6only", &["set v6only: true"]);
    one(&listen(&["192.0.2.1, v6only: true"]), (2, 35), "listen[0].v6only", &["IPv4 address"]);
    for fine in [
        &["\"::\", v6only: true", "0.0.0.0"][..],
        &["\"::\", port: 53", "0.0.0.0, port: 5300"],
        &["\"::\", transports: [udp]", "0.0.0.0, transports: [tcp]"],
        &["192.0.2.1", "192.0.2.2", "\"2001:db8::1\""],
        &["fe80::1%eth0", "fe80::1%eth1"],
        &["192.0.2.1, transports: [udp]", "192.0.2.1, transports: [tcp]"],
    ] {
        assert_eq!(errors(&listen(fine)), [], "{fine:?}");
    }
    // Both sockets of a pair clash: told once, with the index in the file though an entry before is wrong.
    let text = "listen:\n  - address: x\n  - address: \"::1\"\n  - address: 0:0:0:0:0:0:0:1\n";
    let told = errors(text);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[1].place.line, told[1].key.as_str()), (4, "listen[2]"));
    assert!(told[1].message.contains("listen[1] on line 3"), "{}", told[1]);
}

#[test]
fn networks_of_proxies_are_checked() {
    let listen = |keys: &str| format!("listen: [{{ address: 192.0.2.1, {keys} }}]");
    let text = listen("proxy-protocol: [10.0.0.0/33]");
    let told = errors(&text);
    assert!(told.len() == 1 && told[0].key == "listen[0].proxy-protocol[0]", "{told:?}");
    let text = listen("transports: [quic], certificate: c, key: k, proxy-protocol: [10.0.0.0/8]");
    let told = errors(&text);
    assert!(told.len() == 1 && told[0].to_string().contains("quic has no header"), "{told:?}");
    assert!(
        errors(&listen("transports: [udp, quic], certificate: c, key: k, proxy-protocol: [10.0.0.0/8]"))
            .is_empty()
    );
}

#[test]
fn limits_and_names_of_the_server_are_checked() {
    for (text, column, key, words) in [
        ("rate-limit: { slip: 101 }", 23, "server.rate-limit.slip", "from 0 to 100"),
        ("rate-limit: { responses-per-second: 0 }", 39, "server.rate-limit.responses-per-second", "from 1"),
        ("rate-limit: { ipv4-prefix: 33 }", 30, "server.rate-limit.ipv4-prefix", "from 1 to 32"),
        ("rate-limit: { exempt: [10.0.0.1/8] }", 26, "server.rate-limit.exempt[0]", "10.0.0.0/8"),
        ("report-channel: .", 19, "server.report-channel", "the root is no agent domain"),
        ("identity: \"\"", 13, "server.identity", "1 to 255 bytes"),
        ("version: 3", 12, "server.version", "a text"),
    ] {
        one(&format!("server:\n  {text}"), (2, column), key, &[words]);
    }
}
