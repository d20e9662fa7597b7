//! Domains that are asked of recursive servers.

use std::sync::Arc;

use rhumb_wire::{MessageView, NameRef, Type, header};

use super::internet::{AskedQuestion, ScriptedInternet, ServerSays, answer, denial, name};
use super::signed::{NOW, Signer, nsec};
use super::{Resolver, told};
use crate::exchange::ServerStore;
use crate::forward::{UpstreamPolicy, UpstreamPool};
use crate::identity::ServerIdentity;
use crate::iterate::{ForwardZone, ResolutionScope, StubZone, resolve};
use crate::question::OutboundQuestion;
use crate::validate::TrustSettings;

/// The recursive server.
const FORWARDER: &str = "192.0.2.53";

fn forward_zone(domain: &str) -> ForwardZone {
    let identity = ServerIdentity::plain(format!("{FORWARDER}:53").parse().unwrap());
    let server = ServerStore::default().server(&identity);
    ForwardZone { domain: name(domain), pool: Arc::new(UpstreamPool::new(UpstreamPolicy::InOrder, [server])) }
}

/// What comes of a question where `domain` is forwarded.
async fn told_forwarded(resolver: &Resolver, domain: &str, text: &str, qtype: Type) -> String {
    let zone = forward_zone(domain);
    let forwards = |name: NameRef<'_>| name.is_at_or_below(zone.domain.as_ref()).then(|| zone.clone());
    let scope = ResolutionScope { own: &|_| true, forwards: &forwards, root: &() };
    let Resolver { net, state, settings } = resolver;
    let question = OutboundQuestion::new(name(text).as_ref(), qtype);
    match resolve(net, state, settings, &question, scope, (1000, NOW)).await {
        Ok(found) => {
            let flags = MessageView::parse(&found.message).unwrap().header().flags;
            format!("{}{}", told(&found), if flags & header::AD == 0 { "" } else { " AD" })
        }
        Err(failure) => failure.to_string(),
    }
}

/// What a recursive server has of a signed root, of `test.`, which is signed, and of `plain.`, which is not.
fn recursive(asked: &AskedQuestion, forged: bool) -> Option<ServerSays> {
    let (root, test) = (Signer::new(".", 1), Signer::new("test.", 2));
    let said = |answer| ServerSays { answer, ..ServerSays::default() };
    Some(match (asked.name.as_str(), asked.qtype) {
        (".", Type::DNSKEY) => said(root.sign(&[&root.dnskey()])),
        ("test.", Type::DS) => said(root.sign(&[&test.ds()])),
        ("test.", Type::DNSKEY) => said(test.sign(&[&test.dnskey()])),
        ("plain.", Type::DS) => {
            let mut authority = root.sign(&[". 3600 SOA ns.example. 60"]);
            authority.extend(root.sign(&[&nsec("plain.", "test.", &[Type::NS, Type::RRSIG, Type::NSEC])]));
            ServerSays { authority, ..ServerSays::default() }
        }
        ("www.test.", Type::DS) => {
            let mut authority = test.sign(&["test. 3600 SOA ns.test. 60"]);
            authority.extend(test.sign(&[&nsec("www.test.", "test.", &[Type::A, Type::RRSIG, Type::NSEC])]));
            ServerSays { authority, ..ServerSays::default() }
        }
        ("www.test.", Type::A) if forged => said(vec!["www.test. 60 A 192.0.2.66".to_owned()]),
        ("www.test.", Type::A) => said(test.sign(&["www.test. 3600 A 192.0.2.80"])),
        ("www.plain.", Type::A) => said(vec!["www.plain. 3600 A 192.0.2.81".to_owned()]),
        ("plain.", Type::A) => {
            said(vec!["plain. 3600 CNAME www.plain.".to_owned(), "www.plain. 3600 A 192.0.2.81".to_owned()])
        }
        ("plain.", Type::TXT) => denial(3, "plain."),
        ("alias.plain.", Type::A) => {
            let mut records = vec!["alias.plain. 3600 CNAME www.test.".to_owned()];
            records.extend(test.sign(&["www.test. 3600 A 192.0.2.80"]));
            said(records)
        }
        _ => return None,
    })
}

fn validating(forged: bool) -> Resolver {
    let net = ScriptedInternet::default().with(FORWARDER, move |asked| recursive(asked, forged));
    let mut resolver = Resolver::new(net);
    let mut trust = TrustSettings::default();
    trust.add(NameRef::ROOT, Signer::new(".", 1).digest());
    resolver.settings.trust = Some(trust);
    resolver
}

