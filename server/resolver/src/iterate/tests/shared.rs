//! Questions that are the same at one moment, and what the servers of a zone say of the network.

use std::sync::Arc;
use std::time::Duration;

use rhumb_wire::{NameRef, Type};
use tokio::time::Instant;

use super::Resolver;
use super::internet::{ScriptedInternet, answer, denial, name, referral};
use super::signed::{self, NOW};
use crate::iterate::address_progress::AddressProgress;
use crate::iterate::clock::QuestionClock;
use crate::iterate::iteration::IterationCourse;
use crate::iterate::zone_cut::ZoneCut;
use crate::iterate::{NameServer, ResolutionProgress, ResolutionScope, StubZone, resolve_watched};
use crate::question::OutboundQuestion;

/// `test.`, which answers, and `silent.`, whose server does not.
fn internet() -> ScriptedInternet {
    ScriptedInternet::default()
        .with("192.0.2.1", |asked| {
            Some(match asked.name.as_str() {
                name if name.ends_with("silent.") => referral("silent.", &[("ns.silent.", "192.0.2.99")]),
                name if name.ends_with("test.") => referral("test.", &[("ns.test.", "192.0.2.2")]),
                _ => denial(3, "."),
            })
        })
        .with("192.0.2.2", |asked| Some(answer(&[&format!("{} 300 A 198.51.100.1", asked.name)])))
}

/// The same question by two clients at once: its messages are sent once, and neither waits for anybody in the end.
#[tokio::test(start_paused = true)]
async fn questions_that_are_the_same_are_asked_once() {
    for (text, told) in
        [("www.test", "NOERROR www.test. A"), ("www.silent", "the only server of silent. is silent")]
    {
        let alone = Resolver::new(internet());
        assert_eq!(alone.told(text, Type::A).await, told);
        let both = Resolver::new(internet());
        let watched = async || {
            let progress = Arc::new(ResolutionProgress::default());
            let Resolver { net, state, settings } = &both;
            let question = OutboundQuestion::new(name(text).as_ref(), Type::A);
            let (scope, time) = (ResolutionScope::whole(), (1000, NOW));
            let found = resolve_watched(net, state, settings, &question, scope, time, &progress).await;
            assert!(progress.silence().is_none(), "{text}: servers are still waited for");
            found.map_or_else(|failure| failure.to_string(), |found| super::told(&found))
        };
        let (one, other) = tokio::join!(watched(), watched());
        assert_eq!((one.as_str(), other.as_str()), (told, told));
        assert_eq!(both.asked(), alone.asked());
    }
}

/// The time for the question ends before the server had its own: that is not silence.
#[tokio::test(start_paused = true)]
async fn too_little_time_is_no_silence() {
    let mut resolver = Resolver::new(internet());
    resolver.settings.limits.time = Duration::from_millis(300);
    let told = resolver.told("www.silent", Type::A).await;
    assert_eq!(told, "no answer within the time for one question");
}

/// Whether the network is there is said by servers of the world that reply, whatever they say.
#[tokio::test(start_paused = true)]
async fn the_network_is_heard_of_by_replies() {
    let heard = async |net: ScriptedInternet| {
        let resolver = Resolver::new(net);
        resolver.told("www.test", Type::A).await;
        resolver.state.heard.last().is_some()
    };
    assert!(heard(internet()).await);
    assert!(heard(ScriptedInternet::default().with("192.0.2.1", |_| Some(denial(5, ".")))).await);
    assert!(!heard(ScriptedInternet::default()).await);
}

/// While a resolution goes on: where the network is there, clients wait for servers that are up.
#[tokio::test(start_paused = true)]
async fn clients_wait_for_servers_that_may_answer() {
    let resolver = Resolver::new(internet());
    let Resolver { net, state, settings } = &resolver;
    // After the first question its server is down.
    for due in [4500, 1500] {
        let progress = Arc::new(ResolutionProgress::default());
        let question = OutboundQuestion::new(name("www.silent").as_ref(), Type::A);
        let (scope, time) = (ResolutionScope::whole(), (1000, NOW));
        let begun = Instant::now();
        let asked = resolve_watched(net, state, settings, &question, scope, time, &progress);
        let seen = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            state.heard.hear();
            let told = progress.silence().map(|(_, due)| due.duration_since(begun).as_millis());
            // The root replied a moment later than the question came.
            told.map(|told| told - told % 100)
        };
        let (found, told) = tokio::join!(asked, seen);
        assert!(found.is_err());
        assert_eq!(told, Some(due));
    }
}

