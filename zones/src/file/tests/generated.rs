//! `$GENERATE`.

use super::*;

#[test]
fn numbers_become_records() {
    let loaded = with(concat!(
        "$GENERATE 1-3 h$ A 192.0.2.$\n$GENERATE 8-16/4 x${0,3,d} 60 IN CNAME h${-7} ; $ in a comment\n",
        "$GENERATE 10-11 ${0,3,x}.\\$ IN 60 TXT \"$$ ${0,8,n}\"\n$GENERATE ( 1-2\n p$ PTR ; split\n h$ )\n",
        "last A 192.0.2.9\n"
    ))
    .unwrap();
    for (name, rtype, ttl, text) in [
        ("h2.example", Type::A, 3600, "192.0.2.2"),
        ("x012.example", Type::CNAME, 60, "h5.example."),
        ("00a.\\$.example", Type::TXT, 60, "\"$\" \"a.0.0.0.\""),
        ("p2.example", Type::PTR, 3600, "h2.example."),
        ("last.example", Type::A, 3600, "192.0.2.9"),
    ] {
        assert_eq!(has(&loaded, name, rtype), Some((ttl, vec![text.to_owned()])), "{name} {rtype}");
    }
}

/// BIND takes one quoted word for the text of RDATA, whose own quotes are escaped in it.
#[test]
fn quoted_rdata_loses_its_quotes() {
    for (rdata, rtype, text) in [
        ("MX \"10 mail$.example.net.\"", Type::MX, "10 mail7.example.net."),
        ("SRV \"1 2 $ host\"", Type::SRV, "1 2 7 host.example."),
        ("CNAME \"target$\"", Type::CNAME, "target7.example."),
        ("TXT \"a $ b\"", Type::TXT, "\"a\" \"7\" \"b\""),
        ("TXT \"\\\"a $\\\" b\"", Type::TXT, "\"a 7\" \"b\""),
        ("TXT \"a\\032$\"", Type::TXT, "\"a 7\""),
        ("TXT a \"b $\"", Type::TXT, "\"a\" \"b 7\""),
        ("TXT \"a $\" \"b $\"", Type::TXT, "\"a 7\" \"b 7\""),
        ("TXT $", Type::TXT, "\"7\""),
        ("MX $ mail$", Type::MX, "7 mail7.example."),
        ("HTTPS \"$ . port=80$\"", Type::HTTPS, "7 . port=807"),
        ("HTTPS $ . alpn=\"h$\"", Type::HTTPS, "7 . alpn=\"h7\""),
        ("TYPE65280 \\# 1 0$", Type(65280), "\\# 1 07"),
        ("TYPE65280 \"\\# 1 0$\"", Type(65280), "\\# 1 07"),
    ] {
        let loaded = with(&format!("$GENERATE 7-7 a {rdata}\n")).expect(rdata);
        assert_eq!(has(&loaded, "a.example", rtype), Some((3600, vec![text.to_owned()])), "{rdata}");
    }
}

#[test]
fn the_owner_is_as_before() {
    let loaded = with("a A 192.0.2.1\n$GENERATE 1-2 g$ A 192.0.2.2\n TXT x\n").unwrap();
    assert!(has(&loaded, "a.example", Type::TXT).is_some());
}

#[test]
fn what_is_wrong_is_said_once() {
    for (tail, part) in [
        ("$GENERATE 0-4294967295 a$ A 192.0.2.1\n", "more than 65536 numbers"),
        ("$GENERATE 3-1 a$ A 192.0.2.1\n", "the range has the form"),
        ("$GENERATE 1-300 a$ A 192.0.2.$\n", "for 256: `192.0.2.256` is no IPv4 address"),
        ("$GENERATE 1-3 a${1 A 192.0.2.1\n", "never closed"),
        ("$GENERATE 1-3 a${0,9999999} A 192.0.2.1\n", "the form is"),
        ("$GENERATE 1-3 a TXT ${0,1,q}\n", "the form is"),
        ("$GENERATE 1-3 a.$. A 192.0.2.1 x\n", "for 1: `x` is more than the type takes"),
        ("$GENERATE 1-3 a..$ A 192.0.2.1\n", "for 1: the owner"),
    ] {
        let found = errors(tail);
        assert!(found[0].starts_with("zone:6:11: ") && found[0].contains(part), "{found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn all_of_a_zone_are_bounded_together() {
    // Each ends with its first record, and counts as a whole all the same.
    let found = errors(&"$GENERATE 0-65535 a A x\n".repeat(17));
    assert_eq!(found.len(), 17);
    assert!(found[15].starts_with("zone:21:11: for 0: "), "{found:?}");
    assert!(found[16].starts_with("zone:22:11: all $GENERATE of a zone make at most 1048576"), "{found:?}");
}
