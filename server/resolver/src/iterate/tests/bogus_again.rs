//! What is bogus is asked for again, and what is told of it in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rhumb_wire::{NameRef, Type};

use super::internet::{AskedQuestion, ScriptedInternet, ServerSays, name};
use super::signed::{self, NOW, Signer, hex, nsec};
use super::{Resolver, told};
use crate::exchange::ServerStore;
use crate::forward::{UpstreamPolicy, UpstreamPool};
use crate::identity::ServerIdentity;
use crate::iterate::{ForwardZone, ResolutionScope, resolve};
use crate::question::OutboundQuestion;
use crate::validate::TrustSettings;

/// Recursive servers at 192.0.2.51 and up, all of which say the same, and a resolver that validates.
fn forwarding(says: fn(&AskedQuestion) -> Option<ServerSays>, count: u8) -> (Resolver, ForwardZone) {
    let store = ServerStore::default();
    let addresses = (0..count).map(|number| format!("192.0.2.{}", 51 + number));
    let net = addresses.clone().fold(ScriptedInternet::default(), |net, address| net.with(&address, says));
    let servers = addresses
        .map(|address| store.server(&ServerIdentity::plain(format!("{address}:53").parse().unwrap())));
    let pool = Arc::new(UpstreamPool::new(UpstreamPolicy::InOrder, servers));
    let mut resolver = Resolver::new(net);
    let mut trust = TrustSettings::default();
    trust.add(NameRef::ROOT, Signer::new(".", 1).digest());
    resolver.settings.trust = Some(trust);
    resolver.settings.aggressive_nsec = false;
    (resolver, ForwardZone { domain: name("."), pool })
}

async fn told_forwarded((resolver, zone): &(Resolver, ForwardZone), text: &str, qtype: Type) -> String {
    let forwards = |_: NameRef<'_>| Some(zone.clone());
    let scope = ResolutionScope { forwards: &forwards, ..ResolutionScope::whole() };
    let Resolver { net, state, settings } = resolver;
    let question = OutboundQuestion::new(name(text).as_ref(), qtype);
    match resolve(net, state, settings, &question, scope, (1000, NOW)).await {
        Ok(found) => told(&found),
        Err(failure) => failure.to_string(),
    }
}

/// A chain that ends at `www.test.`, whose records are forged; each alias comes with proofs, the first with one that is none.
fn forged(asked: &AskedQuestion) -> Option<ServerSays> {
    let (root, test) = (Signer::new(".", 1), Signer::new("test.", 2));
    let proof = test.sign(&[&nsec("www.test.", "test.", &[Type::A, Type::RRSIG, Type::NSEC])]);
    let said = |answer| ServerSays { answer, ..ServerSays::default() };
    let proven = |answer| ServerSays { answer, authority: proof.clone(), ..ServerSays::default() };
    Some(match (asked.name.as_str(), asked.qtype) {
        (".", Type::DNSKEY) => said(root.sign(&[&root.dnskey()])),
        ("test.", Type::DS) => said(root.sign(&[&test.ds()])),
        ("test.", Type::DNSKEY) => said(test.sign(&[&test.dnskey()])),
        ("www.test.", Type::DS) => {
            let soa = test.sign(&["test. 3600 SOA ns.test. 60"]);
            ServerSays { authority: [soa, proof].concat(), ..ServerSays::default() }
        }
        ("alias.test.", _) => proven(test.sign(&["alias.test. 3600 CNAME mid.test."])),
        ("mid.test.", _) => proven(test.sign(&["mid.test. 3600 CNAME www.test."])),
        ("www.test.", Type::A) => said(vec!["www.test. 60 A 192.0.2.66".to_owned()]),
        ("www.test.", Type::AAAA) => said(vec!["www.test. 60 AAAA 2001:db8::66".to_owned()]),
        _ => return None,
    })
}

/// Once more at any rate; after that as long as there is another server, three times in all.
#[tokio::test(start_paused = true)]
async fn what_forwarders_forge_is_asked_for_again() {
    for (count, times) in [(1, 2), (2, 3), (3, 3)] {
        let forwarder = forwarding(forged, count);
        assert_eq!(told_forwarded(&forwarder, "www.test", Type::A).await, "www.test. A: no signature");
        let asked = forwarder.0.asked();
        let again = asked.iter().filter(|asked| asked.starts_with("www.test. A ")).count();
        assert_eq!(again, times, "{count} servers: {asked:?}");
        assert!(forwarder.0.state.heard.last().is_none(), "forwarders may be near by");
    }
}

/// A forwarder proved that the end of a chain has nothing, and then says otherwise: the proof for that very name counts.
#[tokio::test(start_paused = true)]
async fn what_was_proven_stands_in_for_what_is_bogus() {
    let told = told_forwarded(&forwarding(forged, 1), "alias.test", Type::AAAA).await;
    assert_eq!(told, "NOERROR alias.test. CNAME mid.test. CNAME");
    assert_eq!(
        told_forwarded(&forwarding(forged, 1), "www.test", Type::AAAA).await,
        "www.test. AAAA: no signature"
    );
}

/// Servers say something else each time: the last of it is told of.
#[tokio::test(start_paused = true)]
async fn the_last_that_is_bogus_is_told_of() {
    let times = AtomicUsize::new(0);
    let resolver = signed::resolver(move |asked, test, said| {
        if asked.name != "www.test." || asked.qtype != Type::A {
            return said;
        }
        let until = NOW - 1000 + 100 * times.fetch_add(1, Relaxed) as u32;
        ServerSays {
            answer: test.sign_with(&["www.test. 300 A 198.51.100.1"], 2, (NOW - 5000, until)),
            ..said
        }
    });
    let told = signed::told(&resolver, "www.test", Type::A).await;
    assert!(told.contains("expired 15 min ago"), "{told}");
}

/// The zone's keys were not found to be bogus where the question had no checks left.
#[tokio::test(start_paused = true)]
async fn a_question_without_checks_says_nothing_of_a_zone() {
    let mut resolver = signed::resolver(|_, _, said| said);
    resolver.settings.limits.checks = 0;
    let told = signed::told(&resolver, "www.test", Type::A).await;
    assert!(!told.starts_with("NOERROR"), "{told}");
    resolver.settings.limits.checks = 100;
    assert_eq!(signed::told(&resolver, "www.test", Type::A).await, "NOERROR AD");
}

/// Iterations of NSEC3 that are too many are told of with the answer, which counts as unsigned (RFC 9276 section 3.2).
#[tokio::test(start_paused = true)]
async fn iterations_that_are_too_many_are_told_of() {
    let resolver = signed::resolver(|asked, test, said| {
        if asked.name != "none.test." || asked.qtype == Type::DS {
            return said;
        }
        let rdata = [&[1, 0, 0x01, 0xF4, 0, 20][..], &[0xFF; 20]].concat();
        let proof = format!("{}.test. 3600 NSEC3 \\# {}", "0".repeat(32), hex(&rdata));
        let soa = test.sign(&["test. 3600 SOA ns.test. 60"]);
        ServerSays { authority: [soa, test.sign(&[&proof])].concat(), ..said }
    });
    let found = resolver.ask("none.test", Type::A).await.unwrap();
    assert_eq!((told(&found).as_str(), found.refused_iterations), ("NXDOMAIN", Some(500)));
    assert_eq!(resolver.ask("www.test", Type::A).await.unwrap().refused_iterations, None);
}
