//! The steps of a resolution in words, and their facts under names that stay the same.

use rhumb_cache::{ANY_TYPE, CredibilityRank, LearntRecords, RecordContent, SecurityStatus};
use rhumb_resolver::AttemptReport;
use rhumb_resolver::iterate::{
    AnchorKind, InsecureReason, IterationFailure, ReplyMeaning, ResolutionEvent, ServersOrigin, TrustFound,
};
use rhumb_resolver::validate::{DigestOutcome, ProofRole, SignatureOutcome};
use rhumb_wire::{DomainName, Type};

use super::explanation::ExplanationStep;
use super::show::{span, utc};
use crate::recursion::outcome_words;

/// A step, in words and facts.
pub(super) fn told(event: ResolutionEvent) -> ExplanationStep {
    match event {
        ResolutionEvent::Find { name, rtype } => named("find", &name, rtype, "find "),
        ResolutionEvent::Known { learnt, age, left } => known(&learnt, age, left),
        ResolutionEvent::KnownDenial { denial, left } => known_denial(&denial, left),
        ResolutionEvent::Servers { zone, origin, count } => servers(&zone, origin, count),
        ResolutionEvent::Query { name, rtype, attempt } => query(&name, rtype, &attempt),
        ResolutionEvent::RootCopy { name, rtype } => {
            named("local-root", &name, rtype, "the local copy of the root was asked for ")
        }
        ResolutionEvent::Shared { name, rtype } => {
            named("shared", &name, rtype, "another look-up was asking for the same: ")
        }
        ResolutionEvent::Reply(meaning) => reply(&meaning),
        ResolutionEvent::Failed(why) => failed(&why),
        ResolutionEvent::Validate { name, rtype } if rtype == ANY_TYPE => {
            of_name("validate", &name, format!("validate that {name} does not exist"))
        }
        ResolutionEvent::Validate { name, rtype } => named("validate", &name, rtype, "validate "),
        ResolutionEvent::Expect { name } => of_name("expect", &name, format!("should {name} be signed?")),
        ResolutionEvent::Keys { zone } => {
            ExplanationStep::new("keys", format!("keys of {zone}")).with("zone", zone.to_string())
        }
        ResolutionEvent::Anchor(kind) => anchor(&kind),
        ResolutionEvent::Digest { zone, tag, algorithm, kind, outcome } => {
            digest(&zone, tag, (algorithm, kind), outcome)
        }
        ResolutionEvent::Signature { owner, rtype, signer, tag, algorithm, expires, outcome } => {
            signature((&owner, rtype), &signer, (tag, algorithm, expires), outcome)
        }
        ResolutionEvent::Proof(role) => proof(&role),
        ResolutionEvent::Trust { zone, found, known } => trust(&zone, &found, known),
        ResolutionEvent::Verdict(security) => {
            let word = security_word(security);
            ExplanationStep::new("verdict", word.to_owned()).with("security", word)
        }
    }
}

fn known(learnt: &LearntRecords, age: u32, left: u32) -> ExplanationStep {
    let (age_words, left_words) = (span(age.into()), span(left.into()));
    let what = format!("in the cache: {}, {age_words} old, {left_words} left", content(learnt));
    of_learnt(ExplanationStep::new("known", what), learnt).with("age", age).with("left", left)
}

fn known_denial(denial: &LearntRecords, left: u32) -> ExplanationStep {
    let what = format!("{}, by proofs that came with other answers", content(denial));
    of_learnt(ExplanationStep::new("known-denial", what), denial).with("left", left)
}

fn failed(why: &IterationFailure) -> ExplanationStep {
    ExplanationStep::new("failed", format!("failed: {why}"))
        .with("ede", why.extended_error().code())
        .with("reason", why.to_string())
}

fn of_name(step: &'static str, name: &DomainName, what: String) -> ExplanationStep {
    ExplanationStep::new(step, what).with("name", name.to_string())
}

/// A signature of a set: its key's tag, algorithm, and when it expires.
fn signature(
    (owner, rtype): (&DomainName, Type),
    signer: &DomainName,
    (tag, algorithm, expires): (u16, u8, u32),
    outcome: SignatureOutcome,
) -> ExplanationStep {
    let (word, words) = signature_outcome(outcome, signer);
    let (algorithm_word, until) = (algorithm_word(algorithm), utc(expires.into()));
    let by = format!("by key {tag} ({algorithm_word}) of {signer}");
    named("signature", owner, rtype, "")
        .saying(format!("signature of {owner} {rtype} {by}, good until {until}: {words}"))
        .with("signer", signer.to_string())
        .with("key_tag", tag)
        .with("algorithm", algorithm)
        .with("expires", expires)
        .with("result", word)
}

