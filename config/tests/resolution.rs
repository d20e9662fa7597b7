//! Mistakes in what the configuration says of resolution.

use std::path::Path;

use rhumb_config::{TrustAnchors, changes, load, parse};

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
        (
            "recursion: { trust-anchors: { file: a, path: b } }\n",
            (1, 40),
            "recursion.trust-anchors.path",
            "unknown key",
        ),
        (
            "recursion: { local-root: {} }\n",
            (1, 14),
            "recursion.local-root",
            "`file` or `primaries` is missing",
        ),
        ("recursion: { local-root: root.zone }\n", (1, 26), "recursion.local-root", "accepted"),
        ("recursion: { trust-anchors: builtin }\n", (1, 29), "recursion.trust-anchors", "{file: PATH}"),
        ("recursion: { trust-anchors: {} }\n", (1, 14), "recursion.trust-anchors", "file"),
        ("recursion: { trust-anchors: { file: 1 } }\n", (1, 37), "recursion.trust-anchors.file", "a path"),
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
        let errors = parse(text, Path::new("rhumb.yaml")).unwrap_err().errors;
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

/// Keys of a file are read with it; without the file there are none, and it says so.
#[test]
fn trusted_keys_of_a_file() {
    let folder = std::env::temp_dir().join(format!("rhumb-anchors-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (config, keys) = (folder.join("rhumb.yaml"), folder.join("root.key"));
    std::fs::write(&config, "state: state\nrecursion: { trust-anchors: { file: root.key } }\n").unwrap();
    std::fs::write(&keys, "; ours\n. DS 1 8 2 00\nexample. DS 2 8 2 01\n").unwrap();
    let loaded = load(&config).unwrap();
    assert_eq!(loaded.recursion.trust_anchors, TrustAnchors::File(keys.clone()));
    assert_eq!(loaded.recursion.trusted_keys.len(), 2);
    let built_in = parse("state: state\nrecursion: {}\n", &config).unwrap();
    assert_eq!(built_in.recursion.trusted_keys.len(), 2);
    let told: Vec<_> = changes(&built_in, &loaded).iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].starts_with("recursion.trust-anchors: built-in -> "), "{told:?}");
    std::fs::write(&keys, ". DS 1 8 2 00\nnothing\n").unwrap();
    let error = load(&config).unwrap_err().to_string();
    assert!(
        error.contains("recursion.trust-anchors.file: ") && error.contains("root.key` line 2: "),
        "{error}"
    );
    std::fs::remove_file(&keys).unwrap();
    let error = load(&config).unwrap_err().to_string();
    assert!(error.contains("recursion.trust-anchors.file: "), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}
