//! What is told of signed zones: nothing of those that the usual programs made, and of each single change what it broke,
//! with its line. The zones in `verify/` are of ldns-signzone and dnssec-signzone, their signatures good from 2026 to 2029.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rhumb_wire::Name;
use rhumb_zones::Severity;
use rhumb_zones::file::{read_zone, verify_zone};
use rhumb_zones::verify::Depth;

const LDNS_NSEC: &str = include_str!("verify/ldns-nsec.zone");
const LDNS_NSEC3: &str = include_str!("verify/ldns-nsec3s.zone");
const LDNS_OPT_OUT: &str = include_str!("verify/ldns-optout.zone");
const LDNS_ZONEMD: &str = include_str!("verify/ldns-zonemd.zone");
const BIND_NSEC: &str = include_str!("verify/bind-nsec.zone");
const BIND_NSEC3: &str = include_str!("verify/bind-nsec3.zone");
const BIND_OPT_OUT: &str = include_str!("verify/bind-optout.zone");

/// 2026-07-01, and the last second of the signatures.
const NOW: u32 = 1_782_864_000;
const END: u32 = 1_893_456_000;

/// A file that is gone when the test is.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rhumb-verify-{}-{number}.zone", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What is told of a zone: line, severity, text. And when its first signature expires.
fn told(text: &str, now: u32, depth: Depth) -> (Vec<(u32, Severity, String)>, Option<u32>) {
    let file = File::new(text);
    let origin: Name = "example.".parse().unwrap();
    let loaded = read_zone(origin.as_ref(), &file.0).unwrap_or_else(|problems| panic!("{problems:?}"));
    let verified = verify_zone(&file.0, &loaded.contents, now, depth);
    let problems = verified.problems.into_iter();
    (problems.map(|problem| (problem.line, problem.severity, problem.message)).collect(), verified.expires)
}

/// The one thing that is told of a zone, at both depths.
#[track_caller]
fn one(text: &str, line: u32, message: &str) {
    for depth in [Depth::Load, Depth::Full] {
        let (told, _) = told(text, NOW, depth);
        assert_eq!(told, [(line, Severity::Warning, message.to_owned())], "at {depth:?}");
    }
}

/// The number of the first line that begins so.
#[track_caller]
fn line(text: &str, beginning: &str) -> u32 {
    let at = text.lines().position(|line| line.starts_with(beginning));
    at.unwrap_or_else(|| panic!("no line {beginning}")) as u32 + 1
}

/// The text without the first line that begins so.
#[track_caller]
fn without(text: &str, beginning: &str) -> String {
    let left = line(text, beginning);
    let lines = (1..).zip(text.lines()).filter(|(number, _)| *number != left);
    lines.fold(String::new(), |text, (_, line)| text + line + "\n")
}

