//! The steps of a resolution, as they are noted for those who ask.

use rhumb_cache::SecurityStatus;
use rhumb_wire::Type;

use super::Resolver;
use super::internet::{ServerSays, name};
use super::signed::{NOW, resolver};
use crate::iterate::trace::ResolutionTrace;
use crate::iterate::{
    AnchorKind, ReplyMeaning, ResolutionEvent, ResolutionScope, ResolutionStep, TrustFound, known_steps,
    resolve_traced,
};
use crate::question::OutboundQuestion;
use crate::validate::{DigestOutcome, SignatureOutcome};

async fn steps(resolver: &Resolver, text: &str, qtype: Type) -> Vec<ResolutionStep> {
    let question = OutboundQuestion::new(name(text).as_ref(), qtype);
    let Resolver { net, state, settings } = resolver;
    resolve_traced(net, state, settings, &question, ResolutionScope::whole(), (1000, NOW)).await.1
}

/// Steps in short, with their depths; those of the way down to the zone are left out.
fn told(steps: &[ResolutionStep]) -> Vec<String> {
    let word = |step: &ResolutionStep| {
        let text = match &step.event {
            ResolutionEvent::Find { name, rtype } => format!("find {name} {rtype}"),
            ResolutionEvent::Validate { name, rtype } => format!("validate {name} {rtype}"),
            ResolutionEvent::Keys { zone } => format!("keys {zone}"),
            ResolutionEvent::Anchor(AnchorKind::Trusted(zone)) => format!("anchor {zone}"),
            ResolutionEvent::Anchor(AnchorKind::Negative(zone, _)) => format!("negative anchor {zone}"),
            ResolutionEvent::Digest { zone, outcome, .. } => format!("digest {zone} {outcome:?}"),
            ResolutionEvent::Signature { owner, rtype, signer, outcome, .. } => {
                format!("signature {owner} {rtype} by {signer} {outcome:?}")
            }
            ResolutionEvent::Proof(role) => {
                let does = if role.stands { "stands at" } else { "covers" };
                format!("{} {} {does} {}", role.rtype, role.owner, role.name)
            }
            ResolutionEvent::Trust { zone, found: TrustFound::Secure(_), known } => {
                format!("secure {zone} {known}")
            }
            ResolutionEvent::Trust { zone, found: TrustFound::Insecure(why), .. } => {
                format!("insecure {zone} {why:?}")
            }
            ResolutionEvent::Verdict(security) => format!("{security:?}"),
            ResolutionEvent::Failed(why) => format!("failed: {why}"),
            _ => return None,
        };
        Some(format!("{}{text}", " ".repeat(step.depth)))
    };
    steps.iter().filter_map(word).collect()
}

#[tokio::test(start_paused = true)]
async fn the_chain_of_trust_is_told_from_its_anchor_on() {
    let resolver = resolver(|_, _, said| said);
    let found = steps(&resolver, "www.test", Type::A).await;
    let expected = [
        "find www.test. A",
        "validate www.test. A",
        " keys test.",
        "  find test. DS",
        "  validate test. DS",
        "   keys .",
        "    anchor .",
        "    find . DNSKEY",
        "    digest . Matched",
        "    signature . DNSKEY by . Right",
        "    secure . false",
        "   signature test. DS by . Right",
        "   Secure",
        "  find test. DNSKEY",
        "  digest test. Matched",
        "  signature test. DNSKEY by test. Right",
        "  secure test. false",
        " signature www.test. A by test. Right",
        " Secure",
    ];
    assert_eq!(told(&found), expected);
    let sent = found.iter().filter(|step| matches!(step.event, ResolutionEvent::Query { .. })).count();
    assert_eq!(sent, resolver.asked().len());
    let referral = ReplyMeaning::Referral(name("test"), 1, true);
    assert!(
        found.iter().any(|step| matches!(&step.event, ResolutionEvent::Reply(said) if *said == referral))
    );
    // From what is known.
    let again = steps(&resolver, "www.test", Type::A).await;
    assert_eq!(told(&again), ["find www.test. A"]);
    assert!(again.iter().any(|step| matches!(&step.event, ResolutionEvent::Known { learnt, left, .. }
        if learnt.security == SecurityStatus::Secure && *left > 0)));
    let question = OutboundQuestion::new(name("www.test").as_ref(), Type::A);
    assert_eq!(told(&known_steps(&resolver.state, &question, 1000)), [" secure test. true"]);
}

#[tokio::test(start_paused = true)]
async fn proofs_of_denial_are_told() {
    let resolver = resolver(|_, _, said| said);
    let found = told(&steps(&resolver, "none.test", Type::A).await);
    for step in [" NSEC test. covers none.test.", " NSEC test. covers *.test.", " Secure"] {
        assert!(found.iter().any(|found| found == step), "{step}: {found:#?}");
    }
    let found = told(&steps(&resolver, "www.test", Type::MX).await);
    assert!(found.iter().any(|found| found == " NSEC www.test. stands at www.test."), "{found:#?}");
    let found = told(&steps(&resolver, "www.plain", Type::A).await);
    assert!(found.iter().any(|found| found.ends_with("NSEC plain. stands at plain.")), "{found:#?}");
    assert!(found.contains(&"  insecure plain. NoDs".to_owned()), "{found:#?}");
    assert_eq!(found.last().unwrap(), " Insecure");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_told() {
    let resolver = resolver(|asked, test, said| {
        if asked.name != "www.test." || asked.qtype != Type::A {
            return said;
        }
        ServerSays {
            answer: test.sign_with(&["www.test. 300 A 198.51.100.1"], 2, (NOW - 20, NOW - 10)),
            ..said
        }
    });
    let found = told(&steps(&resolver, "www.test", Type::A).await);
    let signature = format!(" signature www.test. A by test. {:?}", SignatureOutcome::Expired(10));
    assert!(found.contains(&signature), "{found:#?}");
    assert!(found.last().unwrap().starts_with(" failed: dnskey "), "{found:#?}");
}

#[tokio::test(start_paused = true)]
async fn anchors_that_fit_nothing_are_told() {
    let mut one = resolver(|_, _, said| said);
    if let Some(trust) = &mut one.settings.trust {
        for digest in &mut trust.anchors[0].digests {
            digest.digest[0] ^= 1;
        }
    }
    let found = told(&steps(&one, "www.test", Type::A).await);
    let step = format!("digest . {:?}", DigestOutcome::OtherKey);
    assert!(found.iter().any(|found| found.trim_start() == step), "{found:#?}");

    let mut other = resolver(|_, _, said| said);
    if let Some(trust) = &mut other.settings.trust {
        trust.negative.push((name("test"), Some(NOW + 10)));
    }
    let found = told(&steps(&other, "www.test", Type::A).await);
    assert_eq!(found, ["find www.test. A", "validate www.test. A", " negative anchor test.", " Insecure"]);
}

#[test]
fn nothing_is_done_where_nobody_asks() {
    let mut trace = ResolutionTrace::default();
    trace.note(|| unreachable!("nobody asked"));
    let outer = trace.enter(|| unreachable!("nobody asked"));
    trace.leave(outer);
    assert!(!trace.is_kept() && trace.take().capacity() == 0);
}
