//! Random messages against a map of RRsets, which does what the text of RFC 2136 section 3 says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rhumb_wire::{Class, DomainName, MessageSection, Rcode, Type, serial};
use rhumb_zones::{UpdateBatch, UpdateMessage, UpdatePermission, ZoneContents, ZoneDifference};

use super::kit;
use super::message::{EVERYTHING, LIMITS, RawRecord, ZONE, lines, write};

/// The RRsets of a zone: TTL and RDATA by owner and type. Names are in lower case.
type Sets = BTreeMap<(DomainName, Type), (u32, BTreeSet<Vec<u8>>)>;

fn apex() -> DomainName {
    "example.".parse().unwrap()
}

fn sets(contents: &ZoneContents) -> Sets {
    let mut sets = Sets::new();
    for set in contents {
        let entry = sets.entry((set.owner().as_ref().to_lowercase(), set.rtype())).or_default();
        for record in set.records() {
            let mut rdata = Vec::new();
            record.rdata(&mut rdata);
            *entry = (record.ttl(), std::mem::take(&mut entry.1));
            entry.1.insert(rdata);
        }
    }
    sets
}

fn serial_of(sets: &Sets) -> u32 {
    serial::of_soa(sets[&(apex(), Type::SOA)].1.first().unwrap()).unwrap()
}

/// Sections 3.2.5 and 3.4.1.3, of messages that are well-formed.
fn prerequisites(sets: &Sets, records: &[RawRecord]) -> Rcode {
    let mut wanted: BTreeMap<(DomainName, Type), BTreeSet<Vec<u8>>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.section == MessageSection::Answer) {
        let key = (record.owner.clone(), record.rtype);
        let in_use = sets.keys().any(|(owner, _)| *owner == record.owner);
        let failed = match (record.class, record.rtype) {
            (Class::ANY, Type::ANY) => (!in_use).then_some(Rcode::NXDOMAIN),
            (Class::ANY, _) => (!sets.contains_key(&key)).then_some(Rcode::NXRRSET),
            (Class::NONE, Type::ANY) => in_use.then_some(Rcode::YXDOMAIN),
            (Class::NONE, _) => sets.contains_key(&key).then_some(Rcode::YXRRSET),
            _ => {
                wanted.entry(key).or_default().insert(record.rdata.clone());
                None
            }
        };
        if let Some(rcode) = failed {
            return rcode;
        }
    }
    let differs = |(key, wanted)| sets.get(key).is_none_or(|(_, found)| found != wanted);
    if wanted.iter().any(differs) { Rcode::NXRRSET } else { Rcode::NOERROR }
}

/// Section 3.4.2.7. Whether the record may be there at all (RFC 6672 section 5.2).
fn update(sets: &mut Sets, record: &RawRecord) -> bool {
    let RawRecord { owner, rtype, class, ttl, rdata, .. } = record;
    let key = (owner.clone(), *rtype);
    let at_apex = *owner == apex();
    match (*class, *rtype) {
        (Class::IN, Type::SOA) => {
            let newer = at_apex && serial::is_newer(serial::of_soa(rdata).unwrap(), serial_of(sets));
            if newer {
                sets.insert(key, (*ttl, [rdata.clone()].into()));
            }
        }
        (Class::IN, rtype) => {
            let clashes = sets.keys().any(|(name, other)| {
                name == owner && *other != rtype && (rtype == Type::CNAME || *other == Type::CNAME)
            });
            if clashes {
                return true;
            }
            let is_below =
                |above: &DomainName| above != owner && owner.as_ref().is_at_or_below(above.as_ref());
            if sets.keys().any(|(name, other)| *other == Type::DNAME && is_below(name)) {
                return false;
            }
            let set = sets.entry(key).or_default();
            if matches!(rtype, Type::CNAME | Type::DNAME) {
                set.1.clear();
            }
            set.0 = *ttl;
            set.1.insert(rdata.clone());
        }
        (Class::ANY, Type::ANY) => {
            let stays = |rtype: Type| at_apex && matches!(rtype, Type::SOA | Type::NS);
            sets.retain(|(name, rtype), _| name != owner || stays(*rtype));
        }
        (Class::ANY, rtype) => {
            if !(at_apex && matches!(rtype, Type::SOA | Type::NS)) {
                sets.remove(&key);
            }
        }
        (_, rtype) => {
            let Some((_, found)) = sets.get_mut(&key) else { return true };
            let last = found.len() == 1 && found.contains(rdata);
            if rtype == Type::SOA || at_apex && rtype == Type::NS && last {
                return true;
            }
            found.remove(rdata);
            if found.is_empty() {
                sets.remove(&key);
            }
        }
    }
    true
}

