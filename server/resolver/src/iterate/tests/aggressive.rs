//! Denials by what was proven of other names (RFC 8198).

use rhumb_wire::Type;

use super::Resolver;
use super::internet::{ScriptedInternet, ServerSays, answer, denial, name};
use super::signed::{NOW, Signer, nsec, resolver, told};
use crate::validate::TrustSettings;

#[tokio::test(start_paused = true)]
async fn names_in_a_proven_gap_cost_no_question() {
    let resolver = resolver(|_, _, said| said);
    assert_eq!(told(&resolver, "none.test", Type::A).await, "NXDOMAIN AD");
    resolver.asked();
    for text in ["nothing.test", "a.b.none.test", "m.test"] {
        assert_eq!(told(&resolver, text, Type::A).await, "NXDOMAIN AD", "{text}");
    }
    // What no proof covers is asked for: names beyond www, types of the apex that it has.
    assert_eq!(resolver.asked(), [""; 0]);
    assert_eq!(told(&resolver, "www.test", Type::A).await, "NOERROR AD");
    assert_eq!(told(&resolver, "www.test", Type::AAAA).await, "NOERROR AD");
    resolver.asked();
    assert_eq!(told(&resolver, "www.test", Type::MX).await, "NOERROR AD");
    assert_eq!(told(&resolver, "zzz.test", Type::A).await, "NXDOMAIN AD");
    assert_eq!(resolver.asked(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn proofs_are_good_for_as_long_as_they_say_and_where_they_may_be_used() {
    let mut off = resolver(|_, _, said| said);
    off.settings.aggressive_nsec = false;
    let mut excepted = resolver(|_, _, said| said);
    if let Some(trust) = &mut excepted.settings.trust {
        trust.negative.push((name("in.test"), Some(NOW + 10)));
    }
    for (resolver, other) in [(&off, "other.test"), (&excepted, "x.in.test")] {
        told(resolver, "none.test", Type::A).await;
        resolver.asked();
        told(resolver, other, Type::A).await;
        assert!(!resolver.asked().is_empty(), "{other}");
    }
    // The minimum of the SOA is a minute.
    let resolver = resolver(|_, _, said| said);
    told(&resolver, "none.test", Type::A).await;
    let found = resolver.ask("other.test", Type::A).await.unwrap();
    assert!(found.ttl <= 60, "{}", found.ttl);
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    resolver.asked();
    let after = resolver.state.proofs.zone_of(name("other.test").as_ref(), 1061);
    assert!(after.is_none());
}

/// A wildcard, a delegation and an alias within the reach of proofs are not denied by them.
#[tokio::test(start_paused = true)]
async fn what_may_exist_is_asked_for() {
    let resolver = resolver(|asked, test, said| match asked.name.as_str() {
        "a.test." => {
            let proof = [
                nsec("*.test.", "deep.test.", &[Type::TXT]),
                nsec("test.", "*.test.", &[Type::SOA, Type::NS, Type::DNSKEY]),
            ];
            let signed = proof.iter().flat_map(|proof| test.sign(&[proof]));
            let authority = test.sign(&["test. 3600 SOA ns.test. 60"]).into_iter().chain(signed).collect();
            ServerSays { rcode: 0, authoritative: true, authority, ..ServerSays::default() }
        }
        _ => said,
    });
    assert_eq!(told(&resolver, "a.test", Type::A).await, "NOERROR AD");
    resolver.asked();
    assert_eq!(told(&resolver, "b.test", Type::A).await, "NOERROR AD");
    assert_eq!(resolver.asked(), [""; 0]);
    told(&resolver, "b.test", Type::TXT).await;
    assert!(!resolver.asked().is_empty());
}

/// Names by which a client finds out which keys of the root are trusted (RFC 8509).
#[tokio::test(start_paused = true)]
async fn the_root_key_sentinel_tells_of_the_trust_anchor() {
    let resolver = resolver(|_, _, said| said);
    let tag = Signer::new(".", 1).digest().tag;
    let other = tag ^ 1;
    for (label, tag, secure) in
        [("is", tag, true), ("not", tag, false), ("is", other, false), ("not", other, true)]
    {
        let asked = format!("root-key-sentinel-{label}-ta-{tag:05}.test");
        let told = told(&resolver, &asked, Type::A).await;
        assert_eq!(told == "NXDOMAIN AD", secure, "{asked}: {told}");
        assert_eq!(told.starts_with("root key sentinel"), !secure, "{asked}: {told}");
    }
}

/// The servers of the root are told which of its keys are trusted (RFC 8145).
#[tokio::test(start_paused = true)]
async fn priming_says_which_keys_are_trusted() {
    let net = ScriptedInternet::default().with("192.0.2.1", |asked| {
        let servers = ServerSays {
            additional: vec!["root.example. 3600 A 192.0.2.1".to_owned()],
            ..answer(&[". 3600 NS root.example."])
        };
        Some(if asked.name == "." { servers } else { denial(3, ".") })
    });
    let mut resolver = Resolver::new(net);
    let mut trust = TrustSettings::default();
    for key in [1, 2] {
        trust.add(name(".").as_ref(), Signer::new(".", key).digest());
    }
    resolver.settings.trust = Some(trust);
    let mut tags = [1, 2].map(|key| Signer::new(".", key).digest().tag);
    tags.sort_unstable();
    let Resolver { net, state, settings } = &resolver;
    assert!(crate::iterate::prime(net, state, settings, (1000, NOW)).await);
    let signal = format!("_ta-{:04x}-{:04x}. NULL @192.0.2.1", tags[0], tags[1]);
    assert_eq!(resolver.asked(), [". NS @192.0.2.1", &signal]);
}