fn named(step: &'static str, name: &DomainName, rtype: Type, before: &str) -> ExplanationStep {
    ExplanationStep::new(step, format!("{before}{name} {rtype}"))
        .with("name", name.to_string())
        .with("type", rtype.to_string())
}

fn of_learnt(step: ExplanationStep, learnt: &LearntRecords) -> ExplanationStep {
    let rtype = if learnt.rtype == ANY_TYPE { "any".to_owned() } else { learnt.rtype.to_string() };
    let origin = match learnt.credibility {
        CredibilityRank::Referral => "parent",
        CredibilityRank::Answer => "answer",
        CredibilityRank::Authoritative => "authority",
    };
    step.with("name", learnt.owner.to_string())
        .with("type", rtype)
        .with("origin", origin)
        .with("security", security_word(learnt.security))
}

fn content(learnt: &LearntRecords) -> String {
    let (name, rtype) = (&learnt.owner, learnt.rtype);
    let what = match &learnt.content {
        RecordContent::Records(set) => match set.records.len() {
            1 => format!("{name} {rtype}, 1 record"),
            count => format!("{name} {rtype}, {count} records"),
        },
        RecordContent::NoData => format!("{name} has no {rtype}"),
        RecordContent::NameError => format!("{name} does not exist"),
    };
    let origin = match learnt.credibility {
        CredibilityRank::Referral => "from its parent",
        CredibilityRank::Answer => "from an answer without AA",
        CredibilityRank::Authoritative => "from an authoritative answer",
    };
    format!("{what}, {origin}, {}", security_word(learnt.security))
}

const fn security_word(security: SecurityStatus) -> &'static str {
    match security {
        SecurityStatus::Unchecked => "not validated",
        SecurityStatus::Insecure => "insecure",
        SecurityStatus::Secure => "secure",
        SecurityStatus::Bogus => "bogus",
    }
}

fn servers(zone: &DomainName, origin: ServersOrigin, count: usize) -> ExplanationStep {
    let (word, words) = match origin {
        ServersOrigin::Configured => ("configuration", "by the configuration".to_owned()),
        ServersOrigin::Forward => ("forward", "upstreams of the forwarded domain".to_owned()),
        ServersOrigin::Delegation(left) => {
            ("delegation", format!("by a delegation, {} left", span(left.into())))
        }
    };
    let number = if count == 1 { "1 server".to_owned() } else { format!("{count} servers") };
    let step = ExplanationStep::new("servers", format!("{number} of {zone}, {words}"))
        .with("zone", zone.to_string())
        .with("origin", word)
        .with("count", count);
    match origin {
        ServersOrigin::Delegation(left) => step.with("left", left),
        ServersOrigin::Configured | ServersOrigin::Forward => step,
    }
}

fn query(name: &DomainName, rtype: Type, attempt: &AttemptReport) -> ExplanationStep {
    let (server, transport) = (attempt.server.identity().to_string(), attempt.transport.name());
    let (result, ms) = (outcome_words(attempt.outcome), attempt.elapsed.as_secs_f64() * 1000.0);
    let what = format!("query {name} {rtype} to {server} over {transport}: {result}, {ms:.1} ms");
    named("query", name, rtype, "")
        .saying(what)
        .with("server", server)
        .with("transport", transport)
        .with("result", result)
        .with("ms", ms)
}

fn reply(meaning: &ReplyMeaning) -> ExplanationStep {
    let step = |word: &str, what: String| ExplanationStep::new("reply", what).with("result", word);
    match meaning {
        ReplyMeaning::Records(1) => step("records", "reply: records".to_owned()),
        ReplyMeaning::Records(links) => step("records", format!("reply: records of {links} names")),
        ReplyMeaning::Alias(target) => {
            step("alias", format!("reply: an alias of {target}")).with("name", target.to_string())
        }
        ReplyMeaning::NoData => step("no-data", "reply: no such records".to_owned()),
        ReplyMeaning::NameError => step("no-name", "reply: no such name".to_owned()),
        ReplyMeaning::Referral(zone, count, signed) => {
            let signed_words = if *signed { ", with DS or a proof that there is none" } else { "" };
            let number = if *count == 1 { "1 server".to_owned() } else { format!("{count} servers") };
            step("referral", format!("reply: referral to {number} of {zone}{signed_words}"))
                .with("zone", zone.to_string())
                .with("count", *count)
        }
    }
}

fn anchor(kind: &AnchorKind) -> ExplanationStep {
    let step = |word: &str, what: String| ExplanationStep::new("anchor", what).with("result", word);
    match kind {
        AnchorKind::Trusted(zone) => {
            step("trusted", format!("begins at the trust anchor of {zone}")).with("zone", zone.to_string())
        }
        AnchorKind::Negative(domain, until) => {
            let until_words = until.map(|until| format!(" until {}", utc(until.into()))).unwrap_or_default();
            step("negative", format!("{domain} is taken as insecure by a negative trust anchor{until_words}"))
                .with("zone", domain.to_string())
                .with("until", *until)
        }
        AnchorKind::Absent => step("none", "no trust anchor covers it".to_owned()),
    }
}

