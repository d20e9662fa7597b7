//! A copy of the root zone at hand (RFC 8806) is looked at before the servers of the root are asked.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use rhumb_cache::{ANY_TYPE, CredibilityRank, LearntRecords, RecordContent, SecurityStatus};
use rhumb_wire::{NameRef, Type};

use super::Resolver;
use super::internet::{ServerSays, name, nothing_but, referral, written};
use super::signed::{self, NOW, Signer};
use crate::iterate::clock::QuestionClock;
use crate::iterate::iteration::IterationCourse;
use crate::iterate::zone_cut::APEX;
use crate::iterate::{ResolutionScope, RootCopy, StubZone, resolve};
use crate::question::OutboundQuestion;

/// A copy in which the zone's keys have this number.
struct CopyAtHand {
    keys: u8,
    asked: Mutex<Vec<String>>,
    bogus: AtomicUsize,
}

impl fmt::Debug for CopyAtHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CopyAtHand({})", self.keys)
    }
}

impl RootCopy for CopyAtHand {
    fn reply(&self, question: &OutboundQuestion) -> Option<Vec<u8>> {
        let (root, test) = (Signer::new(".", self.keys), Signer::new("test.", 2));
        let (text, qtype) = (question.name.to_string(), question.qtype);
        self.asked.lock().unwrap().push(format!("{text} {qtype}"));
        let ns = root.sign(&[". 3600 NS root.example."]);
        let said = |answer| ServerSays { authority: ns, ..nothing_but(answer) };
        let said = match (text.as_str(), qtype) {
            (".", Type::DNSKEY) => said(root.sign(&[&root.dnskey()])),
            ("test.", Type::DS) => said(root.sign(&[&test.ds()])),
            _ => {
                let mut said = referral("test.", &[("ns.test.", "192.0.2.2")]);
                said.authority.extend(root.sign(&[&test.ds()]));
                said
            }
        };
        Some(written(&said, 0, question.name.as_ref(), qtype))
    }

    fn is_bogus(&self) {
        self.bogus.fetch_add(1, Relaxed);
    }
}

fn copy(keys: u8) -> CopyAtHand {
    CopyAtHand { keys, asked: Mutex::default(), bogus: AtomicUsize::new(0) }
}

async fn told(resolver: &Resolver, copy: &CopyAtHand, text: &str, qtype: Type) -> String {
    let Resolver { net, state, settings } = resolver;
    let scope = ResolutionScope { root: copy, ..ResolutionScope::whole() };
    let question = OutboundQuestion::new(name(text).as_ref(), qtype);
    match resolve(net, state, settings, &question, scope, (1000, NOW)).await {
        Ok(found) => super::told(&found),
        Err(failure) => failure.to_string(),
    }
}