/// The text with a part of that line replaced.
#[track_caller]
fn replaced(text: &str, beginning: &str, from: &str, to: &str) -> String {
    let changed = line(text, beginning);
    let lines = (1..).zip(text.lines()).map(|(number, line)| {
        if number != changed {
            return line.to_owned();
        }
        assert!(line.contains(from), "{line} has no {from}");
        line.replacen(from, to, 1)
    });
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

#[test]
fn good_zones() {
    for (index, text) in
        [LDNS_NSEC, LDNS_NSEC3, LDNS_OPT_OUT, LDNS_ZONEMD, BIND_NSEC, BIND_NSEC3, BIND_OPT_OUT]
            .into_iter()
            .enumerate()
    {
        for (now, depth) in [(NOW, Depth::Load), (NOW, Depth::Full), (END, Depth::Full)] {
            assert_eq!(told(text, now, depth), (vec![], Some(END)), "zone {index} at {now}");
        }
    }
}

#[test]
fn nsec() {
    let mail = "mail.example. 300 IN NSEC";
    let at = line(LDNS_NSEC, mail);
    one(
        &without(LDNS_NSEC, mail),
        line(LDNS_NSEC, "mail.example. 3600 IN A"),
        "mail.example.: the name has no NSEC",
    );
    one(
        &replaced(LDNS_NSEC, mail, "A RRSIG", "A TXT RRSIG"),
        at,
        "mail.example.: NSEC lists TXT, which is not there",
    );
    one(
        &replaced(LDNS_NSEC, mail, "A RRSIG", "RRSIG"),
        at,
        "mail.example.: NSEC does not list A, which is there",
    );
    one(
        &replaced(LDNS_NSEC, mail, "both.mixed", "own.mixed"),
        at,
        "mail.example.: NSEC leads to own.mixed.example., the name that follows is both.mixed.example.",
    );
    one(
        &replaced(LDNS_NSEC, "www.example. 300 IN NSEC", "NSEC example.", "NSEC elsewhere."),
        line(LDNS_NSEC, "www.example. 300 IN NSEC"),
        "www.example.: NSEC leads to elsewhere., the name that follows is example.",
    );
    one(
        &replaced(LDNS_NSEC, "secure.example. 300 IN NSEC", "NS DS", "NS"),
        line(LDNS_NSEC, "secure.example. 300 IN NSEC"),
        "secure.example.: NSEC does not list DS, which is there",
    );
    let number = LDNS_NSEC.lines().count() as u32;
    one(
        &format!("{LDNS_NSEC}mail.example. 300 IN NSEC both.mixed.example. A NSEC\n"),
        at,
        "mail.example.: more than one NSEC",
    );
    one(
        &format!("{LDNS_NSEC}x.y.sub.example. 300 IN NSEC both.mixed.example. A NSEC\n"),
        number + 1,
        "x.y.sub.example.: NSEC at a name that is not authoritative here",
    );
}

#[test]
fn signatures() {
    let (a, rrsig) = ("mail.example. 3600 IN A", "mail.example. 3600 IN RRSIG A");
    let at = line(LDNS_NSEC, rrsig);
    one(&without(LDNS_NSEC, rrsig), line(LDNS_NSEC, a), "mail.example.: A has no signature");
    for (from, to, message) in [
        (" 20300101000000 ", " 20260202030405 ", "the signature of A expired 20260202030405"),
        (" 20260101000000 ", " 20270202030405 ", "the signature of A is not valid before 20270202030405"),
        (" example. ", " other. ", "the signer of A is not the apex"),
        (" 26869 ", " 1 ", "the signature of A is by key 1 of algorithm 13, which is no DNSKEY here"),
        (" A 13 2 ", " A 13 1 ", "the signature of A is for 1 labels, which the owner does not have"),
        (" 2 3600 ", " 2 60 ", "the signature of A is for TTL 60, the TTL is 3600"),
    ] {
        one(&replaced(LDNS_NSEC, rrsig, from, to), at, &format!("mail.example.: {message}"));
    }
    let many = format!(
        "{LDNS_NSEC}mail.example. 3600 IN RRSIG MX 13 2 3600 20300101000000 20260101000000 26869 example. AAAA\n"
    );
    let last = LDNS_NSEC.lines().count() as u32 + 1;
    one(&many, last, "mail.example.: a signature of MX, which is not there");
    let glue = many.replace("mail.example. 3600 IN RRSIG MX", "ns.secure.example. 3600 IN RRSIG A");
    one(&glue, last, "ns.secure.example.: a signature of A, which is not authoritative here");
    let delegation = many.replace("mail.example. 3600 IN RRSIG MX", "sub.example. 3600 IN RRSIG NS");
    one(&delegation, last, "sub.example.: a signature of NS, which is not authoritative here");
    // The second of two signatures is to blame.
    let second = many
        .replace("mail.example. 3600 IN RRSIG MX", "mail.example. 3600 IN RRSIG A")
        .replace("26869 example. AAAA", "1 example. AAAA");
    one(
        &second,
        last,
        "mail.example.: the signature of A is by key 1 of algorithm 13, which is no DNSKEY here",
    );
    let other = replaced(LDNS_NSEC, rrsig, "A 13", "A 8");
    let (told, _) = told(&other, NOW, Depth::Load);
    assert!(told.iter().any(|(_, _, text)| text.contains("A has no signature of algorithm 13")), "{told:?}");
}

#[test]
fn the_first_expiration_is_given_and_many_are_counted() {
    let early = replaced(LDNS_NSEC, "mail.example. 3600 IN RRSIG A", " 20300101000000 ", " 20260801000000 ");
    assert_eq!(told(&early, NOW, Depth::Load).1, Some(1_785_542_400));
    let (all, first) = told(LDNS_NSEC, END + 1, Depth::Load);
    assert_eq!((all.len(), first), (11, Some(END)));
    assert_eq!(all[0].2, "example.: the signature of NS expired 20300101000000");
    let is_signature = |line: &&str| line.split(' ').nth(3) == Some("RRSIG");
    let signatures = LDNS_NSEC.lines().filter(is_signature).count() - 10;
    assert!(all[10].2.starts_with(&format!("{signatures} more as `the signature of ")), "{:?}", all[10]);
    assert_eq!(all[10].0, 0);
    // Serial arithmetic: times beyond 2106 and before 1970 are near each other.
    assert_eq!(told(LDNS_NSEC, u32::MAX, Depth::Load).0.len(), 11);
    assert_eq!(told(LDNS_NSEC, END.wrapping_add(1 << 31) + 1, Depth::Load).0.len(), 11);
}

#[test]
fn nsec3() {
    // The hash of mail.example, and that of the empty non-terminal c.example.
    const MAIL: &str = "aj6g8ga101bpehf5ag88s2s4pv0jj5gn.example. 300 IN NSEC3";
    const EMPTY: &str = "bq512i70gcod6v8ppla4dves4chei19v.example. 300 IN NSEC3";
    let at = line(LDNS_NSEC3, MAIL);
    let owner = "aj6g8ga101bpehf5ag88s2s4pv0jj5gn.example.";
    let a = line(LDNS_NSEC3, "mail.example. 3600 IN A");
    one(&without(LDNS_NSEC3, MAIL), a, "mail.example.: the name has no NSEC3");
    one(&without(LDNS_NSEC3, EMPTY), 0, "c.example.: the name has no NSEC3");
    one(
        &replaced(LDNS_NSEC3, MAIL, " A RRSIG", " A TXT RRSIG"),
        at,
        &format!("{owner}: NSEC3 of mail.example. lists TXT, which is not there"),
    );
    one(
        &replaced(LDNS_NSEC3, MAIL, " A RRSIG", " RRSIG"),
        at,
        &format!("{owner}: NSEC3 of mail.example. does not list A, which is there"),
    );
    one(
        &replaced(LDNS_NSEC3, MAIL, " 2 abcd ", " 2 abce "),
        at,
        &format!("{owner}: NSEC3 with parameters that no NSEC3PARAM gives"),
    );
    let next = LDNS_NSEC3.lines().nth(at as usize - 1).unwrap().split(' ').nth(8).unwrap();
    let last = next.chars().last().unwrap();
    let other = format!("{}{}", &next[..31], if last == 'g' { 'o' } else { 'g' });
    one(
        &replaced(LDNS_NSEC3, MAIL, next, &other),
        at,
        &format!("{owner}: NSEC3 leads to {other}, the hash that follows is {next}"),
    );
    let param = "example. 3600 IN NSEC3PARAM";
    let (all, _) = told(&without(LDNS_NSEC3, param), NOW, Depth::Load);
    let text = |part: &str| all.iter().any(|(_, _, text)| text.contains(part));
    assert!(text("no NSEC3PARAM that gives its parameters") && text("neither NSEC nor NSEC3"), "{all:?}");
}

#[test]
fn a_hash_that_is_wrong_in_its_last_digit_is_seen_by_the_full_check() {
    let changed = LDNS_NSEC3.replace("aj6g8ga101bpehf5ag88s2s4pv0jj5gn", "aj6g8ga101bpehf5ag88s2s4pv0jj5go");
    assert_eq!(told(&changed, NOW, Depth::Load).0, []);
    let texts: Vec<String> =
        told(&changed, NOW, Depth::Full).0.into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(
        texts,
        [
            "aj6g8ga101bpehf5ag88s2s4pv0jj5go.example.: NSEC3 whose owner is the hash of no name of the zone",
            "mail.example.: the name has no NSEC3",
        ]
    );
}

#[test]
fn opt_out_exempts_insecure_delegations_alone() {
    // Records of chains with opt-out may be missing for these, at the cost of the ring being closed.
    let secure = BIND_OPT_OUT.lines().find(|line| line.ends_with(" NS DS RRSIG")).unwrap();
    let owner = secure.split(' ').next().unwrap();
    one(
        &without(BIND_OPT_OUT, &format!("{owner} 300 IN NSEC3")),
        line(BIND_OPT_OUT, "secure.example. 3600 IN NS"),
        "secure.example.: the name has no NSEC3",
    );
    // Without the flag the chain has to hold the four insecure delegations and the two names above them.
    let closed = BIND_OPT_OUT.replace("NSEC3 1 1 ", "NSEC3 1 0 ");
    let (all, _) = told(&closed, NOW, Depth::Full);
    let mut names: Vec<&str> = all.iter().map(|(_, _, text)| text.split(':').next().unwrap()).collect();
    names.sort_unstable();
    let wanted = [
        "both.mixed.example.",
        "deep.ent.example.",
        "deep2.ent.example.",
        "ent.example.",
        "more.deep2.ent.example.",
        "sub.example.",
    ];
    assert_eq!(names, wanted, "{all:?}");
}

#[test]
fn records_where_nobody_asks_for_them() {
    const HEAD: &str = "@ 300 SOA ns x 1 1 1 1 60\n@ NS ns\nns A 192.0.2.1\n";
    for (lines, at, message) in [
        ("a DS 1 13 2 00", 4, "a.example.: DS without NS"),
        ("@ DS 1 13 2 00", 4, "example.: DS at the apex; it belongs in the parent zone"),
        ("a CDS 0 0 0 00", 4, "a.example.: CDS is of no use but at the apex"),
        ("@ NSEC3PARAM 1 0 0 -", 4, "example.: NSEC3PARAM, and no NSEC3 of its parameters"),
        ("a CNAME b", 4, "a.example.: CNAME points to b.example., which this zone does not have"),
        ("ns TXT t\na CNAME a", 5, "a.example.: the CNAME leads back to itself"),
    ] {
        let (all, _) = told(&format!("{HEAD}{lines}\n"), NOW, Depth::Full);
        assert_eq!(all, [(at, Severity::Warning, message.to_owned())], "{lines}");
        if lines.contains("CNAME") || lines.contains("a ") {
            assert_eq!(told(&format!("{HEAD}{lines}\n"), NOW, Depth::Load).0, [], "{lines} at load");
        }
    }
    for lines in
        ["a CNAME ns", "a CNAME b\nb CNAME elsewhere.", "a CNAME x.b\nb NS ns", "a CNAME x.b\n*.b CNAME ns"]
    {
        assert_eq!(told(&format!("{HEAD}{lines}\n"), NOW, Depth::Full).0, [], "{lines}");
    }
    let loop_of_two = told(&format!("{HEAD}a CNAME b\nb CNAME a\n"), NOW, Depth::Full).0;
    assert_eq!(loop_of_two.len(), 2, "{loop_of_two:?}");
}