fn digest(
    zone: &DomainName,
    tag: u16,
    (algorithm, kind): (u8, u8),
    outcome: DigestOutcome,
) -> ExplanationStep {
    let (word, words) = match outcome {
        DigestOutcome::Matched => ("matched", "matches that key"),
        DigestOutcome::OtherKey => ("other-key", "is the digest of another key"),
        DigestOutcome::NoKey => ("no-key", "there is no such key"),
        DigestOutcome::NotUsed => ("not-used", "not used: unknown, or there are better ones"),
    };
    let algorithm_word = algorithm_word(algorithm);
    let kind_word = match kind {
        1 => "SHA-1".to_owned(),
        2 => "SHA-256".to_owned(),
        4 => "SHA-384".to_owned(),
        other => format!("digest {other}"),
    };
    ExplanationStep::new("ds", format!("DS of {zone} key {tag} ({algorithm_word}), {kind_word}: {words}"))
        .with("zone", zone.to_string())
        .with("key_tag", tag)
        .with("algorithm", algorithm)
        .with("digest", kind)
        .with("result", word)
}

fn signature_outcome(outcome: SignatureOutcome, signer: &DomainName) -> (&'static str, String) {
    match outcome {
        SignatureOutcome::Right => ("right", "right".to_owned()),
        SignatureOutcome::Wrong => ("wrong", "wrong".to_owned()),
        SignatureOutcome::NotChecked => {
            ("not-checked", "not checked, that would be too much work".to_owned())
        }
        SignatureOutcome::Expired(ago) => ("expired", format!("expired {} ago", span(ago.into()))),
        SignatureOutcome::NotYet(time) => ("not-yet-valid", format!("valid only in {}", span(time.into()))),
        SignatureOutcome::Reversed => ("reversed", "it expires before it is valid".to_owned()),
        SignatureOutcome::NoKey => ("no-key", format!("{signer} has no such key")),
        SignatureOutcome::OtherSigner => ("other-signer", "not by the zone that is looked at".to_owned()),
        SignatureOutcome::WrongLabels => {
            ("wrong-labels", "its number of labels fits no name here".to_owned())
        }
    }
}

fn proof(role: &ProofRole) -> ExplanationStep {
    let ProofRole { owner, rtype, name, stands, opt_out } = role;
    let (word, words) = if *stands { ("stands-at", "stands at") } else { ("covers", "covers") };
    let opt_out_words = if *opt_out { ", leaving out unsigned delegations" } else { "" };
    ExplanationStep::new("proof", format!("{rtype} {owner} {words} {name}{opt_out_words}"))
        .with("owner", owner.to_string())
        .with("type", rtype.to_string())
        .with("result", word)
        .with("name", name.to_string())
        .with("opt_out", *opt_out)
}

fn trust(zone: &DomainName, found: &TrustFound, known: bool) -> ExplanationStep {
    let before = if known { ", found out before" } else { "" };
    let (word, what) = match found {
        TrustFound::Secure(keys) => {
            let key = |(tag, algorithm): &(u16, u8)| format!("{tag} ({})", algorithm_word(*algorithm));
            let keys: Vec<String> = keys.iter().map(key).collect();
            ("secure", format!("{zone} is signed by keys {}{before}", keys.join(", ")))
        }
        TrustFound::Insecure(why) => ("insecure", format!("{zone} is insecure: {}", insecure_words(*why))),
        TrustFound::Bogus(why) => ("bogus", format!("{zone} is bogus: {why}{before}")),
    };
    let step = ExplanationStep::new("trust", what).with("zone", zone.to_string()).with("security", word);
    let step = step.with("known", known);
    match found {
        TrustFound::Secure(keys) => {
            step.with("key_tags", keys.iter().map(|(tag, _)| *tag).collect::<Vec<u16>>())
        }
        TrustFound::Insecure(why) => step.with("reason", insecure_words(*why)),
        TrustFound::Bogus(why) => step.with("reason", why.to_string()),
    }
}

const fn insecure_words(why: InsecureReason) -> &'static str {
    match why {
        InsecureReason::NotAnchored => "no trust anchor covers it",
        InsecureReason::ParentInsecure => "its parent is",
        InsecureReason::NoDs => "its parent proves that it has no DS",
        InsecureReason::UnknownAlgorithms => {
            "its DS records have no algorithm and digest that are known here"
        }
        InsecureReason::Remembered => "found out before",
    }
}

fn algorithm_word(algorithm: u8) -> String {
    let word = match algorithm {
        5 => "RSASHA1",
        7 => "RSASHA1-NSEC3-SHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        other => return format!("algorithm {other}"),
    };
    word.to_owned()
}