#[tokio::test(start_paused = true)]
async fn answers_are_validated_by_keys_that_come_the_same_way() {
    let resolver = validating(false);
    for (text, expected) in [
        ("www.test", "NOERROR www.test. A AD"),
        ("www.plain", "NOERROR www.plain. A"),
        ("alias.plain", "NOERROR alias.plain. CNAME www.test. A"),
    ] {
        assert_eq!(told_forwarded(&resolver, ".", text, Type::A).await, expected, "{text}");
    }
    let log = resolver.net.take_log();
    assert!(log.iter().all(|asked| asked.server.to_string() == FORWARDER && asked.recursion_desired));
    assert!(log.len() <= 7, "{log:?}");
}

/// What no zone should say of its apex is insecure as all else there.
#[tokio::test(start_paused = true)]
async fn the_apex_of_an_insecure_zone_may_be_odd() {
    let told = told_forwarded(&validating(false), ".", "plain", Type::A).await;
    assert_eq!(told, "NOERROR plain. CNAME www.plain. A");
    assert_eq!(told_forwarded(&validating(false), ".", "plain", Type::TXT).await, "NXDOMAIN");
}

#[tokio::test(start_paused = true)]
async fn a_forged_answer_is_bogus() {
    let told = told_forwarded(&validating(true), ".", "www.test", Type::A).await;
    assert_eq!(told, "www.test. A: no signature");
}

/// What one server says of the domains of others is not believed, nor kept (CVE-2021-25220).
#[tokio::test(start_paused = true)]
async fn a_forwarder_says_nothing_of_the_domains_of_others() {
    let net = ScriptedInternet::default()
        .with("192.0.2.1", |_| Some(denial(3, ".")))
        .with("192.0.2.7", |_| Some(answer(&["www.own.test. 3600 A 192.0.2.80"])))
        .with(FORWARDER, |asked| {
            Some(match asked.name.as_str() {
                "to.test." => {
                    answer(&["to.test. 3600 CNAME www.own.test.", "www.own.test. 3600 A 192.0.2.66"])
                }
                "denied.test." => ServerSays {
                    answer: vec!["denied.test. 3600 CNAME www.own.test.".to_owned()],
                    ..denial(3, "test.")
                },
                _ => ServerSays {
                    authority: vec!["own.test. 3600 NS ns.test.".to_owned()],
                    additional: vec!["ns.own.test. 3600 A 192.0.2.66".to_owned()],
                    ..answer(&["www.test. 3600 A 192.0.2.1"])
                },
            })
        });
    let mut resolver = Resolver::new(net);
    let servers = vec!["192.0.2.7:53".parse().unwrap()];
    resolver.settings.stubs.push(StubZone { domain: name("own.test"), servers });
    let zone = forward_zone("test");
    let forwards = |name: NameRef<'_>| {
        let own = "own.test".parse::<rhumb_wire::DomainName>().unwrap();
        let held = name.is_at_or_below(zone.domain.as_ref()) && !name.is_at_or_below(own.as_ref());
        held.then(|| zone.clone())
    };
    let scope = ResolutionScope { own: &|_| true, forwards: &forwards, root: &() };
    let Resolver { net, state, settings } = &resolver;
    for text in ["www.test", "to.test", "denied.test", "www.own.test"] {
        let question = OutboundQuestion::new(name(text).as_ref(), Type::A);
        let found = resolve(net, state, settings, &question, scope, (1000, NOW)).await.unwrap();
        assert!(told(&found).starts_with("NOERROR"), "{text}: {}", told(&found));
        let forged = found.message.windows(4).any(|bytes| bytes == [192, 0, 2, 66]);
        assert!(!forged, "{text}: the address that only the forwarder has");
    }
}

/// Also where a delegation below the domain is known: it was learnt in another way.
#[tokio::test(start_paused = true)]
async fn a_forwarded_domain_is_asked_of_its_servers_alone() {
    let net = ScriptedInternet::default()
        .parent("192.0.2.1", "test.", "ns.test.", "192.0.2.2")
        .parent("192.0.2.2", "deep.test.", "ns.deep.test.", "192.0.2.3")
        .with("192.0.2.3", |_| Some(answer(&["www.deep.test. 0 A 192.0.2.80"])))
        .with(FORWARDER, |asked| Some(answer(&[&format!("{} 3600 A 192.0.2.90", asked.name)])));
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("www.deep.test", Type::A).await, "NOERROR www.deep.test. A");
    resolver.net.take_log();
    let told = told_forwarded(&resolver, "test", "other.deep.test", Type::A).await;
    assert_eq!(told, "NOERROR other.deep.test. A");
    assert_eq!(resolver.asked(), ["other.deep.test. A @192.0.2.53"]);
}
