//! Each mistake a configuration can have: where it is told, and in which words.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what panics in a test fails it"
)]

mod expect;

use std::path::Path;

use expect::{errors, one};
use rhumb_config::{WorkerThreads, parse};

const TEN: &str = r#"listen:
  - adress: "::"
  - address: 192.0.2.300
    port: 70000
    transports: [udp, dtls]
workers: many
zones:
  - name: example..com
    file: example.com.zone
forward:
  - domain: .
    upstreams: [192.0.2.53, "fe80::1"]
    policy: fastes
cache:
  size: 256MB
  serve-stale: 1 day
recursion:
  dnssec: yes please
colour: blue
cache: {}
"#;

#[test]
fn ten_mistakes_and_more_are_all_told_in_order() {
    let told: Vec<_> = errors(TEN).iter().map(|e| (e.place.line, e.key.clone())).collect();
    let expected = [
        (2, "listen[0]"),
        (2, "listen[0].adress"),
        (3, "listen[1].address"),
        (4, "listen[1].port"),
        (5, "listen[1].transports[1]"),
        (6, "workers"),
        (8, "zones[0].name"),
        (12, "forward[0].upstreams[1]"),
        (13, "forward[0].policy"),
        (15, "cache.size"),
        (16, "cache.serve-stale"),
        (18, "recursion.dnssec"),
        (19, "colour"),
        (20, "cache"),
    ];
    let expected: Vec<_> = expected.map(|(line, key)| (line, key.to_owned())).to_vec();
    let mut sorted = told.clone();
    sorted.sort();
    let mut wanted = expected;
    wanted.sort();
    assert_eq!(sorted, wanted);
    assert!(told.iter().map(|(line, _)| line).is_sorted());
}

#[test]
fn an_error_is_shown_with_file_line_column_and_key() {
    let errors =
        parse("listen:\n  - address: \"::\"\n    port: 0\n", Path::new("/etc/rhumb.yaml")).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "/etc/rhumb.yaml:3:11: listen[0].port: `0` is not accepted here; accepted: a whole number from 1 to 65535"
    );
    let errors = parse("", Path::new("x.yaml")).unwrap_err();
    assert!(errors.to_string().starts_with("x.yaml:1:1: the file is empty"), "{errors}");
}

#[test]
fn unknown_keys_name_the_nearest_one() {
    one(
        "lisen: []\n",
        (1, 1),
        "lisen",
        &["unknown key `lisen`", "did you mean `listen`?", "accepted: listen, workers"],
    );
    one("cache: { max_ttl: 1d }\n", (1, 10), "cache.max_ttl", &["did you mean `max-ttl`?"]);
    one(
        "zones:\n  - dir: zones\n    directory: zones\n",
        (2, 5),
        "zones[0].dir",
        &["accepted: name, file, directory"],
    );
    one("server: { quux: 1 }\n", (1, 11), "server.quux", &["unknown key `quux`; accepted: nsid"]);
    let told = errors("listen:\n  - address: \"::\"\n    prot: 53\n");
    assert!(
        told[0].message.ends_with(
            "accepted: address, interface, port, ports, v6only, transports, certificate, key, certificates, client-ca, paths, tls, proxies, proxy-protocol"
        ),
        "{}",
        told[0]
    );
    one("1: 2\n", (1, 1), "1", &["unknown key `1`"]);
    one("<<: {}\n", (1, 1), "<<", &["unknown key"]);
}

#[test]
fn keys_are_given_once() {
    one("user: a\nuser: b\n", (2, 1), "user", &["given twice", "line 1"]);
    one("log: { level: info,\n  level: warn }\n", (2, 3), "log.level", &["given twice", "line 1"]);
}

