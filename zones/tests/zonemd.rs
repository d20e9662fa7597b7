//! The digest of a zone: the examples of RFC 8976 appendix A, and what is told when it does not fit.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::path::Path;

use rhumb_wire::DomainName;
use rhumb_zones::FaultSeverity;
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::verify::{DigestPolicy, VerifyDepth, verify_with};

const PLAIN: &str = include_str!("verify/ldns-zonemd-plain.zone");
const SIGNED: &str = include_str!("verify/ldns-zonemd.zone");

/// Appendix A.1.
const SIMPLE: &str = "\
example. 86400 IN SOA ns1.example. admin.example. 2018031900 1800 900 604800 86400
example. 86400 IN NS ns1.example.
example. 86400 IN NS ns2.example.
example. 86400 IN ZONEMD 2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c
ns1.example. 3600 IN A 203.0.113.63
ns2.example. 3600 IN AAAA 2001:db8::63
";

/// Appendix A.2 without the record that lies outside the zone, which the reader refuses.
const COMPLEX: &str = "\
example. 86400 IN SOA ns1.example. admin.example. 2018031900 1800 900 604800 86400
example. 86400 IN NS ns1.example.
example. 86400 IN NS ns2.example.
example. 86400 IN ZONEMD 2018031900 1 1 a3b69bad980a3504e1cffcb0fd6397f93848071c93151f552ae2f6b1711d4bd2d8b39808226d7b9db71e34b72077f8fe
ns1.example. 3600 IN A 203.0.113.63
NS2.example. 3600 IN AAAA 2001:db8::63
occluded.sub.example. 7200 IN TXT \"I'm occluded but must be digested\"
sub.example. 7200 IN NS ns1.example.
duplicate.example. 300 IN TXT \"I must be digested just once\"
duplicate.example. 300 IN TXT \"I must be digested just once\"
UPPERCASE.example. 3600 IN TXT \"canonicalize uppercase owner names\"
*.example. 777 IN PTR dont-forget-about-wildcards.example.
mail.example. 3600 IN MX 20 MAIL1.example.
mail.example. 3600 IN MX 10 Mail2.Example.
sortme.example. 3600 IN AAAA 2001:db8::5:61
sortme.example. 3600 IN AAAA 2001:db8::3:62
sortme.example. 3600 IN AAAA 2001:db8::4:63
sortme.example. 3600 IN AAAA 2001:db8::1:65
sortme.example. 3600 IN AAAA 2001:db8::2:64
non-apex.example. 900 IN ZONEMD 2018031900 1 1 616c6c6f776564206275742069676e6f7265642e20616c6c6f776564206275742069676e6f7265642e20616c6c6f7765
";

/// Appendix A.3.
const SEVERAL: &str = "\
example. 86400 IN SOA ns1.example. admin.example. 2018031900 1800 900 604800 86400
example. 86400 IN NS ns1.example.
example. 86400 IN NS ns2.example.
example. 86400 IN ZONEMD 2018031900 1 1 62e6cf51b02e54b9b5f967d547ce43136792901f9f88e637493daaf401c92c279dd10f0edb1c56f8080211f8480ee306
example. 86400 IN ZONEMD 2018031900 1 2 08cfa1115c7b948c4163a901270395ea226a930cd2cbcf2fa9a5e6eb85f37c8a4e114d884e66f176eab121cb02db7d652e0cc4827e7a3204f166b47e5613fd27
example. 86400 IN ZONEMD 2018031900 1 240 e2d523f654b9422a96c5a8f44607bbee
example. 86400 IN ZONEMD 2018031900 241 1 e1846540e33a9e4189792d18d5d131f605fc283e
ns1.example. 3600 IN A 203.0.113.63
ns2.example. 86400 IN TXT \"This example has multiple digests\"
NS2.EXAMPLE. 3600 IN AAAA 2001:db8::63
";

/// What is told of a zone of 2026.
fn told(text: &str) -> Vec<(FaultSeverity, String)> {
    told_with(text, DigestPolicy::Verify)
}

fn told_with(text: &str, policy: DigestPolicy) -> Vec<(FaultSeverity, String)> {
    let origin: DomainName = "example.".parse().unwrap();
    let read = read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes());
    let contents = read.unwrap_or_else(|problems| panic!("{problems:?}")).contents;
    let findings = verify_with(&contents, 1_782_864_000, VerifyDepth::Load, policy).findings;
    findings.into_iter().map(|finding| (finding.defect.severity(), finding.defect.to_string())).collect()
}

