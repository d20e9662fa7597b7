//! Insecure zones whose servers say of the apex what no zone should.

use rhumb_wire::Type;

use super::Resolver;
use super::internet::{AskedQuestion, ScriptedInternet, ServerSays, answer, denial, name, referral};
use super::signed::{Signer, nsec, told};
use crate::validate::TrustSettings;

/// A signed root that delegates `plain.`, which is not signed, to a server that says this.
pub(super) fn resolver(says: impl Fn(&AskedQuestion) -> ServerSays + Send + Sync + 'static) -> Resolver {
    let root = || Signer::new(".", 1);
    let net = ScriptedInternet::default()
        .with("192.0.2.1", move |asked| {
            let proof = root().sign(&[&nsec("plain.", "zzz.", &[Type::NS, Type::RRSIG, Type::NSEC])]);
            let soa = root().sign(&[". 3600 SOA ns.example. 60"]);
            Some(match (asked.name.as_str(), asked.qtype) {
                (".", Type::DNSKEY) => ServerSays {
                    authoritative: true,
                    answer: root().sign(&[&root().dnskey()]),
                    ..ServerSays::default()
                },
                ("plain.", Type::DS) => ServerSays {
                    authoritative: true,
                    authority: [soa, proof].concat(),
                    ..ServerSays::default()
                },
                (name, _) if name.ends_with("plain.") => {
                    let mut said = referral("plain.", &[("ns.plain.", "192.0.2.3")]);
                    said.authority.extend(proof);
                    said
                }
                _ => ServerSays { rcode: 3, authoritative: true, authority: soa, ..ServerSays::default() },
            })
        })
        .with("192.0.2.3", move |asked| Some(says(asked)));
    let mut resolver = Resolver::new(net);
    let mut trust = TrustSettings::default();
    trust.add(name(".").as_ref(), root().digest());
    resolver.settings.trust = Some(trust);
    resolver
}

/// The proof that it is not signed came with the referral, before the alias did (RFC 4035 section 5.2).
#[tokio::test(start_paused = true)]
async fn an_alias_at_the_apex_of_an_insecure_zone_is_insecure() {
    let resolver = resolver(|asked| match asked.name.as_str() {
        "plain." => answer(&["plain. 300 CNAME www.plain."]),
        _ => answer(&["www.plain. 300 A 198.51.100.1"]),
    });
    for qtype in [Type::A, Type::AAAA, Type::CNAME] {
        assert_eq!(told(&resolver, "plain", qtype).await, "NOERROR", "{qtype}");
    }
    // With the alias from the cache, and nothing known of its zone.
    resolver.state.records.forget(name("plain").as_ref(), Type::DS);
    resolver.state.forget_trust();
    assert_eq!(told(&resolver, "plain", Type::MX).await, "NOERROR");
}

#[tokio::test(start_paused = true)]
async fn an_insecure_zone_may_deny_its_own_name() {
    let resolver = resolver(|_| denial(3, "plain."));
    assert_eq!(told(&resolver, "plain", Type::A).await, "NXDOMAIN");
    assert_eq!(told(&resolver, "www.plain", Type::A).await, "NXDOMAIN");
}