#[test]
fn required_keys_are_missed() {
    one("listen: [{ port: 53 }]\n", (1, 12), "listen[0]", &["`address`, or `interface` is missing"]);
    one("listen: [{}]\n", (1, 1), "listen[0]", &["`address`, or `interface` is missing"]);
    one("zones: [{ name: example.com }]\n", (1, 11), "zones[0]", &["`file`, or `primaries` is missing"]);
    one(
        "zones:\n  - {}\n",
        (1, 1),
        "zones[0]",
        &["`name` with `file`, or `name` with `primaries`, or `directory` is missing"],
    );
    one(
        "zones: [{ name: a, file: b, directory: c }]\n",
        (1, 11),
        "zones[0]",
        &["`name` with `file` and `directory` exclude each other"],
    );
    one("forward: [{ domain: . }]\n", (1, 13), "forward[0]", &["`upstreams` is missing"]);
    one(
        "forward:\n  - domain: .\n    upstreams: [{}]\n",
        (3, 5),
        "forward[0].upstreams[0]",
        &["`list`, or `resolv-conf`"],
    );
    one("metrics: {}\n", (1, 1), "metrics", &["`listen` is missing"]);
}

#[test]
fn values_have_their_kind() {
    for (text, place, key, words) in [
        ("listen: true\n", (1, 9), "listen", "accepted: a section of keys"),
        ("listen: []\n", (1, 1), "listen", "empty"),
        ("listen:\n", (1, 8), "listen", "no value"),
        ("listen: [1]\n", (1, 10), "listen[0]", "a section of keys"),
        ("listen: 127.0.0.1\n", (1, 9), "listen", "as in { address: 192.0.2.1 }"),
        ("log: info\n", (1, 6), "log", "a section of keys, as in { level: debug }"),
        ("cache: 256MiB\n", (1, 8), "cache", "as in { size: 256MiB }"),
        ("control: /run/x.sock\n", (1, 10), "control", "as in { socket: /run/rhumb/control.sock }"),
        ("metrics: 127.0.0.1:9153\n", (1, 10), "metrics", "as in { listen: \"127.0.0.1:9153\" }"),
        ("forward: [1.1.1.1]\n", (1, 11), "forward[0]", "as in { domain: ., upstreams: [192.0.2.1] }"),
        ("zones: [example.com]\n", (1, 9), "zones[0]", "as in { name: example.com, file: example.com.zone }"),
        ("workers: 0\n", (1, 10), "workers", "1 to 1024"),
        ("workers: 2000\n", (1, 10), "workers", "1 to 1024"),
        ("workers: 1.5\n", (1, 10), "workers", "`1.5`"),
        ("user: \"\"\n", (1, 7), "user", "UID:GID"),
        ("user: a b\n", (1, 7), "user", "UID:GID"),
        ("user: 1:2:3\n", (1, 7), "user", "UID:GID"),
        ("user: 4294967295\n", (1, 7), "user", "UID:GID"),
        ("user: -1\n", (1, 7), "user", "UID:GID"),
        ("metrics: { listen: 9153 }\n", (1, 20), "metrics.listen", "127.0.0.1:9153"),
        ("metrics: { listen: localhost:9153 }\n", (1, 20), "metrics.listen", "127.0.0.1:9153"),
        ("metrics: { listen: \"[::]:0\" }\n", (1, 20), "metrics.listen", "port 0"),
        ("log: { queries: yes }\n", (1, 17), "log.queries", "true or false"),
        ("log: { level: loud }\n", (1, 15), "log.level", "error, warn, info, debug, trace"),
        ("log: { format: xml }\n", (1, 16), "log.format", "auto, text, json"),
        ("control: { mode: 600 }\n", (1, 18), "control.mode", "\"0600\""),
        ("control: { mode: \"0800\" }\n", (1, 18), "control.mode", "octal"),
        ("control: { mode: \"1777\" }\n", (1, 18), "control.mode", "0777"),
        ("control: { mode: \"+777\" }\n", (1, 18), "control.mode", "octal"),
        ("control: { socket: \"\" }\n", (1, 20), "control.socket", "a path"),
        ("recursion: { allow: [10.1.2.3/8] }\n", (1, 22), "recursion.allow[0]", "10.0.0.0/8"),
        ("recursion: { allow: [any] }\n", (1, 22), "recursion.allow[0]", "not a network"),
        ("recursion: { allow: [10.0.0.0/40] }\n", (1, 22), "recursion.allow[0]", "0 to 32"),
        ("recursion: { allow: [\"::1\", \"::1/128\"] }\n", (1, 22), "recursion.allow", "twice"),
        ("server: { nsid: 0x6e73 }\n", (1, 17), "server.nsid", "in quotes"),
        ("server: { nsid: \"0x6e7\" }\n", (1, 17), "server.nsid", "even number"),
        ("server: { nsid: \"\" }\n", (1, 17), "server.nsid", "1 to 128"),
        ("server: { edns-size: 100 }\n", (1, 22), "server.edns-size", "512 to 4096"),
        ("server: { tcp-clients: \"10\" }\n", (1, 24), "server.tcp-clients", "without quotes"),
        ("server: { tcp-idle: 10 }\n", (1, 21), "server.tcp-idle", "ms, s, m, h or d"),
        ("server: { tcp-idle: 1ms }\n", (1, 21), "server.tcp-idle", "from 100ms to 1h"),
        ("server: { receive-buffer: 1KiB }\n", (1, 27), "server.receive-buffer", "from 4KiB to 1GiB"),
    ] {
        one(text, place, key, &[words]);
    }
}

