//! The way of questions through servers that say anything.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rhumb_resolver::iterate::{IteratedAnswer, QuestionCost, ResolutionFailure, limits, resolve};
use rhumb_resolver::validate::{KeyDigest, TrustAnchor, ZoneKey, limits as validation};
use rhumb_resolver::{
    IterationSettings, NameMinimisation, NameServer, OutboundQuestion, ResolutionScope, ResolverState,
    StubZone, TrustSettings, WorkLimits,
};
use rhumb_wire::{DomainName, MessageSection, MessageView, NameBuf, Rcode, Type, header};
use tokio::time::Instant;

use super::hostile_network::{HostileNetwork, ServerReaction, on_paused_clock};
use super::hostile_reply::{hostile_reply, key};
use super::input_script::InputScript;
use super::walk;

/// In the first byte of the input: answers are validated.
pub const VALIDATED: u8 = 1;
/// `test` has servers of its own.
pub const STUB: u8 = 2;
/// The two questions are asked at once.
const AT_ONCE: u8 = 4;
/// No validation is wanted by whoever asks.
const UNCHECKED: u8 = 8;

const NAMES: [&str; 5] = ["www.test", "b.a.www.test", "test", "x.other", "1.2.3.4.5.6.7.8.9.10.11.12.test"];
const TYPES: [Type; 8] =
    [Type::A, Type::AAAA, Type::DS, Type::NS, Type::CNAME, Type::ANY, Type::TXT, Type::DNSKEY];
/// Seconds of the cache's clock, and since 1970, when the first question is asked.
const TIME: (u32, u32) = (1000, 1_793_500_000);

/// Two questions to such servers: each ends in time, costs no more than it may, and its answer is whole.
pub fn run(input: &[u8]) {
    let script = InputScript::new(input);
    let flags = script.byte();
    let Some(settings) = settings(&script, flags) else { return };
    let net = HostileNetwork::new(
        |_, _, query: &[u8]| {
            let action = script.byte();
            let (silent, refused) = (action & 0xf0 == 0xf0 || script.is_empty(), action & 0xf0 == 0xe0);
            if silent || refused {
                return if silent { ServerReaction::Silence } else { ServerReaction::Refused };
            }
            let raw = action & 0xf0 == 0xd0;
            let reply = if raw { raw_reply(&script, query) } else { hostile_reply(&script, query) };
            reply.map_or(ServerReaction::Silence, |reply| {
                ServerReaction::Reply(reply, if action & 0xf0 == 0xc0 { 1500 } else { 5 })
            })
        },
        |_| match script.byte() % 4 {
            0 => Some(false),
            1 if flags & AT_ONCE != 0 => None,
            _ => Some(true),
        },
    );
    let state = ResolverState::new(1 << 20);
    on_paused_clock(async {
        let first = Instant::now();
        let ask = async || {
            let name = script.choose(&NAMES).and_then(|name| name.parse::<DomainName>().ok());
            let (Some(name), Some(qtype)) = (name, script.choose(&TYPES)) else {
                return QuestionCost::default();
            };
            let mut question = OutboundQuestion::new(name.as_ref(), *qtype);
            question.dnssec_ok = flags & VALIDATED != 0;
            question.checking_disabled = flags & UNCHECKED != 0;
            let begun = Instant::now();
            let later = u32::try_from((begun - first).as_secs()).unwrap_or(u32::MAX);
            let time = (TIME.0 + later, TIME.1 + later);
            let found = resolve(&net, &state, &settings, &question, ResolutionScope::whole(), time).await;
            assert!(begun.elapsed() <= limits::DEADLINE + Duration::from_millis(2), "{:?}", begun.elapsed());
            checked(found, &question, net.right.load(Relaxed))
        };
        let (one, other) =
            if flags & AT_ONCE != 0 { tokio::join!(ask(), ask()) } else { (ask().await, ask().await) };
        let spent = |part: fn(QuestionCost) -> usize| part(one) + part(other);
        assert_eq!(net.sent.load(Relaxed), spent(|cost| cost.queries));
        assert!(net.right.load(Relaxed) + net.wrong.load(Relaxed) <= spent(|cost| cost.signatures));
        assert!(net.wrong.load(Relaxed) <= 2 * validation::WRONG);
    });
}

