//! Answers for which nobody is asked.

use rhumb_cache::{ANY_TYPE, LearntRecords, RecordContent};
use rhumb_wire::Type;

use super::internet::{ScriptedInternet, answer, denial, name, referral};
use super::odd_apex::resolver as unsigned_zone;
use super::signed::{Signer, resolver as signed, told as told_signed};
use super::{Resolver, told};
use crate::iterate::{IteratedAnswer, RecalledQuestion, ResolutionEvent, ResolutionStep, known_steps, refer};
use crate::question::OutboundQuestion;

fn recalled(resolver: &Resolver, text: &str, now: u32, beyond: u32) -> Option<IteratedAnswer> {
    let question = OutboundQuestion::new(name(text).as_ref(), Type::A);
    recalled_question(resolver, &question, now, beyond)
}

fn recalled_question(
    Resolver { state, settings, .. }: &Resolver,
    question: &OutboundQuestion,
    now: u32,
    beyond: u32,
) -> Option<IteratedAnswer> {
    RecalledQuestion { state, settings, question, own: &|_| true, now }.recall(beyond)
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
    assert!(recalled_question(&resolver, &question, 1001, 0).is_some());
    assert!(recalled(&resolver, "www.test", 1001, 0).is_none());
    told_signed(&resolver, "www.test", Type::A).await;
    assert!(recalled(&resolver, "www.test", 1001, 0).is_some());
}

/// Each link of a chain of aliases is told, with what is known of the zone that signed it.
#[tokio::test(start_paused = true)]
async fn every_link_of_a_known_chain_is_told() {
    let net = ScriptedInternet::default().parent("192.0.2.1", "test.", "ns.test.", "192.0.2.2").with(
        "192.0.2.2",
        |asked| {
            let number: u32 = asked.name.trim_start_matches('l').split('.').next()?.parse().unwrap_or(0);
            Some(match number {
                0 => denial(0, "test."),
                5 => answer(&["l5.test. 300 A 198.51.100.1"]),
                _ => {
                    let alias = format!("l{number}.test. 300 CNAME l{}.test.", number + 1);
                    answer(&[alias.as_str()])
                }
            })
        },
    );
    let resolver = Resolver::new(net);
    let steps = |name_asked: &str| {
        let question = OutboundQuestion::new(name(name_asked).as_ref(), Type::A);
        let told = known_steps(&resolver.state, &question, 1000);
        let owner = |step: &ResolutionStep| match &step.event {
            ResolutionEvent::Known { learnt, .. } => Some(learnt.owner.to_string()),
            _ => None,
        };
        told.iter().filter_map(owner).collect::<Vec<_>>()
    };
    assert_eq!(steps("l1.test"), [""; 0]);
    resolver.told("l1.test", Type::A).await;
    assert_eq!(steps("l1.test"), ["l1.test.", "l2.test.", "l3.test.", "l4.test.", "l5.test."]);
    assert_eq!(steps("l4.test"), ["l4.test.", "l5.test."]);
}

/// The servers of its zone stand beside an answer: not beside an alias, a denial, what is secure, or where they are not wanted.
#[tokio::test(start_paused = true)]
async fn servers_stand_beside_what_is_plain() {
    let with_servers = |records: &[&str]| {
        let mut said = answer(records);
        said.authority = vec!["test. 300 NS ns.test.".to_owned()];
        said.additional = vec!["ns.test. 300 A 192.0.2.2".to_owned()];
        Some(said)
    };
    for (case, minimal, asked_for, count) in [
        ("an answer", false, ("www.test", Type::A), 1),
        ("an answer alone", true, ("www.test", Type::A), 0),
        ("an alias to an answer", false, ("alias.test", Type::A), 1),
        ("the alias itself", false, ("alias.test", Type::CNAME), 0),
        ("a denial", false, ("none.test", Type::A), 0),
    ] {
        let net = ScriptedInternet::default().parent("192.0.2.1", "test.", "ns.test.", "192.0.2.2").with(
            "192.0.2.2",
            move |asked| match asked.name.as_str() {
                "www.test." => with_servers(&["www.test. 300 A 198.51.100.1"]),
                "alias.test." => {
                    with_servers(&["alias.test. 300 CNAME www.test.", "www.test. 300 A 198.51.100.1"])
                }
                _ => Some(denial(3, "test.")),
            },
        );
        let mut resolver = Resolver::new(net);
        resolver.settings.minimal_responses = minimal;
        let found = resolver.ask("www.test", Type::A).await.unwrap();
        assert_eq!(found.rcode.to_string(), "NOERROR");
        let found = resolver.ask(asked_for.0, asked_for.1).await.unwrap();
        let head = rhumb_wire::MessageView::parse(&found.message).unwrap().header();
        let authorities =
            if case == "a denial" { head.authorities.saturating_sub(1) } else { head.authorities };
        assert_eq!((authorities, head.additionals), (count, count), "{case}");
    }
}