fn owner() -> impl Strategy<Value = DomainName> {
    let names = [
        "example.",
        "www.example.",
        "alias.example.",
        "a.example.",
        "b.a.example.",
        "dname.example.",
        "empty.example.",
    ];
    prop::sample::select(names.to_vec()).prop_map(|name| name.parse().unwrap())
}

fn data(rtype: Type) -> BoxedStrategy<Vec<u8>> {
    let name = || owner().prop_map(|name| name.as_ref().as_bytes().to_vec());
    match rtype {
        Type::A => (0u8..4).prop_map(|last| vec![192, 0, 2, last]).boxed(),
        Type::TXT => (0u8..3).prop_map(|last| vec![1, b'a' + last]).boxed(),
        Type::MX => name().prop_map(|name| [vec![0, 10], name].concat()).boxed(),
        Type::SOA => (0u8..20).prop_map(|serial| [&[0; 5][..], &[serial], &[0; 16]].concat()).boxed(),
        _ => name().boxed(),
    }
}

fn record() -> impl Strategy<Value = RawRecord> {
    let types = [Type::A, Type::A, Type::TXT, Type::MX, Type::NS, Type::CNAME, Type::DNAME, Type::SOA];
    let ttl = prop::sample::select(vec![60u32, 300]);
    (owner(), prop::sample::select(types.to_vec()), ttl, 0u8..16).prop_flat_map(
        |(owner, rtype, ttl, kind)| {
            data(rtype).prop_map(move |rdata| {
                let (answer, authority) = (MessageSection::Answer, MessageSection::Authority);
                let (section, class, rtype, ttl, rdata) = match kind {
                    0 => (answer, Class::ANY, Type::ANY, 0, vec![]),
                    1 => (answer, Class::NONE, Type::ANY, 0, vec![]),
                    2 => (answer, Class::ANY, rtype, 0, vec![]),
                    3 => (answer, Class::NONE, rtype, 0, vec![]),
                    4 => (answer, Class::IN, rtype, 0, rdata),
                    5..=10 => (authority, Class::IN, rtype, ttl, rdata),
                    11 => (authority, Class::ANY, Type::ANY, 0, vec![]),
                    12 | 13 => (authority, Class::ANY, rtype, 0, vec![]),
                    _ => (authority, Class::NONE, rtype, 0, rdata),
                };
                RawRecord { section, owner: owner.clone(), rtype, class, ttl, rdata }
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Batches of messages, each from the version that the one before made.
    #[test]
    fn updates_do_what_the_text_says(
        batches in prop::collection::vec(prop::collection::vec(prop::collection::vec(record(), 0..6), 1..5), 1..5)
    ) {
        let mut contents = kit::zone(ZONE);
        let mut model = sets(&contents);
        let permission = UpdatePermission { grants: &[&EVERYTHING], key: None };
        for messages in batches {
            let before = model.clone();
            let mut batch = UpdateBatch::new(&contents, LIMITS);
            for records in messages {
                let bytes = write(apex().as_ref(), Type::SOA, Class::IN, &records);
                let mut wanted = prerequisites(&model, &records);
                if wanted == Rcode::NOERROR {
                    let mut next = model.clone();
                    let mut operations = records.iter().filter(|record| record.section == MessageSection::Authority);
                    if operations.all(|record| update(&mut next, record)) {
                        model = next;
                    } else {
                        wanted = Rcode::REFUSED;
                    }
                }
                let done = batch.apply(&UpdateMessage::parse(&bytes).unwrap(), &permission);
                prop_assert_eq!(done.map_or_else(|refusal| refusal.rcode(), |_| Rcode::NOERROR), wanted);
            }
            let updated = batch.finish(serial::next).unwrap();
            prop_assert_eq!(updated.is_some(), model != before);
            let Some(updated) = updated else { continue };
            if serial_of(&model) == serial_of(&before) {
                let (_, soa) = model.get_mut(&(apex(), Type::SOA)).unwrap();
                let mut rdata = soa.pop_first().unwrap();
                let at = rdata.len() - 20;
                rdata[at..at + 4].copy_from_slice(&serial::next(serial_of(&before)).to_be_bytes());
                soa.insert(rdata);
            }
            prop_assert_eq!(&sets(&updated.contents), &model);
            let between = ZoneDifference::between(&contents, &updated.contents);
            prop_assert_eq!(Some(&updated.difference), between.as_ref());
            prop_assert_eq!(lines(&contents.apply([&updated.difference]).unwrap()), lines(&updated.contents));
            contents = updated.contents;
        }
    }
}