/// What others heard counts for those who wait for the same, also of servers that say nothing of the world.
#[tokio::test(start_paused = true)]
async fn replies_to_others_are_heard() {
    let net =
        ScriptedInternet::default().with("192.0.2.2", |_| Some(answer(&["www.test. 300 CNAME www.silent."])));
    let mut resolver = Resolver::new(net);
    for (domain, server) in [("test", "192.0.2.2:53"), ("silent", "192.0.2.99:53")] {
        let servers = vec![server.parse().unwrap()];
        resolver.settings.stubs.push(StubZone { domain: name(domain), servers });
    }
    let Resolver { net, state, settings } = &resolver;
    let begun = Instant::now();
    let told = async || {
        let progress = Arc::new(ResolutionProgress::default());
        let question = OutboundQuestion::new(name("www.test").as_ref(), Type::A);
        let (scope, time) = (ResolutionScope::whole(), (1000, NOW));
        let asked = resolve_watched(net, state, settings, &question, scope, time, &progress);
        let seen = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            progress.silence().map(|(_, due)| due.duration_since(begun).as_millis())
        };
        tokio::join!(asked, seen).1
    };
    assert_eq!(tokio::join!(told(), told()), (Some(4500), Some(4500)));
    assert!(state.heard.last().is_none(), "a stub may be near by");
}

/// The first messages to the only server that is known were lost, and no other one is found: it is asked once more.
#[tokio::test(start_paused = true)]
async fn a_server_that_turns_out_to_be_alone_is_asked_again() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    for (lost, refuses, told) in
        [(2, false, "NOERROR www.test. A"), (0, true, "servers of test. say REFUSED")]
    {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let net = ScriptedInternet::default()
            .with("192.0.2.1", |asked| {
                Some(match asked.name.as_str() {
                    name if name.ends_with("test.") => referral("test.", &[("ns.other.", "")]),
                    _ => referral("other.", &[("ns1.other.", "192.0.2.3")]),
                })
            })
            .with("192.0.2.3", |asked| {
                Some(match asked.qtype {
                    Type::A => answer(&[&format!("{} 300 A 192.0.2.2", asked.name)]),
                    _ => denial(0, "other."),
                })
            })
            .with("192.0.2.2", move |asked| {
                let is_lost = count.fetch_add(1, Relaxed) < lost;
                let answered = answer(&[&format!("{} 300 A 198.51.100.1", asked.name)]);
                (!is_lost).then(|| if refuses { denial(5, "test.") } else { answered })
            });
        let mut resolver = Resolver::new(net);
        resolver.settings.ipv6 = true;
        assert_eq!(resolver.told("www.test", Type::A).await, told);
        assert_eq!(counted.load(Relaxed), if refuses { 1 } else { lost + 1 }, "messages to it");
    }
}

/// Others may be found where a server has its name elsewhere, and there are other servers or another family to look for.
#[tokio::test(start_paused = true)]
async fn where_more_servers_may_be_found() {
    let (within, elsewhere) = ("ns.test", "ns.other");
    for (servers, families, configured, all_asked, expected) in [
        (&[elsewhere][..], 2, false, false, true),
        (&[elsewhere], 1, false, false, false),
        (&[elsewhere, elsewhere], 1, false, false, true),
        (&[within, elsewhere], 1, false, false, true),
        (&[within], 2, false, false, false),
        (&[within, within], 1, false, false, false),
        (&[elsewhere], 2, true, false, false),
        (&[elsewhere], 2, false, true, false),
    ] {
        let mut resolver = signed::resolver(|_, _, said| said);
        resolver.settings.ipv6 = families == 2;
        let Resolver { net, state, settings } = &resolver;
        let clock = QuestionClock::new((1000, NOW));
        let course = IterationCourse::new(net, state, settings, ResolutionScope::whole(), clock);
        let servers: Vec<_> =
            servers.iter().map(|text| NameServer { name: name(text), addresses: Vec::new() }).collect();
        let mut progress = AddressProgress::default();
        while all_asked && progress.next(servers.len(), 0).is_some() {}
        let cut = ZoneCut { zone: name("test"), servers, configured, ..ZoneCut::hints(settings) };
        let found = course.may_find_more(&cut, &progress);
        assert_eq!(found, expected, "{:?}, {families} families, {configured} {all_asked}", cut.servers);
    }
}

/// The times of signatures do not count before the moment that is plainly wrong.
#[tokio::test(start_paused = true)]
async fn which_clocks_are_put_up_with() {
    for (lenient_before, counts) in [(0, true), (1, true), (NOW, true), (NOW + 1, false)] {
        let mut resolver = signed::resolver(|_, _, said| said);
        resolver.settings.lenient_before = lenient_before;
        let Resolver { net, state, settings } = &resolver;
        let clock = QuestionClock::new((1000, NOW));
        let course = IterationCourse::new(net, state, settings, ResolutionScope::whole(), clock);
        assert_eq!(course.signature_time(), counts.then_some(NOW), "{lenient_before}");
    }
}

/// There is no copy of the root unless one is given.
#[test]
fn no_copy_of_the_root_says_nothing() {
    let question = OutboundQuestion::new(NameRef::ROOT, Type::NS);
    assert_eq!(ResolutionScope::whole().root.reply(&question), None);
}
