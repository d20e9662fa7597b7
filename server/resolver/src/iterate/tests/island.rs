//! Trust anchors further down than the root: what lies above them has no say in what is below.

use rhumb_wire::Type;

use super::Resolver;
use super::internet::{AskedQuestion, ServerSays, name};
use super::signed::{Signer, nsec, resolver, told};
use crate::validate::TrustSettings;

/// Resolves with keys of `zone` as the only trust anchor.
fn anchored(
    zone: &'static str,
    change: impl Fn(&AskedQuestion, &Signer, ServerSays) -> ServerSays + Send + Sync + 'static,
) -> Resolver {
    let mut resolver = resolver(change);
    let mut trust = TrustSettings::default();
    trust.add(name(zone).as_ref(), Signer::new(zone, 2).digest());
    resolver.settings.trust = Some(trust);
    resolver.settings.aggressive_nsec = false;
    resolver
}

fn nxdomain(authority: Vec<String>) -> ServerSays {
    ServerSays { rcode: 3, authoritative: true, authority, ..ServerSays::default() }
}

#[tokio::test(start_paused = true)]
async fn an_island_is_secure_and_what_lies_around_it_is_not() {
    let resolver = anchored("test.", |_, _, said| said);
    assert_eq!(told(&resolver, "www.test", Type::A).await, "NOERROR AD");
    assert_eq!(told(&resolver, "none.test", Type::A).await, "NXDOMAIN AD");
    assert_eq!(told(&resolver, "test", Type::DS).await, "NOERROR");
    assert_eq!(told(&resolver, "www.plain", Type::A).await, "NOERROR");
}

/// A signature that names a zone above the anchor as its signer would make anything insecure (RFC 4035 section 5.3.1).
#[tokio::test(start_paused = true)]
async fn a_zone_above_the_anchor_cannot_make_insecure() {
    let stranger = || Signer::new(".", 9);
    let resolver = anchored("test.", move |asked, _, said| match (asked.name.as_str(), asked.qtype) {
        ("www.test.", Type::A) => {
            ServerSays { answer: stranger().sign(&["www.test. 300 A 203.0.113.66"]), ..said }
        }
        ("www.test.", Type::TXT) => {
            ServerSays { authority: stranger().sign(&[&nsec("www.test.", "zzz.test.", &[Type::A])]), ..said }
        }
        ("none.test." | "test.", Type::A) => {
            nxdomain(stranger().sign(&[&nsec("test.", "zzz.test.", &[Type::A])]))
        }
        _ => said,
    });
    for (text, qtype, end) in [
        ("www.test", Type::A, "www.test. A: no signature"),
        ("www.test", Type::TXT, "that www.test. has no TXT is not proven"),
        ("none.test", Type::A, "is not proven"),
        ("test", Type::A, "is not proven"),
    ] {
        let told = told(&resolver, text, qtype).await;
        assert!(told.ends_with(end), "{text} {qtype}: {told}");
    }
}

/// There is no anchor above the DNAME, which says nothing of the zone below it that has one.
#[tokio::test(start_paused = true)]
async fn a_dname_above_the_anchor_does_not_hide_it() {
    let resolver = anchored("sub.test.", |asked, _, said| {
        if asked.name != "sub.test." || asked.qtype != Type::A {
            return said;
        }
        let answer = vec!["test. 300 DNAME plain.".to_owned()];
        ServerSays { authoritative: true, answer, ..ServerSays::default() }
    });
    assert_eq!(told(&resolver, "sub.test", Type::A).await, "test. DNAME: no signature");
}
