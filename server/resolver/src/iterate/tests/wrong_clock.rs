//! A clock that is far from the times for which the root's keys are signed.

use rhumb_wire::Type;

use super::internet::{ScriptedInternet, ServerSays, name};
use super::signed::{self, NOW, Signer};
use super::{Resolver, told};
use crate::iterate::{ResolutionScope, resolve};
use crate::question::OutboundQuestion;

const YEAR: u32 = 365 * 86_400;

/// What is told when the clock shows `unix`, nothing being known.
async fn told_at(resolver: &Resolver, unix: u32) -> String {
    let Resolver { net, state, settings } = resolver;
    state.clear();
    state.forget_trust();
    let question = OutboundQuestion::new(name("www.test").as_ref(), Type::A);
    match resolve(net, state, settings, &question, ResolutionScope::whole(), (1000, unix)).await {
        Ok(found) => told(&found),
        Err(failure) => failure.to_string(),
    }
}

const RIGHT: &str = "NOERROR www.test. A";

#[tokio::test(start_paused = true)]
async fn a_clock_far_from_the_signatures_of_the_root_is_seen() {
    for unix in [NOW + YEAR, NOW - YEAR] {
        let resolver = signed::resolver(|_, _, said| said);
        let told = told_at(&resolver, unix).await;
        assert!(told.contains("signature of . DNSKEY"), "{told}");
        assert!(resolver.state.is_far_from_signatures(unix));
        assert_eq!(told_at(&resolver, NOW).await, RIGHT, "it was set");
        assert!(!resolver.state.is_far_from_signatures(NOW));
        assert!(!resolver.state.is_far_from_signatures(unix), "keys are rightly signed by now");
    }
}

/// What expired a moment ago says nothing of the clock.
#[tokio::test(start_paused = true)]
async fn a_root_that_was_not_signed_in_time_is_bogus() {
    let mut resolver = signed::resolver(|_, _, said| said);
    resolver.settings.lenient_before = 1;
    let told = told_at(&resolver, NOW + 86_400).await;
    assert!(told.contains("signature of . DNSKEY"), "{told}");
    assert!(!resolver.state.is_far_from_signatures(NOW + 86_400));
}

/// Nor do old signatures that are wrong.
#[tokio::test(start_paused = true)]
async fn keys_that_nobody_signed_say_nothing_of_the_clock() {
    let net = ScriptedInternet::default().with("192.0.2.1", |asked| {
        let root = Signer::new(".", 1);
        let mut answer = match asked.qtype {
            Type::DNSKEY => root.sign(&[&root.dnskey()]),
            _ => root.sign(&[&format!("{} 300 A 198.51.100.1", asked.name)]),
        };
        let signature = answer.last_mut().unwrap();
        let end = if signature.pop() == Some('0') { '1' } else { '0' };
        signature.push(end);
        Some(ServerSays { authoritative: true, answer, ..ServerSays::default() })
    });
    let mut resolver = Resolver::new(net);
    resolver.settings.trust = signed::resolver(|_, _, said| said).settings.trust;
    resolver.settings.lenient_before = 1;
    let told = told_at(&resolver, NOW + YEAR).await;
    assert!(told.contains("signature of . DNSKEY expired"), "{told}");
    assert!(!resolver.state.is_far_from_signatures(NOW + YEAR));
}

/// Names resolve all the same where that is wanted, until the clock was right once: after that somebody may show old signatures again.
#[tokio::test(start_paused = true)]
async fn a_lenient_resolver_waits_for_the_clock_to_be_set() {
    let mut resolver = signed::resolver(|_, _, said| said);
    resolver.settings.lenient_before = 1;
    for unix in [NOW + YEAR, NOW - YEAR, NOW] {
        assert_eq!(told_at(&resolver, unix).await, RIGHT, "{unix}");
    }
    let told = told_at(&resolver, NOW + YEAR).await;
    assert!(told.contains("expired"), "{told}");
}