#[test]
fn sizes_and_times_have_their_units() {
    for size in ["256MB", "256 MiB", "-1", "1.5GiB", "MiB", "99999999999GiB", "0x", "1TiB"] {
        one(&format!("cache: {{ size: {size} }}\n"), (1, 16), "cache.size", &["KiB, MiB or GiB"]);
    }
    one("cache: { size: 1KiB }\n", (1, 16), "cache.size", &["from 64KiB to 1024GiB"]);
    for time in
        ["1", "1w", "1.5h", "-1s", "s", "1 s", "500ms", "99999999999999999999d", "18446744073709551615d"]
    {
        one(&format!("cache: {{ serve-stale: {time} }}\n"), (1, 23), "cache.serve-stale", &["s, m, h or d"]);
    }
    one("cache: { max-ttl: 0s }\n", (1, 19), "cache.max-ttl", &["from 1s to 30d"]);
    one("cache: { min-ttl: 2h, max-ttl: 1h }\n", (1, 19), "cache.min-ttl", &["7200s", "3600s"]);
    one("cache: { min-ttl: 1d,\n  max-ttl: 1h }\n", (1, 19), "cache.min-ttl", &["above max-ttl"]);
}

#[test]
fn zones_and_domains_are_named_once() {
    let zones = "zones:\n  - { name: example.com, file: a }\n  - { name: Example.COM., file: b }\n";
    one(zones, (3, 7), "zones[1]", &["the zone `example.com` is given already, on line 2"]);
    let folders = "zones:\n  - directory: zones\n  - directory: zones\n";
    one(folders, (3, 5), "zones[1]", &["the directory", "on line 2"]);
    let forward = "forward:\n  - { domain: corp.example, upstreams: [192.0.2.1] }\n  - { domain: CORP.example., upstreams: [192.0.2.1] }\n";
    one(forward, (3, 7), "forward[1]", &["the domain `corp.example` has an entry already, on line 2"]);
    let upstreams = "forward:\n  - domain: .\n    upstreams:\n      - 192.0.2.1\n      - 192.0.2.1:53\n";
    one(upstreams, (5, 9), "forward[0].upstreams", &["`192.0.2.1` is given twice", "line 4"]);
    let unlike = "zones:\n  - { name: example.com, file: a }\n  - directory: zones\n  - { name: example.org, file: b }\n";
    assert_eq!(errors(unlike), []);
}

