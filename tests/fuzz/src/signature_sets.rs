//! Keys and signatures that cost as many checks as their zone can make them cost (CVE-2023-50387).

use std::sync::atomic::Ordering::Relaxed;

use rhumb_cache::RecordSet;
use rhumb_resolver::iterate::resolve;
use rhumb_resolver::validate::{SetCheck, ZoneKey, limits, set_checks};
use rhumb_resolver::{OutboundQuestion, ResolutionScope, ResolverState};
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, DomainName, MessageSection, MessageView, MessageWriter, Type, header};

use super::hostile_network::{HostileNetwork, ServerReaction, on_paused_clock};
use super::hostile_reply::key;
use super::input_script::InputScript;
use super::resolver_steps::{self, STUB, VALIDATED};

const NOW: u32 = 1_793_500_000;
const DAY: u32 = 86_400;
const TTL: u32 = 300;
/// Names of the zone `test`, the owners of sets, and signers of their signatures.
const NAMES: [&str; 4] = ["www.test", "test", "*.test", "a.b.c.test"];
const SIGNERS: [&str; 8] = ["test", "test", "test", "test", "TEST", "a.test", ".", "other"];

/// A signature as an input describes it.
struct DescribedSignature {
    algorithm: u8,
    labels: usize,
    expiration: u32,
    inception: u32,
    tag: u16,
    signer: DomainName,
}

/// The checks that a set asks for are those that it should, and few; a question that meets many such sets makes no more checks than it may.
pub fn run(input: &[u8]) {
    let script = InputScript::new(input);
    let name = script.choose(&NAMES).and_then(|name| name.parse::<DomainName>().ok());
    let (Some(owner), Ok(zone)) = (name, "test".parse::<DomainName>()) else { return };
    let keys: Vec<[u8; 8]> = (0..script.byte() % 40).map(|_| key(script.byte())).collect();
    let count = script.byte() % 40;
    let signatures: Vec<_> = (0..count).filter_map(|_| DescribedSignature::read(&script)).collect();
    let rdata: Vec<_> = signatures.iter().map(|signature| signature.rdata(Type::A)).collect();
    let set = RecordSet {
        owner,
        rtype: Type::A,
        ttl: TTL,
        records: [&[192, 0, 2, 1][..], &[192, 0, 2, 2]].into_iter().collect(),
        signatures: rdata.iter().map(Vec::as_slice).collect(),
    };
    let zone_keys: Vec<_> = keys.iter().filter_map(|key| ZoneKey::parse(key)).collect();
    for now in [Some(NOW), None] {
        let fits = |signature: &&DescribedSignature| signature.fits(&set.owner, &zone, now);
        let by = |signature: &DescribedSignature| {
            let by = |key: &&ZoneKey| key.tag() == signature.tag && key.algorithm() == signature.algorithm;
            zone_keys.iter().filter(by).count().min(limits::SAME_TAG)
        };
        let expected: usize = signatures.iter().filter(fits).map(by).sum();
        let found = set_checks(&set, zone.as_ref(), &zone_keys, now).unwrap_or_default();
        assert_eq!(found.len(), expected.min(limits::CHECKS_OF_SET), "{set:?} {zone_keys:?}");
        for check in &found {
            look_at(check, &set, &zone_keys, now);
        }
    }
    ask(&script, &keys, &signatures);
}

impl DescribedSignature {
    fn read(script: &InputScript<'_>) -> Option<Self> {
        let &[kind, by, times] = script.bytes(3).first_chunk::<3>()?;
        let at = |index: u8| NOW - 4 * DAY + u32::from(index & 7) * DAY + 1;
        let key = ZoneKey::parse(&key(by))?;
        Some(Self {
            algorithm: if kind & 0x80 != 0 { 8 } else { key.algorithm() },
            labels: usize::from(kind >> 4 & 7),
            expiration: at(times),
            inception: at(times >> 3),
            tag: if times & 0x80 != 0 { key.tag().wrapping_add(1) } else { key.tag() },
            signer: SIGNERS.get(usize::from(kind & 7))?.parse().ok()?,
        })
    }

    fn rdata(&self, covered: Type) -> Vec<u8> {
        let head = [self.algorithm, self.labels as u8];
        let [ttl, expiration, inception] = [TTL / 2, self.expiration, self.inception].map(u32::to_be_bytes);
        let signer = self.signer.as_ref().as_bytes();
        [
            &covered.0.to_be_bytes(),
            &head[..],
            &ttl,
            &expiration,
            &inception,
            &self.tag.to_be_bytes(),
            signer,
            &[1; 64],
        ]
        .concat()
    }

