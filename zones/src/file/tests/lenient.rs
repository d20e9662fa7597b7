//! What other servers read, and what is left out with a warning.

use super::*;

/// The warnings that begin with a place, without those of the zone as a whole.
fn warnings(loaded: &ParsedZone) -> Vec<String> {
    loaded.warnings.iter().filter(|warning| warning.column > 0).map(ToString::to_string).collect()
}

/// The zone with these lines is served, with one warning that begins so, and so many records left out.
fn warned(tail: &str, start: &str, left_out: u64) -> ParsedZone {
    let loaded = with(tail).unwrap_or_else(|problems| panic!("{tail}: {problems:?}"));
    let found = warnings(&loaded);
    assert!(found.len() == 1 && found[0].starts_with(start), "{tail}: {found:#?}");
    assert_eq!(loaded.left_out, left_out, "{tail}");
    loaded
}

#[test]
fn records_that_belong_elsewhere_are_left_out() {
    for (tail, start, left_out) in [
        (
            "other. A 192.0.2.1\n",
            "zone:6:1: warning: the owner lies outside the zone; the record is left out",
            1,
        ),
        ("a.notexample. A 192.0.2.1\n", "zone:6:1: warning: the owner lies outside", 1),
        ("com. NS ns\n", "zone:6:1: warning: the owner lies outside", 1),
        ("other. SOA ns host 1 2 3 4 5\n", "zone:6:1: warning: the owner lies outside", 1),
        ("other. TYPE65280 \\# 0\n", "zone:6:1: warning: the owner lies", 1),
        (
            "@ SOA ns host 2 3600 900 604800 300\n",
            "zone:6:1: warning: a second SOA; the record is left out",
            1,
        ),
        ("$GENERATE 1-1 h$.other. A 192.0.2.1\n", "zone:6:11: warning: for 1: the owner lies outside", 1),
    ] {
        let loaded = warned(&format!("{tail}last A 192.0.2.9\n"), start, left_out);
        assert_eq!(has(&loaded, "last.example", Type::A).unwrap().1, ["192.0.2.9"], "{tail}");
        assert_eq!(loaded.contents.serial(), 1, "{tail}");
    }
    // The records of such an owner that follow are left out with it, and all are counted.
    let loaded = with("other. A 192.0.2.1\n  TXT x\n  TXT y\nlast A 192.0.2.9\n").unwrap();
    assert_eq!((loaded.left_out, warnings(&loaded).len()), (3, 3));
    let loaded = with(&"other. A 192.0.2.1\n".repeat(1000)).unwrap();
    assert_eq!((loaded.left_out, loaded.warnings.len()), (1000, 101));
    assert!(loaded.warnings[100].message.contains("900 warnings more"));
    let loaded = with("$GENERATE 1-300 h$.other. A 192.0.2.1\n$GENERATE 1-2 h$ A 192.0.2.$\n").unwrap();
    assert_eq!((loaded.left_out, has(&loaded, "h2.example", Type::A).is_some()), (300, true));
    // The SOA that a transfer ends with is no second one, and one below the apex is an error.
    assert_eq!(with("@ SOA ns host 1 3600 900 604800 300\n").unwrap().left_out, 0);
    assert!(errors("a SOA ns host 1 2 3 4 5\n")[0].contains("SOA stands at the apex alone"));
    // What is wrong in them is wrong all the same.
    assert!(errors("other. A 192.0.2\n")[0].contains("no IPv4 address"));
}

#[test]
fn ttls_beyond_the_greatest_are_zero() {
    for ttl in
        ["4294967295", "2147483648", "30000d", "3551W1h", "4294967296", "50000d", "99999999999999999999999"]
    {
        let loaded = warned(&format!("a {ttl} A 192.0.2.1\n"), "zone:6:3: warning: the TTL ", 0);
        assert_eq!(has(&loaded, "a.example", Type::A).unwrap().0, 0, "{ttl}");
        let loaded = warned(&format!("$TTL {ttl}\na A 192.0.2.1\n"), "zone:6:6: warning: the TTL ", 0);
        assert_eq!(has(&loaded, "a.example", Type::A).unwrap().0, 0, "{ttl}");
        let loaded =
            warned(&format!("$GENERATE 1-2 a$ {ttl} A 192.0.2.1\n"), "zone:6:18: warning: the TTL ", 0);
        assert_eq!(has(&loaded, "a2.example", Type::A).unwrap().0, 0, "{ttl}");
    }
    assert_eq!(
        has(&with("a 2147483647 A 192.0.2.1\n").unwrap(), "a.example", Type::A).unwrap().0,
        0x7fff_ffff
    );
    for word in ["4294967296x", "1h4294967296", "-1"] {
        assert!(errors(&format!("a {word} A 192.0.2.1\n"))[0].contains("no type, class or TTL"), "{word}");
    }
    assert!(errors("@ SOA ns host 1 4294967296 2 3 4\n")[0].contains("`4294967296` is no time"));
    // The intervals of SOA have 32 bits and are no TTLs.
    let loaded = load("$TTL 60\nexample. SOA ns host 1 4294967295 2147483648 3 4\n NS ns.other.\n").unwrap();
    assert_eq!(
        has(&loaded, "example", Type::SOA).unwrap().1,
        ["ns. host. 1 4294967295 2147483648 3 4".replace("ns. host.", "ns.example. host.example.")]
    );
}