#[test]
fn names_are_checked() {
    for (name, words) in [
        ("a..b", "a label is empty"),
        (
            "\"*.corp.example\"",
            "is a wildcard; write the name behind the `*.`, which covers everything below it",
        ),
        ("\"@\"", "which only zone files know"),
        ("\"\"", "is empty"),
        ("a b", "blank"),
        ("b\u{fc}cher.example", "xn--"),
        ("\"10\"", ""),
    ] {
        let text = format!("forward:\n  - domain: {name}\n    upstreams: [192.0.2.1]\n");
        if words.is_empty() {
            assert_eq!(errors(&text), []);
        } else {
            one(&text, (2, 13), "forward[0].domain", &[words]);
        }
    }
    one(
        "forward: [{ domain: 10, upstreams: [192.0.2.1] }]\n",
        (1, 21),
        "forward[0].domain",
        &["needs quotes"],
    );
}

#[test]
fn what_is_not_one_yaml_document_is_told_with_its_place() {
    one("listen: [\n  - a: b\n", (2, 3), "", &["not valid YAML"]);
    one("a: b: c\n", (1, 5), "", &["not valid YAML"]);
    one("log:\n\tlevel: info\n", (2, 1), "", &["not valid YAML"]);
    one("user: \"open\n", (2, 1), "", &["not valid YAML"]);
    one("log: {\n  level: \u{1} }\n", (2, 10), "", &["control character U+0001"]);
    one("user: *nobody\n", (1, 7), "", &["unknown anchor"]);
    one("user: a\n---\nuser: b\n", (3, 1), "", &["second YAML document"]);
    one("user: !!str a\n---\n", (3, 1), "", &["second YAML document"]);
    one("user: !secret a\n", (1, 7), "", &["tags are not accepted"]);
    one("listen: !set [a]\n", (1, 9), "", &["tags are not accepted"]);
    one("? [a]\n: b\n", (1, 4), "", &["cannot be a key"]);
    for empty in ["", "\n\n", "# nothing\n", "---\n", "null\n", "~\n", "\u{feff}"] {
        one(empty, (1, 1), "", &["the file is empty"]);
    }
    one("just text\n", (1, 1), "", &["a section of keys"]);
    one("- a\n", (1, 3), "", &["a list is not accepted"]);
    assert_eq!(errors("{}\n"), []);
    assert_eq!(errors("---\nuser: a\n...\n"), []);
    assert_eq!(errors("\u{feff}user: a\r\nworkers: 2\r\n"), []);
}

#[test]
fn places_hold_in_every_style_of_scalar() {
    let text = "user: >-\n  two\n  lines\nlog:\n  \"level\": 'lou\\d'\n  ? format\n  : \"x\\u0079z\"\n# \u{fc}\u{fc}\ncache: { \"size\": \"\u{fc}\", prefetch: 1 }\n";
    let told: Vec<_> = errors(text).iter().map(|e| (e.place.line, e.place.column, e.key.clone())).collect();
    let expected = [
        (1, 7, "user"),
        (5, 12, "log.level"),
        (7, 5, "log.format"),
        (9, 18, "cache.size"),
        (9, 33, "cache.prefetch"),
    ];
    assert_eq!(told, expected.map(|(line, column, key)| (line, column, key.to_owned())));
}

#[test]
fn an_alias_is_placed_at_its_anchor() {
    one("user: &who \"a b\"\nlog: { level: info }\n", (1, 7), "user", &["`a b`"]);
    let text = "log: { level: &x loud, format: *x }\n";
    let told: Vec<_> = errors(text).iter().map(|e| (e.place.line, e.place.column, e.key.clone())).collect();
    assert_eq!(told, [(1, 15, "log.level".to_owned()), (1, 15, "log.format".to_owned())]);
    let shared = "forward:\n  - { domain: a, upstreams: &both [192.0.2.1, 192.0.2.2] }\n  - { domain: b, upstreams: *both }\n";
    let config = parse(shared, Path::new("x")).unwrap();
    assert_eq!(config.forward[0].upstreams, config.forward[1].upstreams);
}

