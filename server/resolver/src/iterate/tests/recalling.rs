//! Answers for which nobody is asked.

use rhumb_wire::Type;

use super::internet::{ScriptedInternet, answer, name, referral};
use super::signed::{resolver as signed, told as told_signed};
use super::{Resolver, told};
use crate::iterate::{IteratedAnswer, recall, refer};
use crate::question::OutboundQuestion;

fn recalled(resolver: &Resolver, text: &str, now: u32, beyond: u32) -> Option<IteratedAnswer> {
    let question = OutboundQuestion::new(name(text).as_ref(), Type::A);
    recall(&resolver.state, &resolver.settings, &question, &|_| true, now, beyond)
}

fn usual() -> Resolver {
    let net = ScriptedInternet::default().parent("192.0.2.1", "test.", "ns.test.", "192.0.2.2").with(
        "192.0.2.2",
        |asked| {
            Some(match asked.name.as_str() {
                "alias.test." => answer(&["alias.test. 300 CNAME www.test."]),
                "www.test." => answer(&["www.test. 300 A 198.51.100.1"]),
                _ => referral("sub.test.", &[("ns.sub.test.", "192.0.2.9")]),
            })
        },
    );
    Resolver::new(net)
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_given_and_also_a_while_after_its_end() {
    let resolver = usual();
    assert!(recalled(&resolver, "alias.test", 1000, 86_400).is_none());
    resolver.told("alias.test", Type::A).await;
    resolver.asked();
    let chain = "NOERROR alias.test. CNAME www.test. A";
    for (now, beyond, known) in [(1299, 0, true), (1300, 0, false), (1300, 60, true), (1360, 60, false)] {
        let found = recalled(&resolver, "alias.test", now, beyond);
        assert_eq!(found.as_ref().map(told).as_deref(), known.then_some(chain), "{now} {beyond}");
        assert!(found.is_none_or(|found| found.whole));
    }
    assert_eq!(resolver.asked(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn else_the_servers_to_ask_are_named() {
    let resolver = usual();
    let question = OutboundQuestion::new(name("x.sub.test").as_ref(), Type::A);
    let counts = |resolver: &Resolver| {
        let found = refer(&resolver.state, &question, 1000).unwrap();
        let header = rhumb_wire::MessageView::parse(&found.message).unwrap().header();
        (header.answers, header.authorities, header.additionals)
    };
    assert_eq!(counts(&resolver), (0, 0, 0));
    resolver.told("x.sub.test", Type::A).await;
    assert_eq!(counts(&resolver), (0, 1, 1));
}

/// What was asked for with CD, and never validated, is not recalled without.
#[tokio::test(start_paused = true)]
async fn what_was_not_validated_is_not_recalled() {
    let resolver = signed(|_, _, said| said);
    let question = OutboundQuestion {
        checking_disabled: true,
        ..OutboundQuestion::new(name("www.test").as_ref(), Type::A)
    };
    let Resolver { net, state, settings } = &resolver;
    let time = (1000, super::signed::NOW);
    let scope = crate::iterate::ResolutionScope::whole();
    crate::iterate::resolve(net, state, settings, &question, scope, time).await.unwrap();
    assert!(recall(state, settings, &question, &|_| true, 1001, 0).is_some());
    assert!(recalled(&resolver, "www.test", 1001, 0).is_none());
    told_signed(&resolver, "www.test", Type::A).await;
    assert!(recalled(&resolver, "www.test", 1001, 0).is_some());
}
