//! What is accepted and warned of.

#![allow(clippy::unwrap_used, reason = "what panics in a test fails it")]

use std::path::Path;

use rhumb_config::parse;

fn warnings(text: &str) -> Vec<String> {
    parse(text, Path::new("x.yaml")).unwrap().warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_server_that_serves_nothing() {
    assert!(warnings("{}")[0].contains("nothing is served"));
    assert!(warnings("listen: [{ address: 192.0.2.1 }]")[0].starts_with("x.yaml:1:1: nothing is served"));
    assert_eq!(warnings("zones: [{ directory: zones }]"), Vec::<String>::new());
}

const FORWARD: &str = "forward: [{ domain: ., upstreams: [192.0.2.53] }]\n";

#[test]
fn a_forwarder_that_refuses_everybody_it_listens_for() {
    for (text, place) in [
        ("", Some("x.yaml:1:13: ")),
        ("recursion: { allow: [127.0.0.0/8, \"::1\"] }\n", Some("x.yaml:2:22: ")),
        ("recursion: { allow: [127.0.0.0/8, 10.0.0.0/8] }\n", None),
        ("recursion: { allow: [] }\n", None),
        ("recursion: { allow: local }\n", None),
        ("recursion: { allow: [127.0.0.0/8, local] }\n", None),
        ("listen: [{ address: 127.0.0.1 }, { address: \"::1\" }]\n", None),
        ("listen: [{ address: 127.0.0.1 }, { address: 192.0.2.1 }]\n", Some("x.yaml:1:13: ")),
    ] {
        let found = warnings(&format!("{FORWARD}{text}"));
        assert_eq!(found.len(), usize::from(place.is_some()), "{text}: {found:?}");
        if let Some(place) = place {
            assert!(
                found[0].starts_with(&format!("{place}recursion.allow: only this host may ask")),
                "{found:?}"
            );
        }
    }
    assert_eq!(warnings("zones: [{ directory: zones }]\n"), Vec::<String>::new());
}

#[test]
fn a_forwarder_that_refuses_the_only_host_it_listens_for() {
    let listen = "listen: [{ address: 127.0.0.1 }]\n";
    for (allow, warned) in [
        ("[192.168.0.0/16]", true),
        ("[192.168.0.0/16, \"fd00::/8\"]", true),
        ("[192.168.0.0/16, 127.0.0.1]", false),
        ("[\"::1\"]", false),
        ("[0.0.0.0/0]", false),
        ("local", false),
        ("[]", false),
    ] {
        let found = warnings(&format!("{FORWARD}{listen}recursion: {{ allow: {allow} }}\n"));
        assert_eq!(found.len(), usize::from(warned), "{allow}: {found:?}");
        assert!(found.iter().all(|one| one.contains("the server listens for this host alone")), "{found:?}");
    }
}

#[test]
fn certificates_of_upstreams_that_nobody_verifies() {
    let entry = |upstream: &str, keys: &str| {
        let text = format!(
            "recursion: {{ allow: [] }}\nforward: [{{ domain: ., upstreams: [\"{upstream}\"], {keys} }}]\n"
        );
        parse(&text, Path::new("x.yaml"))
    };
    let warned = |upstream: &str, keys: &str| -> Vec<String> {
        entry(upstream, keys).unwrap().warnings.iter().map(ToString::to_string).collect()
    };
    let pin = format!("sha256/{}=", "A".repeat(43));
    assert_eq!(warned("tls://192.0.2.1", "verify: on"), Vec::<String>::new());
    assert_eq!(warned("tls://192.0.2.1", &format!("ca: ca.pem, pins: [{pin}]")), Vec::<String>::new());
    let found = warned("tls://192.0.2.1", "verify: off");
    assert!(
        found.len() == 1 && found[0].contains("forward[0].verify: the certificates of these"),
        "{found:?}"
    );
    for keys in ["ca: ca.pem", "verify: off", &format!("pins: [{pin}]")] {
        let found = warned("tcp://192.0.2.1", keys);
        assert!(found.len() == 1 && found[0].contains("has no effect"), "{keys}: {found:?}");
    }
    for keys in ["verify: off, ca: ca.pem".to_owned(), format!("verify: off, pins: [{pin}]")] {
        let error = entry("tls://192.0.2.1", &keys).unwrap_err().to_string();
        assert!(error.contains("off contradicts"), "{error}");
    }
    let error = entry("tls://192.0.2.1", "pins: [sha256/abc]").unwrap_err().to_string();
    assert!(error.contains("is no pin of a key; accepted: sha256/ and the digest"), "{error}");
}

#[test]
fn servers_that_no_name_is_asked_of() {
    for (upstreams, warned) in [
        ("tls://dns.example", false),
        ("tls://dns.example, 192.0.2.53", false),
        ("192.0.2.53", true),
        ("tls://192.0.2.53#dns.example", true),
    ] {
        let upstreams: Vec<String> = upstreams.split(", ").map(|one| format!("\"{one}\"")).collect();
        let found = warnings(&format!(
            "recursion: {{ allow: [] }}\nforward: [{{ domain: ., upstreams: [{}], bootstrap: [192.0.2.1] }}]\n",
            upstreams.join(", ")
        ));
        assert_eq!(found.len(), usize::from(warned), "{upstreams:?}: {found:?}");
        let told = "forward[0].bootstrap: it has no effect: every upstream has its address";
        assert!(found.iter().all(|warning| warning.contains(told)), "{found:?}");
    }
}

/// What concerns one value is told beside mistakes elsewhere; what depends on the whole is not said of a part.
#[test]
fn warnings_beside_mistakes() {
    for (text, mistakes, told) in [
        ("listen: [{ address: 192.0.2.300 }]\n", 1, &[][..]),
        ("zones: [{ name: a.test }]\n", 1, &[]),
        ("FORWARD", 0, &["forward[0].verify"]),
        ("cache: { size: 12 buckets }\nworkers: many\nFORWARD", 2, &["forward[0].verify"]),
        ("FORWARDlog: { level: loud }\nrecursion: { allow: [0.0.0.0/0] }\n", 1, &["forward[0].verify"]),
        ("FORWARDrecursion: { allow: [0.0.0.0/0] }\n", 0, &["forward[0].verify", "recursion.allow"]),
    ] {
        let forward = "forward: [{ domain: ., upstreams: [\"tls://192.0.2.1\"], verify: off }]\n";
        let listen = if text.contains("allow") { "" } else { "recursion: { allow: [] }\n" };
        let text = format!("{}{listen}", text.replace("FORWARD", forward));
        let (errors, warnings) = match parse(&text, Path::new("x.yaml")) {
            Ok(config) => (0, config.warnings),
            Err(refused) => (refused.errors.len(), refused.warnings),
        };
        let keys: Vec<_> = warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!((errors, &keys[..]), (mistakes, told), "{text}: {warnings:?}");
        assert!(warnings.is_sorted_by_key(|warning| &warning.place), "{warnings:?}");
    }
}

#[test]
fn an_open_resolver_without_a_limit() {
    for (text, warned) in [
        ("recursion: { allow: [0.0.0.0/0] }\n", true),
        ("recursion: { allow: [10.0.0.0/8, \"::/0\"] }\n", true),
        ("recursion: { allow: [\"2000::/3\"] }\n", true),
        ("recursion: { allow: [0.0.0.0/1, 128.0.0.0/1] }\n", true),
        ("recursion: { allow: [10.0.0.0/8, \"fc00::/7\"] }\n", false),
        ("recursion: { allow: [0.0.0.0/0] }\nserver: { rate-limit: {} }\n", false),
        ("recursion: { allow: [0.0.0.0/0] }\nlisten: [{ address: 127.0.0.1 }]\n", false),
    ] {
        let found = warnings(&format!("{FORWARD}{text}"));
        assert_eq!(
            found.iter().any(|warning| warning.contains("open resolver")),
            warned,
            "{text}: {found:?}"
        );
    }
}

#[test]
fn trusted_keys_of_a_file_without_a_folder_for_their_states() {
    let anchors = "recursion: { allow: [], trust-anchors: { file: root.key } }\n";
    for (more, warned) in [("", true), ("state: state\n", false)] {
        let found = warnings(&format!("{anchors}{more}"));
        assert_eq!(found.len(), usize::from(warned), "{found:?}");
        let place = "x.yaml:1:42: recursion.trust-anchors: without `state`";
        assert!(found.iter().all(|warning| warning.starts_with(place)), "{found:?}");
    }
    assert_eq!(warnings("recursion: { allow: [], trust-anchors: built-in }\n"), Vec::<String>::new());
}
