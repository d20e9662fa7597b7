//! The inputs: so many lines, or so many words, with something wrong in each.

use std::fmt::Write;

/// Makes the lines behind the head of a zone.
pub(crate) type Input = dyn Fn(usize) -> String + Sync;

/// An input with its name.
type Named = (&'static str, &'static Input);

/// Types whose RDATA is written wrongly.
pub(crate) const RDATA: &[&str] = &[
    "A",
    "NS",
    "SOA",
    "MINFO",
    "HINFO",
    "MX",
    "TXT",
    "AFSDB",
    "X25",
    "NSAP",
    "PX",
    "GPOS",
    "AAAA",
    "LOC",
    "SRV",
    "NAPTR",
    "CERT",
    "APL",
    "DS",
    "SSHFP",
    "IPSECKEY",
    "RRSIG",
    "NSEC",
    "DNSKEY",
    "DHCID",
    "NSEC3",
    "NSEC3PARAM",
    "TLSA",
    "HIP",
    "CSYNC",
    "ZONEMD",
    "SVCB",
    "NID",
    "L32",
    "L64",
    "EUI48",
    "URI",
    "CAA",
    "AMTRELAY",
    "TYPE65280",
];

/// What is wrong with single lines, or with the text.
pub(crate) const ERRORS: &[Named] = &[
    ("an unknown type", &|n| "a NOPE 192.0.2.1\n".repeat(n)),
    ("an unknown class", &|n| "a CH A 192.0.2.1\n".repeat(n)),
    ("a TTL that is none", &|n| "a 1x A 192.0.2.1\n".repeat(n)),
    ("a TTL beyond the greatest", &|n| "a 4294967296 A 192.0.2.1\n".repeat(n)),
    ("a word too many", &|n| "a A 192.0.2.1 x\n".repeat(n)),
    ("an owner outside of the zone", &|n| "a.other. A 192.0.2.1\n".repeat(n)),
    ("an owner that is too long", &|n| format!("{} A 192.0.2.1\n", "abcdefg.".repeat(40)).repeat(n)),
    ("an owner with an empty label", &|n| "a..b A 192.0.2.1\n".repeat(n)),
    ("a second SOA", &|n| numbered(n, |i| format!("@ SOA ns host {} 1h 15m 1w 5m", i + 2))),
    ("a SOA below the apex", &|n| "a SOA ns host 1 1h 15m 1w 5m\n".repeat(n)),
    ("a bad escape in an owner", &|n| "a\\300 A 192.0.2.1\n".repeat(n)),
    ("a bad escape in a text", &|n| "a TXT \\999\n".repeat(n)),
    ("a backslash at the end of a line", &|n| "a TXT x\\\n".repeat(n)),
    ("a quote that is never closed, in the first line", &|n| {
        format!("a TXT \"x\n{}", "a A 192.0.2.1\n".repeat(n))
    }),
    ("a quote that is never closed, in each line", &|n| "a TXT \"x\n".repeat(n | 1)),
    ("a quote that is never closed, escaped ones behind it", &|n| format!("a TXT \"{}", "\\\"\n".repeat(n))),
    ("quotes in comments", &|n| "a NOPE ; \"\n".repeat(n)),
    ("a parenthesis that is never closed", &|n| format!("a TXT (\n{}", "a A 192.0.2.1\n".repeat(n))),
    ("parentheses that are never closed", &|n| "a TXT ( x\n".repeat(n)),
    ("parentheses that were never opened", &|n| "a A 192.0.2.1 )\n".repeat(n)),
    ("parentheses that were never opened, in one line", &|n| format!("a A {}\n", ")".repeat(10 * n))),
    ("a control character in each line", &|n| "a A \u{1}\n".repeat(n)),
    ("control characters in one line", &|n| format!("a A {}\n", "\u{1}".repeat(10 * n))),
    ("zeros in quotes", &|n| "a TXT \"\0\n".repeat(n)),
    ("zeros in quotes, in one line", &|n| format!("a TXT {}\n", "\"\0".repeat(10 * n))),
    ("one long word", &|n| format!("a TXT {}\n", "x".repeat(400 * n))),
    ("one long quoted text", &|n| format!("a TXT \"{}\"\n", "x".repeat(400 * n))),
    ("one long text without a closing quote", &|n| format!("a TXT \"{}\n", "x".repeat(400 * n))),
    ("one long line of words", &|n| format!("a TXT {}\n", "x ".repeat(40 * n))),
    ("one long line of quoted words", &|n| format!("a TXT {}\n", "\"x\"".repeat(40 * n))),
    ("one long line of blanks", &|n| format!("a A {}\n", " ".repeat(400 * n))),
    ("one long comment", &|n| format!("a A ;{}\n", "x".repeat(400 * n))),
    ("one long owner", &|n| format!("{} A 192.0.2.1\n", "x".repeat(400 * n))),
    ("one long line of escapes", &|n| format!("a TXT {}\n", "\\1".repeat(100 * n))),
    ("many service parameters in one record", &|n| {
        format!("a SVCB 1 . {}\n", listed(n, |i| format!("key{}", i % 65_000)))
    }),
    ("many mandatory keys", &|n| {
        format!(
            "a SVCB 1 . mandatory={} {}\n",
            listed(n, |i| format!("key{i},")).replace(' ', ""),
            listed(n, |i| format!("key{i}"))
        )
    }),
    ("many types in one bitmap", &|n| {
        format!("a NSEC b {}\n", listed(n, |i| format!("TYPE{}", i % 65_000 + 1)))
    }),
    ("many prefixes", &|n| format!("a APL {}\n", "1:192.0.2.0/24 ".repeat(n))),
    ("an unknown directive", &|n| "$NOPE x\n".repeat(n)),
    ("an origin that is none", &|n| "$ORIGIN a..b\n".repeat(n)),
    ("a default TTL that is none", &|n| "$TTL x\n".repeat(n)),
    ("nothing to include", &|n| "$INCLUDE nowhere\n".repeat(n)),
    ("a range that is none", &|n| "$GENERATE 3-1 a$ A 192.0.2.1\n".repeat(n)),
    ("a generated record that is wrong", &|n| "$GENERATE 1-3 a$ A 192.0.2\n".repeat(n)),
    ("a generated record that is right", &|n| "$GENERATE 1-1 a$ A 192.0.2.$\n".repeat(n)),
    ("a generated record of many fields", &|n| format!("$GENERATE 1-2 a$ TXT {}\n", "$ ".repeat(n))),
    ("a generated record with a long form", &|n| {
        format!("$GENERATE 1-99 a${{{}1}} A 192.0.2.1\n", "0".repeat(100 * n))
    }),
];

