//! The keys of a trust anchor, fetched anew.

use rhumb_wire::Type;

use super::Resolver;
use super::internet::{ScriptedInternet, ServerSays, denial, name};
use super::signed::{NOW, Signer, hex};
use crate::iterate::{IterationFailure, ResolutionScope, read_anchor_keys};
use crate::validate::{
    AnchorKeyIdentity, KeySetReading, TrackedAnchor, TrustSettings, ValidationFailure, ZoneKey,
};

fn record(rdata: &[u8]) -> String {
    format!(". 3600 DNSKEY \\# {}", hex(rdata))
}

/// A resolver whose root answers for its keys with these, signed by key 1 between these moments.
fn resolver(keys: Vec<Vec<u8>>, times: (u32, u32)) -> Resolver {
    let net = ScriptedInternet::default().with("192.0.2.1", move |asked| {
        let records: Vec<String> = keys.iter().map(|key| record(key)).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let answer = Signer::new(".", 1).sign_with(&records, 0, times);
        let said = ServerSays { authoritative: true, answer, ..ServerSays::default() };
        Some(if (asked.name.as_str(), asked.qtype) == (".", Type::DNSKEY) { said } else { denial(3, ".") })
    });
    let mut resolver = Resolver::new(net);
    resolver.settings.trust = Some(TrustSettings::default());
    resolver
}

fn anchor(number: u8) -> TrackedAnchor {
    let digest = AnchorKeyIdentity::Digest(Signer::new(".", number).digest());
    TrackedAnchor::new(name(".").as_ref(), [digest], NOW.into())
}

async fn read(resolver: &Resolver, anchor: &TrackedAnchor) -> Result<KeySetReading, IterationFailure> {
    let Resolver { net, state, settings } = resolver;
    read_anchor_keys(net, state, settings, anchor, ResolutionScope::whole(), (1000, NOW)).await
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_from_the_servers_each_time() {
    let keys = vec![Signer::new(".", 1).key(), Signer::new(".", 2).key()];
    let resolver = resolver(keys.clone(), (NOW - 1000, NOW + 1000));
    for _ in 0..2 {
        let reading = read(&resolver, &anchor(1)).await.unwrap();
        let expected: Vec<ZoneKey> = keys.iter().filter_map(|key| ZoneKey::parse_any(key)).collect();
        assert_eq!((reading.keys.len(), &reading.signed_by[..]), (2, &expected[..1]));
        assert_eq!((reading.original_ttl, reading.expires_in), (3600, 1000));
        assert_eq!(resolver.asked(), [". DNSKEY @192.0.2.1"]);
    }
}

/// The same key stands there twice, once revoked: its signature is by the one that its tag names.
#[tokio::test(start_paused = true)]
async fn a_signature_is_by_the_key_of_its_tag() {
    let key = Signer::new(".", 1).key();
    let mut revoked = key.clone();
    revoked[1] |= 0x80;
    let resolver = resolver(vec![revoked, key.clone()], (NOW - 1000, NOW + 1000));
    let reading = read(&resolver, &anchor(1)).await.unwrap();
    assert_eq!(reading.signed_by, [ZoneKey::parse(&key).unwrap()]);
}

/// Only signatures that are right, valid now and by a key of the anchor count.
#[tokio::test(start_paused = true)]
async fn sets_that_no_trusted_key_signs() {
    let (one, two) = (Signer::new(".", 1).key(), Signer::new(".", 2).key());
    let good = (NOW - 1000, NOW + 1000);
    let both = resolver(vec![one.clone(), two.clone()], good);
    let failure = read(&both, &anchor(3)).await.unwrap_err();
    assert_eq!(failure, ValidationFailure::NoTrustedKey(name(".")).into());
    // Key 2 is there and has not signed.
    assert!(matches!(read(&both, &anchor(2)).await.unwrap_err(), IterationFailure::Bogus(_)));
    for times in [(NOW - 1000, NOW - 1), (NOW + 1, NOW + 1000)] {
        let old = resolver(vec![one.clone(), two.clone()], times);
        let failure = read(&old, &anchor(1)).await.unwrap_err();
        assert!(matches!(failure, IterationFailure::Bogus(_)), "{failure}");
    }
}