/// Without the lines that have this in them.
fn without(text: &str, part: &str) -> String {
    text.lines().filter(|line| !line.contains(part)).fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_examples_of_rfc_8976() {
    for text in [SIMPLE, COMPLEX, SEVERAL] {
        assert_eq!(told(text), [], "{text}");
        // The digest is looked at, not taken for granted.
        assert_eq!(told(&text.replace("203.0.113.63", "203.0.113.64")).len(), 1, "{text}");
    }
    // Each of the two that can be verified does it alone.
    assert_eq!(told(&without(SEVERAL, " 1 1 62e6")), []);
    assert_eq!(told(&without(SEVERAL, " 1 2 08cf")), []);
}

#[test]
fn zones_of_ldns_signzone() {
    assert_eq!(told(PLAIN), []);
    assert_eq!(told(SIGNED), []);
}

#[test]
fn a_digest_may_be_required_or_ignored() {
    let missing =
        [(FaultSeverity::Error, "a ZONEMD that can be verified is required, and there is none".to_owned())];
    let require = |text: &str| told_with(text, DigestPolicy::Require);
    assert_eq!(require(SIMPLE), []);
    assert_eq!(require(&without(SIMPLE, " ZONEMD ")), missing);
    // One of a hash algorithm that is not known is none.
    let unknown = without(&without(&without(SEVERAL, " 1 1 62e6"), " 1 2 08cf"), " 241 1 ");
    assert_eq!(require(&unknown), missing);
    assert_eq!(
        told(&unknown).iter().map(|(severity, _)| *severity).collect::<Vec<_>>(),
        [FaultSeverity::Warning]
    );
    let wrong = SIMPLE.replace("203.0.113.63", "203.0.113.64");
    assert_eq!(require(&wrong).len(), 1);
    assert_eq!(told_with(&wrong, DigestPolicy::Ignore), []);
    assert_eq!(told_with(&unknown, DigestPolicy::Ignore), []);
}

#[test]
fn every_record_counts() {
    let wrong = [(FaultSeverity::Error, "the digest that ZONEMD gives is not that of the zone".to_owned())];
    let covered = |line: &&str| !line.contains(" ZONEMD ") && !line.contains(" SOA ");
    for line in PLAIN.lines().filter(covered) {
        assert_eq!(told(&PLAIN.replace(&format!("{line}\n"), "")), wrong, "without {line}");
    }
    for (from, to) in [
        ("192.0.2.4", "192.0.2.44"),
        ("hidden", "Hidden"),
        ("x.y.sub", "z.y.sub"),
        ("010203", "010204"),
        ("MX 10", "MX 11"),
        ("86400 300", "86400 301"),
    ] {
        assert_eq!(told(&PLAIN.replace(from, to)), wrong, "{from}");
    }
    let ttl = PLAIN.replace("mail.example. 3600", "mail.example. 3601");
    assert_eq!(told(&ttl), wrong);
    // Case of owners, and of names in old types, does not count, nor does the order.
    let mut lines: Vec<String> =
        PLAIN.replace("mail.example.", "MAIL.Example.").lines().map(str::to_owned).collect();
    lines[1..].reverse();
    assert_eq!(told(&(lines.join("\n") + "\n")), []);
}

#[test]
fn which_zonemd_counts() {
    let serial = "ZONEMD is made for serial 7, the zone has serial 8".to_owned();
    assert_eq!(
        told(&PLAIN.replace("hostmaster.example. 7 ", "hostmaster.example. 8 ")),
        [(FaultSeverity::Error, serial)]
    );
    let unknown =
        "no ZONEMD can be verified; one each of scheme 1 with hash algorithm 1 or 2 can be".to_owned();
    for zonemd in ["ZONEMD 7 1 3", "ZONEMD 7 2 2"] {
        assert_eq!(told(&PLAIN.replace("ZONEMD 7 1 2", zonemd)), [(FaultSeverity::Warning, unknown.clone())]);
    }
    // Two of one scheme and hash algorithm count as none.
    let twin = format!("{PLAIN}example. 3600 ZONEMD 7 1 2 {}\n", "00".repeat(64));
    assert_eq!(told(&twin), [(FaultSeverity::Warning, unknown)]);
    // One that is right is enough.
    let other = format!("{PLAIN}example. 3600 ZONEMD 7 1 1 {}\n", "00".repeat(48));
    assert_eq!(told(&other), []);
}

/// The owner of an NSEC3 record that is also an ordinary name: its records are digested together.
#[test]
fn a_name_that_is_a_hash_too() {
    // Computed by a program that sorts all records at once.
    const DIGEST: &str =
        "1b01d8d742564b19f3edfde9744d2d4ad788776714c09667ff40f454e8b6b8966f3f5beadf042356823f7d385e319fa9";
    const HASH: &str = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom";
    let text = without(PLAIN, " ZONEMD ")
        + &format!("{HASH}.example. 3600 NSEC3 1 0 0 - {HASH}\n")
        + &format!("{HASH}.example. 3600 CAA 0 issue \"ca\"\n{HASH}.example. 3600 A 192.0.2.9\n")
        + &format!("example. 3600 ZONEMD 7 1 1 {DIGEST}\n");
    let told = told(&text);
    assert!(told.iter().all(|(severity, _)| *severity == FaultSeverity::Warning), "{told:?}");
}