/// What shows when all records are together.
pub(crate) const WHOLE: &[Named] = &[
    ("nothing wrong", &|n| numbered(n, |i| format!("h{i} A 192.0.2.1"))),
    ("a CNAME beside others", &|n| numbered(n, |i| format!("h{i} CNAME x\nh{i} A 192.0.2.1"))),
    ("a CNAME beside many records", &|n| format!("c CNAME x\n{}", numbered(n, |i| format!("c TXT t{i}")))),
    ("many CNAMEs at one name", &|n| numbered(n, |i| format!("c CNAME x{i}"))),
    ("many DNAMEs at one name", &|n| numbered(n, |i| format!("c DNAME x{i}"))),
    ("the same record many times", &|n| "a A 192.0.2.1\n".repeat(n)),
    ("many records of one set", &|n| {
        numbered(n, |i| format!("a A 10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255))
    }),
    ("many TTLs in one set", &|n| numbered(n, |i| format!("a {i} TXT t{i}"))),
    ("records below a cut", &|n| format!("s NS ns.other.\n{}", numbered(n, |i| format!("h{i}.s TXT t")))),
    ("records below cuts below cuts", &|n| {
        numbered(n, |i| format!("h{i}{} NS ns.other.", ".s".repeat(i * 100 / n)))
    }),
    ("delegations without glue", &|n| numbered(n, |i| format!("s{i} NS ns.s{i}"))),
    ("targets without an address", &|n| numbered(n, |i| format!("m{i} MX 1 none{i}"))),
    ("targets that are aliases", &|n| {
        format!("c CNAME ns.other.\n{}", numbered(n, |i| format!("m{i} MX 1 c")))
    }),
    ("targets that have many types", &|n| {
        let types = numbered(n.min(60_000), |i| format!("t.s TYPE{} \\# 0", 1000 + i));
        format!("s NS ns.other.\n{types}{}", numbered(n, |i| format!("m{i} MX 1 t.s")))
    }),
    ("one name in turns with another", &|n| numbered(n, |i| format!("a TXT t{i}\nb TXT t{i}"))),
    ("names that begin alike", &|n| numbered(n, |i| format!("{}{i} TXT t", "a".repeat(50)))),
    ("aliases in a chain", &|n| numbered(n, |i| format!("c{i} CNAME c{}", i + 1))),
    ("aliases that lead to nothing", &|n| numbered(n, |i| format!("c{i} CNAME none"))),
    ("aliases in a ring", &|n| numbered(n, |i| format!("c{i} CNAME c{}", (i + 1) % n))),
    ("aliases of a name that has many types", &|n| {
        let types = numbered(n.min(60_000), |i| format!("t TYPE{} \\# 0", 1000 + i));
        format!("{types}{}", numbered(n, |i| format!("c{i} CNAME t")))
    }),
    ("DS without NS", &|n| numbered(n, |i| format!("d{i} DS 1 8 1 {:040}", 0))),
    ("names without NSEC", &|n| {
        format!("@ NSEC a NS SOA NSEC\n{}", numbered(n, |i| format!("h{i} A 192.0.2.1")))
    }),
    ("NSEC that leads astray", &|n| numbered(n, |i| format!("h{i} NSEC x{i} NSEC"))),
    ("signatures of nothing", &|n| numbered(n, |i| format!("h{i} {}", signature("A", i)))),
    ("many keys and many signatures", &|n| {
        let keys = numbered(n, |i| format!("@ DNSKEY 256 3 8 AAAA{:04}", i % 10_000));
        format!("{keys}{}", numbered(n, |i| format!("h{i} A 192.0.2.1\nh{i} {}", signature("A", i))))
    }),
    ("many signatures of one set", &|n| numbered(n, |i| format!("@ {}", signature("SOA", i)))),
    ("many algorithms", &|n| {
        let keys = numbered(250, |i| format!("@ DNSKEY 256 3 {} AAAA", i + 1));
        format!("{keys}{}", numbered(n, |i| format!("@ {}", signature("SOA", i))))
    }),
    ("many digests of the zone", &|n| numbered(n, |i| format!("@ ZONEMD 1 1 1 {i:096}"))),
    ("many digests of unknown schemes", &|n| numbered(n, |i| format!("@ ZONEMD 1 2 3 {i:096}"))),
    ("many NSEC3 parameters, and as many NSEC3", &|n| {
        let parameters = numbered(n, |i| format!("@ NSEC3PARAM 1 0 0 {i:08x}"));
        let label = |i: usize| format!("{i:032}");
        let records = numbered(n, |i| format!("{} NSEC3 1 0 0 {:08x} {} A", label(i), i + n, label(i + 1)));
        format!("{parameters}{records}")
    }),
    ("NSEC3 of no name", &|n| {
        let label = |i: usize| format!("{i:032}");
        let records = numbered(n, |i| format!("{} NSEC3 1 0 0 - {} A", label(i), label(i + 1)));
        format!("@ NSEC3PARAM 1 0 0 -\n{records}")
    }),
    ("names without NSEC3", &|n| {
        let records = numbered(n, |i| format!("h{i} A 192.0.2.1"));
        format!("@ NSEC3PARAM 1 0 0 -\n{} NSEC3 1 0 0 - {} A\n{records}", "0".repeat(32), "1".repeat(32))
    }),
];

fn signature(covered: &str, number: usize) -> String {
    format!(
        "RRSIG {covered} 8 1 3600 20300101000000 20200101000000 {} example. AAAA{:04}",
        number % 65_536,
        number % 10_000
    )
}

/// A line for each number below `count`.
fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        writeln!(text, "{}", line(number)).unwrap();
        text
    })
}

/// A word for each number below `count`, blanks between.
fn listed(count: usize, word: impl Fn(usize) -> String) -> String {
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}