fn of_root(asked: &[String]) -> usize {
    asked.iter().filter(|asked| asked.ends_with("@192.0.2.1")).count()
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_looked_at_in_place_of_the_servers() {
    let (resolver, copy) = (signed::resolver(|_, _, said| said), copy(1));
    assert_eq!(told(&resolver, &copy, "www.test", Type::A).await, "NOERROR www.test. A");
    let asked = resolver.asked();
    assert_eq!((of_root(&asked), copy.bogus.load(Relaxed)), (0, 0), "{asked:?}");
    // Of names further down it is not asked, for their servers are known.
    assert_eq!(*copy.asked.lock().unwrap(), ["test. A", ". DNSKEY"]);
    // What a server of the root says of its servers is kept, so it is from the copy, unless clients are not shown them.
    for (minimal, kept) in [(false, true), (true, false)] {
        let mut resolver = signed::resolver(|_, _, said| said);
        resolver.settings.minimal_responses = minimal;
        assert_eq!(told(&resolver, &copy, "test", Type::DS).await, "NOERROR test. DS");
        assert_eq!(resolver.state.records.get(NameRef::ROOT, APEX, 1000).is_some(), kept);
    }
}

/// Servers that the configuration names for the root are asked all the same.
#[tokio::test(start_paused = true)]
async fn a_stub_for_the_root_goes_before_its_copy() {
    let (mut resolver, copy) = (signed::resolver(|_, _, said| said), copy(1));
    let servers = vec!["192.0.2.1:53".parse().unwrap()];
    resolver.settings.stubs.push(StubZone { domain: name("."), servers });
    assert_eq!(told(&resolver, &copy, "www.test", Type::A).await, "NOERROR www.test. A");
    assert!(copy.asked.lock().unwrap().is_empty());
}

/// The trust anchor is another key than those of the copy.
#[tokio::test(start_paused = true)]
async fn a_bogus_copy_is_told_of_once_and_the_servers_are_asked() {
    let (resolver, copy) = (signed::resolver(|_, _, said| said), copy(9));
    assert_eq!(told(&resolver, &copy, "www.test", Type::A).await, "NOERROR www.test. A");
    assert_eq!(copy.bogus.load(Relaxed), 1);
    assert!(of_root(&resolver.asked()) > 0);
    let looked_at = copy.asked.lock().unwrap().len();
    assert!(looked_at <= 3, "it was looked at {looked_at} times");
}

fn learnt(owner: &str, rtype: Type, security: SecurityStatus) -> LearntRecords {
    LearntRecords {
        owner: name(owner),
        rtype,
        content: RecordContent::NoData,
        attached: Box::default(),
        credibility: CredibilityRank::Authoritative,
        security,
        ttl: 600,
        stored: 1000,
    }
}

/// Of the names that a bogus copy was asked for only what was validated stays.
#[tokio::test(start_paused = true)]
async fn what_a_bogus_copy_said_is_forgotten() {
    let (resolver, copy) = (signed::resolver(|_, _, said| said), copy(9));
    let Resolver { net, state, settings } = &resolver;
    let scope = ResolutionScope { root: &copy, ..ResolutionScope::whole() };
    let mut course = IterationCourse::new(net, state, settings, scope, QuestionClock::new((1000, NOW)));
    let (unchecked, secure) = (SecurityStatus::Unchecked, SecurityStatus::Secure);
    let all =
        [("bad.", unchecked), ("of-copy.", unchecked), ("checked.", secure), ("of-servers.", unchecked)];
    for (owner, security) in all {
        let records = learnt(owner, Type::A, security);
        course.learnt.push(state.records.put(Arc::new(records)));
    }
    let left = |course: &IterationCourse<'_, _>| -> Vec<String> {
        course.learnt.iter().map(|known| known.owner.to_string()).collect()
    };
    // The names of the copy lie elsewhere.
    course.of_copy = vec![name("of-copy"), name("checked")];
    course.forget(&learnt("bad.", Type::AAAA, unchecked));
    assert_eq!((left(&course).len(), copy.bogus.load(Relaxed)), (4, 0));
    course.of_copy.push(name("bad"));
    course.forget(&learnt("bad.", Type::A, unchecked));
    assert_eq!(left(&course), ["checked.", "of-servers."]);
    let known = |owner: &str| state.records.get(name(owner).as_ref(), Type::A, 1000).is_some();
    assert_eq!(["bad", "of-copy", "checked", "of-servers"].map(known), [false, false, true, true]);
    course.forget(&learnt("bad.", Type::A, unchecked));
    assert_eq!((copy.bogus.load(Relaxed), course.copy_is_bogus), (1, true));
}

/// Whoever gave what is bogus is asked last from then on, and nobody else.
#[tokio::test(start_paused = true)]
async fn those_who_gave_what_is_bogus_are_suspects() {
    let (resolver, copy) = (signed::resolver(|_, _, said| said), copy(1));
    let Resolver { net, state, settings } = &resolver;
    let scope = ResolutionScope { root: &copy, ..ResolutionScope::whole() };
    for (rtype, suspects) in [(Type::A, &[1][..]), (ANY_TYPE, &[1, 2]), (Type::MX, &[])] {
        let mut course = IterationCourse::new(net, state, settings, scope, QuestionClock::new((1000, NOW)));
        let answered = [("bad", Type::A, 1), ("bad", Type::AAAA, 2), ("good", Type::A, 3)];
        course.answered =
            answered.map(|(text, rtype, last)| (name(text), rtype, ([192, 0, 2, last], 53).into())).into();
        course.forget(&learnt("bad.", rtype, SecurityStatus::Unchecked));
        let expected: Vec<std::net::SocketAddr> =
            suspects.iter().map(|last| ([192, 0, 2, *last], 53).into()).collect();
        assert_eq!(course.suspects, expected, "{rtype}");
    }
}
