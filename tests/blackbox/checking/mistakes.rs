//! Typical mistakes in configurations and zone files, and what `check` says to type.

use rhumb_tests::rig::Folder;
use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::{Outcome, Verdict, ensure, ensure_eq};

use super::rhumb;

/// A mistake of a configuration, its line, and words of the message, which name what is accepted.
const REFUSED: &[(&str, u32, &str)] = &[
    ("include: [*.yaml]", 1, "write \"*.yaml\" in quotes"),
    ("include: none.yaml", 1, "none.yaml` cannot be read"),
    ("include: [\"*/a.yaml\"]", 1, "they may stand in the name of the file alone"),
    ("zones: [{ directory: ., pattern: \"*.zone\" }]", 1, "accepted: a file name with NAME in it"),
    ("zones: [{ name: a.test, file: z, pattern: db.NAME }]", 1, "a pattern is for a `directory`"),
    ("lisen: []", 1, "did you mean `listen`?"),
    ("listen: [{ adress: 192.0.2.1 }]", 1, "did you mean `address`?"),
    ("listen: [{ address: 192.0.2.300 }]", 1, "not an IP address"),
    ("listen:\n  - address: ::", 2, "write \"::\" in quotes"),
    ("listen: [{ address: ::1, port: 53 }]", 1, "write \"::1\" in quotes"),
    ("listen: [{ address: 192.0.2.1:53 }]", 1, "accepted: all, or an IPv4 or IPv6 address"),
    ("listen: [{ address: eth0 }]", 1, "accepted: all, or an IPv4 or IPv6 address"),
    ("listen: [{ address: fe80::1 }]", 1, "needs its interface, as in fe80::53%eth0"),
    ("listen: [{ port: 53 }]", 1, "`address`, or `interface` is missing"),
    ("listen: [{ address: 192.0.2.1, port: \"53\" }]", 1, "without quotes"),
    ("listen: [{ address: 192.0.2.1, port: 70000 }]", 1, "from 1 to 65535"),
    ("listen: [{ address: 192.0.2.1, transports: [dot] }]", 1, "accepted: udp, tcp"),
    ("listen: [{ address: 192.0.2.1, transports: [quic] }]", 1, "quic needs `certificate`"),
    ("listen:\n  - { address: \"::\" }\n  - { address: 0.0.0.0 }", 2, "set v6only: true"),
    ("listen:\n  - { address: 192.0.2.1 }\n  - { address: 192.0.2.1 }", 3, "give it another address or port"),
    ("log:\n\tlevel: info", 2, "indent with blanks alone"),
    ("log: { level: loud }", 1, "accepted: error, warn, info, debug, trace"),
    ("log: { queries: yes }", 1, "accepted: true or false"),
    ("workers: many", 1, "accepted: auto, or a whole number"),
    ("user: \"a b\"", 1, "the name of a user"),
    ("cache: { size: 256MB }", 1, "KiB, MiB or GiB, such as 256MiB"),
    ("cache: { size: 0 }", 1, "a size from 64KiB"),
    ("cache: { serve-stale: 1 day }", 1, "s, m, h or d, such as 30s"),
    ("cache: { max-ttl: 3600 }", 1, "s, m, h or d, such as 30s"),
    ("cache: { max_ttl: 1h }", 1, "did you mean `max-ttl`?"),
    ("cache: { min-ttl: 2h, max-ttl: 1h }", 1, "at most max-ttl"),
    ("cache: { size: 1MiB }\ncache: { max-ttl: 1h }", 2, "given twice; the first is on line 1"),
    ("control: { mode: 600 }", 1, "such as \"0600\""),
    ("metrics: { listen: 9153 }", 1, "such as \"127.0.0.1:9153\""),
    ("metrics: { listen: [::1]:9153 }", 1, "write \"[::1]:9153\" in quotes"),
    (
        "forward: [{ domain: \"*.corp.example\", upstreams: [192.0.2.1] }]",
        1,
        "write the name behind the `*.`",
    ),
    ("forward:\n  - domain: *.corp.example", 2, "write corp.example, which covers everything below it"),
    ("forward: [{ domain: b\u{fc}cher.example, upstreams: [192.0.2.1] }]", 1, "in its `xn--` form"),
    ("forward: [{ domain: corp.example }]", 1, "`upstreams` is missing"),
    ("forward: [{ domain: ., upstreams: [dns.example] }]", 1, "accepted: an address such as 192.0.2.53"),
    ("forward:\n  - domain: .\n    upstreams: [[2001:db8::1]:53]", 3, "write \"[2001:db8::1]:53\" in quotes"),
    (
        "forward: [{ domain: ., upstreams: [\"tls://dns.example\"] }]",
        1,
        "write it behind @, as in tls://dns.example@192.0.2.53",
    ),
    ("forward: [{ domain: ., upstreams: [53] }]", 1, "`resolv-conf: FILE`"),
    ("forward: [{ domain: ., upstreams: [192.0.2.1, 192.0.2.1] }]", 1, "given twice"),
    ("forward: [{ domain: ., upstreams: [192.0.2.1], policy: first }]", 1, "accepted: fastest, in-order"),
    ("recursion: { allow: [10.1.2.3/8] }", 1, "the network is 10.0.0.0/8"),
    ("recursion: { allow: [any] }", 1, "accepted: a network such as 192.0.2.0/24"),
    ("recursion: { dnssec: on }", 1, "accepted: validate, off"),
    ("recursion: { trust-anchors: [\". DS 1 8\"] }", 1, "is no DS or DNSKEY record"),
    ("recursion: { root-hints: missing.root }", 1, "missing.root` cannot be read"),
    ("zones: [{ name: example.com }]", 1, "`file`, or `primaries` is missing"),
    ("zones: [{ name: example.com, file: z, directory: . }]", 1, "exclude each other"),
    ("zones: [{ name: example..com, file: z }]", 1, "a label is empty"),
    ("zones: [{ name: example.com, file: missing.zone }]", 1, "accepted: a zone file"),
    ("zones: [{ name: a.test, file: z }, { name: A.test., file: z }]", 1, "given already"),
    ("zones: [{ name: a.test, primaries: [192.0.2.1] }]", 1, "no server in `remotes` is called `192.0.2.1`"),
    ("tsig: {}", 1, "not offered by this version"),
    ("views: []", 1, "not offered by this version"),
    ("server: { nsid: 0x6e73 }", 1, "in quotes"),
    ("server: { edns-size: 100 }", 1, "from 512 to 4096"),
    ("server: { cookie-secrets: [secret] }", 1, "32 hexadecimal digits"),
    ("user: ${NO_SUCH_VARIABLE}", 1, "the environment has no NO_SUCH_VARIABLE"),
    ("server: { version: ${USER} }", 1, "write \"${USER}\" in quotes"),
    ("- listen", 1, "accepted: a section of keys"),
    ("", 1, "write `{}`"),
];