    /// Whether it is worth a check by a key of `zone` (RFC 4035 section 5.3.1).
    fn fits(&self, owner: &DomainName, zone: &DomainName, now: Option<u32>) -> bool {
        let own = owner.as_ref().label_count() - usize::from(owner.as_ref().is_wildcard());
        let timely = now.is_none_or(|now| self.inception <= now && now <= self.expiration);
        let labels = zone.as_ref().label_count() <= self.labels && self.labels <= own;
        self.signer == *zone && labels && timely && self.inception <= self.expiration
    }
}

fn look_at(found: &SetCheck, set: &RecordSet, keys: &[ZoneKey], now: Option<u32>) {
    let of_key = |key: &ZoneKey| key.tag() == found.tag && key.public_key() == &*found.check.key;
    assert!(keys.iter().any(of_key), "by a key that is not there: {found:?}");
    assert!(found.ttl <= TTL / 2 && now.is_none_or(|now| found.ttl <= found.expires - now), "{found:?}");
    let own = set.owner.as_ref().label_count() - usize::from(set.owner.as_ref().is_wildcard());
    assert!(found.wildcard.is_none_or(|labels| labels < own), "{found:?}");
    // Both records, each behind its owner, type, class, TTL and length.
    assert!(found.check.data.windows(4).any(|bytes| bytes == [192, 0, 2, 2]), "{found:?}");
    assert!(!found.check.is_right(), "nobody signed it: {found:?}");
}

/// Asks for names of a zone with these keys, where every set has these signatures, and the input says which are right.
fn ask(script: &InputScript<'_>, keys: &[[u8; 8]], signatures: &[DescribedSignature]) {
    let Some(settings) = resolver_steps::settings(script, VALIDATED | STUB) else { return };
    let net = HostileNetwork::new(
        |_, _, query: &[u8]| {
            let reply = signed_reply(query, keys, signatures);
            reply.map_or(ServerReaction::Silence, |reply| ServerReaction::Reply(reply, 5))
        },
        |_| Some(script.byte() % 4 == 1),
    );
    let state = ResolverState::new(1 << 20);
    on_paused_clock(async {
        for (name, qtype) in [("www.test", Type::A), ("a.b.test", Type::TXT), ("test", Type::DNSKEY)] {
            let Ok(name) = name.parse::<DomainName>() else { return };
            let before = [&net.right, &net.wrong].map(|count| count.load(Relaxed));
            let question = OutboundQuestion::new(name.as_ref(), qtype);
            let time = (1000, NOW);
            let found = resolve(&net, &state, &settings, &question, ResolutionScope::whole(), time).await;
            let cost = found.map_or_else(|failure| failure.cost, |answer| answer.cost);
            let [right, wrong] = [&net.right, &net.wrong].map(|count| count.load(Relaxed));
            let [right, wrong] = [right - before[0], wrong - before[1]];
            assert_eq!(right + wrong, cost.signatures);
            assert!(
                cost.signatures <= limits::CHECKS && wrong <= limits::WRONG,
                "{right} right, {wrong} wrong"
            );
        }
    });
}

/// The keys to a question for them, an address to one for that, else that there is nothing; with all signatures over each set.
fn signed_reply(query: &[u8], keys: &[[u8; 8]], signatures: &[DescribedSignature]) -> Option<Vec<u8>> {
    let message = MessageView::parse(query).ok()?;
    let question = message.question().ok()??;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let limit = buffer.len();
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    w.question(question.name, question.qtype, Class::IN).ok()?;
    let zone: DomainName = "test".parse().ok()?;
    let nothing = [zone.as_ref().as_bytes(), zone.as_ref().as_bytes(), &[0; 20]].concat();
    let (section, owner, rtype, records): (_, _, _, Vec<&[u8]>) = match question.qtype {
        Type::DNSKEY => (
            MessageSection::Answer,
            question.name,
            Type::DNSKEY,
            keys.iter().map(<[u8; 8]>::as_slice).collect(),
        ),
        Type::A => (MessageSection::Answer, question.name, Type::A, vec![&[192, 0, 2, 1]]),
        _ => (MessageSection::Authority, zone.as_ref(), Type::SOA, vec![&nothing]),
    };
    for rdata in records {
        w.record(section, owner, rtype, Class::IN, TTL, |w| w.bytes(rdata)).ok()?;
    }
    for signature in signatures {
        let rdata = signature.rdata(rtype);
        w.record(section, owner, Type::RRSIG, Class::IN, TTL, |w| w.bytes(&rdata)).ok()?;
    }
    let length = w.finish(message.header().id, header::QR | header::AA);
    buffer.truncate(length);
    Some(buffer)
}
