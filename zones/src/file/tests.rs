use super::*;

mod generated;
mod included;
mod lenient;

use crate::fault::FaultSeverity;
use rhumb_wire::{DomainName, Type};

const HEAD: &str =
    "$ORIGIN example.\n$TTL 3600\n@ SOA ns host 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n";

fn load(text: &str) -> Result<ParsedZone, Vec<FileProblem>> {
    let origin: DomainName = "example".parse().unwrap();
    read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes())
}

fn with(tail: &str) -> Result<ParsedZone, Vec<FileProblem>> {
    load(&format!("{HEAD}{tail}"))
}

fn has(loaded: &ParsedZone, name: &str, rtype: Type) -> Option<(u32, Vec<String>)> {
    let name: DomainName = name.parse().unwrap();
    let set = loaded.contents.find(name.as_ref(), rtype)?;
    let text = |record: crate::contents::ZoneRecord<'_>| {
        let mut rdata = Vec::new();
        record.rdata(&mut rdata);
        rdata_text(rtype, &rdata)
    };
    let texts = set.records().map(text).collect();
    Some((set.ttl(), texts))
}

fn errors(tail: &str) -> Vec<String> {
    with(tail).expect_err(tail).iter().map(ToString::to_string).collect()
}

#[test]
fn the_forms_of_a_record() {
    let loaded = with(concat!(
        "a 60 IN A 192.0.2.2\nb IN 60 A 192.0.2.3 ; comment\n   AAAA 2001:db8::1\n",
        "c 1h A 192.0.2.4\r\nd.example. CLASS1 TYPE1 \\# 4 c0000205\n",
        "e ( 60\n  IN ; in between\n A ) 192.0.2.6\n\n;nothing\n \n",
        "*.w A 192.0.2.7\nf\\.g A 192.0.2.8\n@ TXT \"a;b\" ( \"c\"\n \"d\" )\nlast A 192.0.2.9"
    ))
    .unwrap();
    for (name, rtype, ttl, text) in [
        ("a.example", Type::A, 60, "192.0.2.2"),
        ("b.example", Type::A, 60, "192.0.2.3"),
        ("b.example", Type::AAAA, 3600, "2001:db8::1"),
        ("c.example", Type::A, 3600, "192.0.2.4"),
        ("d.example", Type::A, 3600, "192.0.2.5"),
        ("e.example", Type::A, 60, "192.0.2.6"),
        ("*.w.example", Type::A, 3600, "192.0.2.7"),
        ("f\\.g.example", Type::A, 3600, "192.0.2.8"),
        ("example", Type::TXT, 3600, "\"a;b\" \"c\" \"d\""),
        ("last.example", Type::A, 3600, "192.0.2.9"),
    ] {
        assert_eq!(has(&loaded, name, rtype), Some((ttl, vec![text.to_owned()])), "{name} {rtype}");
    }
}

#[test]
fn a_name_keeps_the_case_of_its_first_record() {
    let loaded = with("x.Sub A 192.0.2.1\nsub A 192.0.2.2\nSUB TXT a\n").unwrap();
    let shown: Vec<String> = loaded.contents.iter().map(|set| set.owner().as_ref().to_string()).collect();
    assert_eq!(
        shown,
        ["example.", "example.", "ns.example.", "sub.example.", "sub.example.", "x.Sub.example."]
    );
}

#[test]
fn ttls_come_from_where_rfc_2308_says() {
    let soa = "example. SOA ns host 1 3600 900 604800 300\n";
    let loaded =
        load(&format!("{soa} NS ns.other.\na A 192.0.2.1\nb 5 A 192.0.2.2\nc A 192.0.2.3\n")).unwrap();
    assert_eq!(has(&loaded, "example", Type::SOA).unwrap().0, 300);
    assert_eq!(has(&loaded, "a.example", Type::A).unwrap().0, 300);
    assert_eq!(has(&loaded, "b.example", Type::A).unwrap().0, 5);
    assert_eq!(has(&loaded, "c.example", Type::A).unwrap().0, 5);
    let error = load("example. NS ns.other.\n").unwrap_err();
    assert!(error[0].to_string().starts_with("zone:1:1: no TTL"), "{error:?}");
}

