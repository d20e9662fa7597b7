//! RRSIG.

use rhumb_zones::verify::VerifyDepth;

use crate::kit::{END, LDNS_NSEC, NOW, line, one, replaced, told, without};

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
    let (told, _) = told(&other, NOW, VerifyDepth::Load);
    assert!(told.iter().any(|(_, _, text)| text.contains("A has no signature of algorithm 13")), "{told:?}");
}

#[test]
fn the_first_expiration_is_given_and_many_are_counted() {
    let early = replaced(LDNS_NSEC, "mail.example. 3600 IN RRSIG A", " 20300101000000 ", " 20260801000000 ");
    assert_eq!(told(&early, NOW, VerifyDepth::Load).1, Some(1_785_542_400));
    let (all, first) = told(LDNS_NSEC, END + 1, VerifyDepth::Load);
    assert_eq!((all.len(), first), (11, Some(END)));
    assert_eq!(all[0].2, "example.: the signature of NS expired 20300101000000");
    let is_signature = |line: &&str| line.split(' ').nth(3) == Some("RRSIG");
    let signatures = LDNS_NSEC.lines().filter(is_signature).count() - 10;
    assert!(all[10].2.starts_with(&format!("{signatures} more as `the signature of ")), "{:?}", all[10]);
    assert_eq!(all[10].0, 0);
    // Serial arithmetic: times beyond 2106 and before 1970 are near each other.
    assert_eq!(told(LDNS_NSEC, u32::MAX, VerifyDepth::Load).0.len(), 11);
    assert_eq!(told(LDNS_NSEC, END.wrapping_add(1 << 31) + 1, VerifyDepth::Load).0.len(), 11);
}