/// A mistake of a zone file behind a good beginning, and words of the message.
const ZONES: &[(&str, &str)] = &[
    ("www A 192.0.2.300\n", "192.0.2.300"),
    ("www AAAA 192.0.2.1\n", "192.0.2.1"),
    ("mail MX mail\n", "mail"),
    ("www A\n", "A"),
    ("www IN B 192.0.2.1\n", "B"),
    ("a..b A 192.0.2.1\n", "label"),
    ("www CNAME ns\nwww A 192.0.2.1\n", "CNAME"),
    ("www TXT \"open\n", "quote"),
    ("www ( A 192.0.2.1\n", "parenthes"),
    ("$INCLUDE missing.inc\n", "missing.inc"),
];

pub(super) fn refused() -> Verdict {
    let folder = Folder::new()?;
    folder.write("z", SMALL_ZONE)?;
    for (text, line, words) in REFUSED {
        folder.write("rhumb.yaml", format!("{text}\n"))?;
        let output = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
        ensure_eq!(output.code, Some(2), "check of {text}: {}{}", output.out, output.err);
        let place = format!("rhumb.yaml:{line}:");
        let found = output.err.lines().any(|error| error.contains(&place) && error.contains(words));
        ensure!(found, "check of\n{text}\ndoes not say {words:?} in line {line}: {}", output.err);
    }
    Ok(Outcome::Passed)
}

pub(super) fn zones() -> Verdict {
    let folder = Folder::new()?;
    for (text, words) in ZONES {
        folder.write("z", format!("{SMALL_ZONE}{text}"))?;
        let output = rhumb(folder.path(), &["check-zone", "zone.test", "z"])?;
        ensure_eq!(output.code, Some(2), "check-zone of {text}: {}{}", output.out, output.err);
        let place = |line: &str| line.contains("z:") && line.contains(words);
        ensure!(output.err.lines().any(place), "check-zone of {text} does not say {words:?}: {}", output.err);
    }
    Ok(Outcome::Passed)
}
