//! Mistakes in what the configuration says of resolution.

use std::path::Path;

use rhumb_config::parse;

#[test]
fn resolution_is_checked() {
    for (text, place, key, words) in [
        ("recursion: { dnssec: on }\n", (1, 22), "recursion.dnssec", "validate, off"),
        (
            "recursion: { trust-anchors: [. DS 1 8] }\n",
            (1, 30),
            "recursion.trust-anchors[0]",
            "no DS or DNSKEY",
        ),
        (
            "recursion: { negative-trust-anchors: { domain: a.test, until: soon } }\n",
            (1, 63),
            "recursion.negative-trust-anchors.until",
            "no day",
        ),
        ("recursion: { root-hints: \"\" }\n", (1, 26), "recursion.root-hints", "a path"),
        ("recursion: { ipv4: false, ipv6: false }\n", (1, 33), "recursion.ipv6", "one of the two"),
        (
            "recursion: { source-addresses: [192.0.2.1, 192.0.2.2] }\n",
            (1, 33),
            "recursion.source-addresses",
            "one of IPv4",
        ),
        ("stub: [{ domain: a.test, servers: [x] }]\n", (1, 36), "stub[0].servers[0]", "accepted"),
        (
            "forward: [{ domain: a.test, upstreams: [192.0.2.1] }]\nstub: [{ domain: a.test, servers: [192.0.2.1] }]\n",
            (2, 10),
            "stub[0]",
            "has an entry already, on line 1",
        ),
    ] {
        let errors = parse(text, Path::new("rhumb.yaml")).unwrap_err().0;
        let [error] = errors.as_slice() else { panic!("{text}: {errors:?}") };
        assert_eq!(((error.place.line, error.place.column), error.key.as_str()), (place, key), "{text}");
        assert!(error.message.contains(words), "{text}: {}", error.message);
    }
}

/// The built-in servers of the root stand for a file of hints no longer, whatever that holds once it is read.
#[test]
fn hints_of_a_file_take_the_place_of_the_built_in_ones() {
    for (text, count) in [
        ("recursion: {}\n", 13),
        ("recursion: { root-hints: built-in }\n", 13),
        ("recursion: { root-hints: root.hints }\n", 0),
    ] {
        let config = parse(text, Path::new("rhumb.yaml")).unwrap();
        assert_eq!(config.recursion.root_servers.len(), count, "{text}");
    }
}