/// What is known is no answer where the name says of a key what is not so.
#[tokio::test(start_paused = true)]
async fn the_root_key_sentinel_counts_for_what_is_known() {
    let resolver = signed(|_, _, said| said);
    let tag = Signer::new(".", 1).digest().tag;
    for (tag, known) in [(tag, true), (tag ^ 1, false)] {
        let asked = format!("root-key-sentinel-is-ta-{tag:05}.test");
        told_signed(&resolver, &asked, Type::A).await;
        assert_eq!(recalled(&resolver, &asked, 1000, 86_400).is_some(), known, "{asked}");
    }
}

/// Of what has run out the newest counts.
#[tokio::test(start_paused = true)]
async fn a_newer_alias_or_denial_counts_more_than_an_older_address() {
    let resolver = usual();
    resolver.told("www.test", Type::A).await;
    let found = resolver.state.records.get(name("www.test").as_ref(), Type::A, 1000).unwrap();
    let denial = LearntRecords {
        rtype: ANY_TYPE,
        content: RecordContent::NameError,
        stored: 1400,
        ..LearntRecords::clone(&found)
    };
    resolver.state.records.put(denial);
    assert_eq!(recalled(&resolver, "www.test", 1800, 0).as_ref().map(told), None);
    assert_eq!(recalled(&resolver, "www.test", 1800, 86_400).as_ref().map(told).as_deref(), Some("NXDOMAIN"));
    // While it lasts, what is of the type comes first.
    assert_eq!(told(&recalled(&resolver, "www.test", 1200, 0).unwrap()), "NOERROR www.test. A");
}

/// What is bogus leaves what was validated before it.
#[tokio::test(start_paused = true)]
async fn a_forged_answer_leaves_the_stale_one() {
    let forged = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_forged = std::sync::Arc::clone(&forged);
    let resolver = signed(move |asked, _, mut said| {
        if asked.name == "www.test." && is_forged.load(std::sync::atomic::Ordering::Relaxed) {
            said.answer = vec!["www.test. 300 A 203.0.113.66".to_owned()];
        }
        said
    });
    told_signed(&resolver, "www.test", Type::A).await;
    let kept = resolver.state.records.get(name("www.test").as_ref(), Type::A, 1000).unwrap();
    // It has run out by now.
    resolver
        .state
        .records
        .put_shared(&std::sync::Arc::new(LearntRecords { stored: 600, ..LearntRecords::clone(&kept) }));
    forged.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(told_signed(&resolver, "www.test", Type::A).await, "www.test. A: no signature");
    let stale = recalled(&resolver, "www.test", 1000, 86_400).unwrap();
    assert!(stale.message.windows(4).any(|bytes| bytes == [198, 51, 100, 1]));
}

/// The proofs of a referral have no SOA, which the answer to a question for DS has.
#[tokio::test(start_paused = true)]
async fn a_question_for_ds_is_not_answered_by_a_referral() {
    let resolver = unsigned_zone(|_| answer(&["www.plain. 300 A 198.51.100.1"]));
    assert_eq!(resolver.told("www.plain", Type::A).await, "NOERROR www.plain. A");
    let question = OutboundQuestion::new(name("plain").as_ref(), Type::DS);
    assert!(recalled_question(&resolver, &question, 1000, 0).is_none());
    for _ in 0..2 {
        let found = resolver.ask("plain", Type::DS).await.unwrap();
        let head = rhumb_wire::MessageView::parse(&found.message).unwrap().header();
        assert_eq!((found.rcode.to_string().as_str(), head.authorities), ("NOERROR", 1));
    }
    assert!(recalled_question(&resolver, &question, 1000, 0).is_some());
    let asked = resolver.asked().iter().filter(|asked| asked.starts_with("plain. DS")).count();
    assert_eq!(asked, 1);
}