#[test]
fn every_error_has_its_place() {
    let found = errors(
        "a A 192.0.2\nb AA 192.0.2.1\n  c (\n A 1 )\nd CH A 192.0.2.1\nother. A 192.0.2.1\n$NOPE\ngood A 192.0.2.1\ne A \x01\n",
    );
    let starts = [
        "zone:6:5: `192.0.2` is no IPv4 address",
        "zone:7:3: `AA` is no type, class or TTL",
        "zone:8:3: `c` is no type",
        "zone:10:3: class CH",
        "zone:12:1: `$NOPE` is no directive",
        "zone:14:5: the control character 0x01",
        "zone:11:1: warning: the owner lies outside the zone",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
    assert!(errors("a A (\n192.0.2.1\n")[0].starts_with("zone:6:5: this parenthesis is never closed"));
    for (record, places) in [
        ("a SOA ns admin (\n 1 2 3 4 5\n", &["zone:6:16: this parenthesis is never closed"][..]),
        ("a MX ( 10\n mail\n", &["zone:6:6: this parenthesis is never closed"]),
        ("a A 192.0.2.1 (\n", &["zone:6:15: this parenthesis is never closed"]),
        ("a A x (\n", &["zone:6:5: `x` is no IPv4 address", "zone:6:7: this parenthesis is never closed"]),
        ("a A ( x )\n", &["zone:6:7: `x` is no IPv4 address"]),
    ] {
        let found = errors(&format!("{record}@ NS ns\nb TXT ( \"c\" )\n"));
        assert_eq!(found.len(), places.len(), "{found:#?}");
        assert!(found.iter().zip(places).all(|(found, place)| found.starts_with(place)), "{found:#?}");
    }
    assert!(errors("a A 192.0.2.1 )\n")[0].starts_with("zone:6:15: this parenthesis was never opened"));
}

#[test]
fn faults_of_the_whole_zone_have_their_line() {
    let found = errors("a CNAME b\na A 192.0.2.1\n");
    assert!(
        found.iter().any(|t| t.starts_with("zone:6: a.example.: a CNAME and A")
            || t.starts_with("zone:7: a.example.: a CNAME and A")),
        "{found:?}"
    );
    let loaded = with("sub NS ns.sub\n").unwrap();
    let warning = &loaded.warnings[0];
    assert_eq!((warning.severity, warning.line), (FaultSeverity::Warning, 6));
    assert!(load("a.example. 1 A 192.0.2.1\n").unwrap_err().iter().any(|p| p.to_string().contains("no SOA")));
}

#[test]
fn warnings_that_explain_an_error_stand_behind_it() {
    for (text, part) in [
        (
            "$TTL 60\nexample.org. SOA ns host 1 2 3 4 5\nexample.org. NS ns.example.org.\n",
            "zone:2:1: warning: the owner lies outside the zone",
        ),
        ("$ORIGIN exmaple.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n", "zone:3:1: warning: the owner lies outside"),
    ] {
        let found: Vec<_> = load(text).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(found[0].contains("no SOA record at its apex"), "{found:#?}");
        assert!(found[1].starts_with(part), "{found:#?}");
    }
    // What is missing is no news where a record could not be read.
    assert_eq!(errors("@ MX 10 mail\nmail A 192.0.2\n").len(), 1);
    let many = "x A bad\nother. A 192.0.2.1\n".repeat(1000);
    let found = errors(&many);
    assert_eq!(found.len(), 202);
    assert!(found[201].ends_with("and 900 warnings more"), "{}", found[201]);
}

#[test]
fn problems_are_bounded() {
    let found = errors(&"x A bad\n".repeat(1000));
    assert_eq!(found.len(), 101);
    assert!(found[100].ends_with("and 900 errors more"), "{}", found[100]);
}

#[test]
fn a_long_record_is_refused() {
    let found = errors(&format!("a TXT (\n{}\n)\nb A bad\n", "x \n".repeat(1 << 19)));
    assert!(found[0].contains("at most 1 MiB"), "{}", found[0]);
    let found = errors(&format!("a TXT {}\n", "x".repeat(2 << 20)));
    assert!(found[0].contains("at most 1 MiB") || found[0].contains("at most 255 bytes"), "{}", found[0]);
}

proptest::proptest! {
    #[test]
    fn any_text_is_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let origin: DomainName = "example".parse().unwrap();
        let _ = read_zone_bytes(origin.as_ref(), Path::new("zone"), &bytes);
    }

    #[test]
    fn changed_zones_are_survived(at in 0usize..400, with in "[ -~\n\"();$\\\\]{0,6}") {
        let mut text = format!("{HEAD}a 60 A 192.0.2.1\n$GENERATE 1-9 h$ A 192.0.2.$\nb TXT ( \"x\"\n y )\n");
        let at = at % text.len();
        text.replace_range(at..(at + with.len()).min(text.len()), &with);
        let _ = load(&text);
    }
}