#[test]
fn quotes() {
    for (rdata, texts) in [
        ("ef\"gh\"", "\"ef\" \"gh\""),
        ("ab\"c d\"ef", "\"ab\" \"c d\" \"ef\""),
        ("\"a\"\"b\"", "\"a\" \"b\""),
        ("a=\"b\"", "\"a=\" \"b\""),
        ("a\\\"b\\\"", "\"a\\\"b\\\"\""),
        ("\"a;b(\" ; c", "\"a;b(\""),
        ("( \"a\"\n\"b\" )", "\"a\" \"b\""),
    ] {
        let loaded = with(&format!("t TXT {rdata}\nlast A 192.0.2.9\n")).unwrap();
        assert_eq!(has(&loaded, "t.example", Type::TXT).unwrap().1, [texts], "{rdata}");
        assert_eq!((loaded.left_out, warnings(&loaded)), (0, vec![]), "{rdata}");
    }
}

#[test]
fn a_line_break_in_quotes_is_part_of_the_text() {
    for (rdata, texts) in [
        ("\"one\ntwo\"", "\"one\\010two\""),
        ("\"\n\n\" x", "\"\\010\\010\" \"x\""),
        ("\"a\r\nb\"", "\"a\\013\\010b\""),
        ("\"a\\\nb\"", "\"a\\010b\""),
        ("( \"a\n;b\" )", "\"a\\010;b\""),
    ] {
        let tail = format!("t TXT {rdata}\nlast A 192.0.2.9\nbad A x\n");
        let line = 6 + rdata.matches('\n').count();
        let found = errors(&tail);
        assert!(found[0].starts_with(&format!("zone:{}:7: `x`", line + 2)), "{rdata}: {found:?}");
        let loaded = warned(tail.trim_end_matches("bad A x\n"), "zone:6:", 0);
        assert!(loaded.warnings[0].message.contains("a line break within quotes"), "{rdata}");
        assert_eq!(has(&loaded, "t.example", Type::TXT).unwrap().1, [texts], "{rdata}");
        assert!(has(&loaded, "last.example", Type::A).is_some(), "{rdata}");
    }
    // A message is one line.
    let found = errors("t A \"1\n2\u{7f}\" \n");
    assert!(found[1].starts_with("zone:6:5: `1\\n2\\u{7f}` is no IPv4 address"), "{found:?}");
    // One that lacks its end takes the next one's beginning, up to the last.
    let found = errors("a TXT \"x\nb TXT \"y\"\nc A 192.0.2.1\nd TXT \"z\"\n");
    assert!(found[0].starts_with("zone:6:7: a quote opened here is closed on a later line"), "{found:?}");
    // A quote that is never closed costs its own line, and the search for its end does not go on for ever.
    for (lines, message) in
        [(10, "this quote is never closed"), (100_000, "this quote is not closed within the 1 MiB")]
    {
        let found = errors(&format!("t TXT \"x\nbad A x\n{}", "a A 192.0.2.1\n".repeat(lines)));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with(&format!("zone:6:7: {message}")), "{found:?}");
        assert!(found[1].starts_with("zone:7:7: `x`"), "{found:?}");
    }
}

#[test]
fn a_zone_may_lack_ns() {
    let loaded = load("$TTL 60\n@ SOA ns1 host 1 2 3 4 5\nwww A 192.0.2.1\n").unwrap();
    assert!(has(&loaded, "www.example", Type::A).is_some());
    assert!(loaded.warnings.iter().any(|warning| warning.message.contains("no NS record at its apex")));
    // It can be changed, and given one.
    let mut change = loaded.contents.change();
    change.add(loaded.contents.apex(), Type::NS, 60, b"\x02ns\x05other\0").unwrap();
    assert!(change.finish().is_ok());
    let mut change = loaded.contents.change();
    change.add(loaded.contents.apex(), Type::TXT, 60, b"\x01a").unwrap();
    assert!(change.finish().is_ok());
}

#[test]
fn the_first_record_may_lack_its_owner() {
    let loaded = load("$TTL 60\n  SOA ns1 host 1 2 3 4 5\n  NS ns.other.\n").unwrap();
    assert_eq!(warnings(&loaded).len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].to_string().starts_with("zone:2:3: warning: a record without an owner"));
    assert_eq!(loaded.contents.record_count(), 2);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let loaded = load("\u{feff}$TTL 60\n@ SOA ns1 host 1 2 3 4 5\n@ NS ns.other.\n").unwrap();
    assert!(warnings(&loaded)[0].starts_with("zone:1:1: warning: the file begins with a byte order mark"));
    assert_eq!(loaded.contents.record_count(), 2);
}

/// Accepted by neither BIND nor NSD.
#[test]
fn what_stays_an_error() {
    for (tail, part) in [
        (
            format!("k TXT \"{}\"\n", "x".repeat(256)),
            "; write it as several strings, as in \"part one\" \"part two\"",
        ),
        (format!("k TXT a \"{}\"\n", "x".repeat(300)), "255 bytes; write it as several strings"),
        (format!("k HINFO a \"{}\"\n", "x".repeat(300)), "a character-string has at most 255 bytes"),
        ("dc [AGE:3634093] 600 A 10.0.0.1\n".to_owned(), "`[AGE:3634093]` is no type, class or TTL"),
    ] {
        let found = errors(&tail);
        assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
    }
}