pub fn settings(script: &InputScript<'_>, flags: u8) -> Option<IterationSettings> {
    let minimisation = [NameMinimisation::Relaxed, NameMinimisation::Strict, NameMinimisation::Off];
    let root = NameServer { name: "ns.root".parse().ok()?, addresses: vec![([192, 0, 2, 1], 53).into()] };
    let stub = StubZone { domain: "test".parse().ok()?, servers: vec![([192, 0, 2, 2], 53).into()] };
    let key = ZoneKey::parse(&key(0))?;
    let digest = KeyDigest::of(stub.domain.as_ref(), &key);
    let of_test = TrustAnchor { zone: stub.domain.clone(), digests: vec![digest] };
    let of_root = TrustAnchor {
        zone: DomainName::root(),
        digests: vec![KeyDigest::of(DomainName::root().as_ref(), &key)],
    };
    let trust = TrustSettings { anchors: vec![of_root, of_test], negative: Vec::new() };
    Some(IterationSettings {
        root: vec![root],
        stubs: if flags & STUB != 0 { vec![stub] } else { Vec::new() },
        minimisation: *script.choose(&minimisation)?,
        ipv4: true,
        ipv6: true,
        loopback: false,
        limits: WorkLimits::default(),
        lenient_before: 0,
        minimal_responses: flags & 16 != 0,
        aggressive_nsec: true,
        trust: (flags & VALIDATED != 0).then_some(trust),
    })
}

/// The next bytes of the input under the id of the query.
fn raw_reply(script: &InputScript<'_>, query: &[u8]) -> Option<Vec<u8>> {
    let bytes = script.bytes(usize::from(script.byte()));
    Some([query.get(..2)?, bytes].concat())
}

/// What a question cost, once that and its answer were looked at. So many signatures were right until now.
fn checked(
    found: Result<IteratedAnswer, ResolutionFailure>,
    question: &OutboundQuestion,
    right: usize,
) -> QuestionCost {
    let cost = found.as_ref().map_or_else(|failure| failure.cost, |answer| answer.cost);
    assert!(cost.queries <= limits::SENDS, "{cost:?}");
    // The last reply is read whole.
    assert!(cost.received <= limits::RECEIVED + usize::from(u16::MAX), "{cost:?}");
    assert!(cost.signatures <= validation::CHECKS && cost.hashes <= validation::HASHES, "{cost:?}");
    match found {
        Ok(answer) => check_answer(&answer, question, right),
        Err(failure) => assert!(!failure.to_string().is_empty()),
    }
    cost
}

fn check_answer(answer: &IteratedAnswer, question: &OutboundQuestion, right: usize) {
    walk::message(&answer.message);
    assert!(answer.ttl <= limits::TTL, "{}", answer.ttl);
    assert!(matches!(answer.rcode, Rcode::NOERROR | Rcode::NXDOMAIN), "{}", answer.rcode);
    let message = MessageView::parse(&answer.message).unwrap_or_else(|error| panic!("{error}"));
    let asked = message.question().ok().flatten();
    assert!(asked.is_some_and(|asked| asked.name == question.name.as_ref() && asked.qtype == question.qtype));
    let authentic = message.header().flags & header::AD != 0;
    assert!(!authentic || right > 0 && !question.checking_disabled, "nothing was validated");
    // The answer begins with the name that was asked for, or a DNAME above it.
    let first =
        message.records().filter_map(Result::ok).find(|record| record.section == MessageSection::Answer);
    let Some(first) = first else { return };
    let mut owner = NameBuf::new();
    let read = first.owner(&mut owner);
    let name = question.name.as_ref();
    let own = owner.as_ref() == name || first.rtype == Type::DNAME && name.is_at_or_below(owner.as_ref());
    assert!(read.is_ok() && own, "{} {} for {question:?}", owner.as_ref(), first.rtype);
}