#[test]
fn values_from_the_file_cannot_forge_lines() {
    let told = errors("user: \"a\\nforged:1:1: all is well\"\n\"x\\ny\": 1\n");
    assert_eq!(told.len(), 2);
    for error in told {
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}

#[test]
fn secrets_are_checked_and_never_shown() {
    let accepted = ["32 hexadecimal digits"];
    for wrong in ["0123", "5ec4e75ec4e75ec4e75ec4e75ec4e75x", "5ec4e75ec4e75ec4e75ec4e75ec4e75e4"] {
        let text = format!("server:\n  cookie-secrets: [\"{wrong}\"]");
        one(&text, (2, 20), "server.cookie-secrets[0]", &accepted);
        assert!(!errors(&text).iter().any(|error| error.to_string().contains(wrong)), "{wrong} is shown");
    }
    let again = "\"5ec4e75ec4e75ec4e75ec4e75ec4e75e\"";
    let text = format!("server:\n  cookie-secrets: [{again}, {again}]");
    one(&text, (2, 20), "server.cookie-secrets", &["twice"]);
    one("server:\n  cookie-secrets: [12]", (2, 20), "server.cookie-secrets[0]", &accepted);
    let text = format!("server:\n  ticket-secrets: [{again}]");
    one(&text, (2, 20), "server.ticket-secrets[0]", &["64 hexadecimal digits"]);
    let long = format!("\"{}\"", "5ec4e75e".repeat(8));
    let text = format!("server:\n  ticket-secrets: [{long}, {long}]");
    one(&text, (2, 20), "server.ticket-secrets", &["twice"]);
    assert!(!errors(&text).iter().any(|error| error.to_string().contains("5ec4e75e")));
    one("server:\n  cookie-secrets: []", (2, 3), "server.cookie-secrets", &["empty"]);
    let many = |count| {
        let secrets: Vec<String> = (0..count).map(|number| format!("\"{number:032x}\"")).collect();
        format!("server:\n  cookie-secrets: [{}]", secrets.join(", "))
    };
    assert_eq!(errors(&many(16)), []);
    one(&many(17), (2, 20), "server.cookie-secrets", &["more than 16 secrets"]);
}

#[test]
fn variables_of_the_environment_are_filled_in() {
    // Cargo sets both for its tests.
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION_MAJOR"));
    let config = parse(
        "user: ${CARGO_PKG_NAME}\nworkers: ${NO_SUCH_VARIABLE:-3}\nlog:\n  queries: ${NO_SUCH:-true}\n\
         cache: { size: \"${CARGO_PKG_VERSION_MAJOR}9MiB\", serve-stale: \"${NO_SUCH:-0}\" }\nserver:\n  version: $${X}\n  tcp-clients: ${NO_SUCH:-7}\n",
        Path::new("rhumb.yaml"),
    )
    .unwrap();
    assert_eq!(config.user.as_deref(), Some(name));
    assert!(matches!(config.workers, WorkerThreads::Count(count) if count.get() == 3));
    assert_eq!(config.cache.size, format!("{version}9").parse::<u64>().unwrap() << 20);
    assert!(config.log.queries && config.cache.serve_stale.is_zero());
    assert_eq!((config.server.version.as_deref(), config.server.tcp_clients), (Some("${X}"), 7));
    one(
        "user: ${NO_SUCH_VARIABLE}\n",
        (1, 7),
        "user",
        &["the environment has no NO_SUCH_VARIABLE", "${NO_SUCH_VARIABLE:-VALUE}"],
    );
    one(
        "listen: [{ address: 192.0.2.1, port: \"${\" }]\n",
        (1, 38),
        "listen[0].port",
        &["accepted: ${NAME}"],
    );
    one("workers: ${NO_SUCH:-many}\n", (1, 10), "workers", &["`many`"]);
}
