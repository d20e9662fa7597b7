//! Random changes of contents against a list of records from which a builder makes the same contents anew.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;
use rhumb_wire::rdata::make_canonical;
use rhumb_wire::{DomainName, Type};

use super::compare::{answers, faults, records, structure};
use super::name;
use crate::builder::covered_type;
use crate::change::compact;
use crate::contents::ZoneContents;
use crate::{ZoneBuilder, ZoneChange, ZoneDifference, ZoneFault, nsec3};

type Record = (DomainName, Type, Vec<u8>);

const APEX: &str = "zone.";

/// What is done to a zone.
#[derive(Clone, Debug)]
enum Step {
    Add(Record, u32),
    /// Removes the record that stands at this place of the list, counted around.
    RemoveListed(usize),
    RemoveRecord(Record),
    RemoveSet(DomainName, Type),
    RemoveName(DomainName),
}

/// The records of a zone in the order they were given.
#[derive(Clone, Debug, Default)]
struct Model {
    records: Vec<Record>,
    ttls: HashMap<(DomainName, Type), u32>,
}

fn is_same(a: &Record, b: &Record) -> bool {
    let canonical = |(_, rtype, rdata): &Record| {
        let mut rdata = rdata.clone();
        make_canonical(*rtype, &mut rdata);
        rdata
    };
    a.0 == b.0 && a.1 == b.1 && canonical(a) == canonical(b)
}

impl Model {
    /// SOA and NS alone.
    fn new() -> Self {
        let mut model = Self::default();
        model.add((name(APEX), Type::SOA, soa(1)), 300);
        model.add((name(APEX), Type::NS, b"\x02ns\x05other\0".to_vec()), 300);
        model
    }

    fn remove(&mut self, remove: impl Fn(&Record) -> bool) -> bool {
        let before = self.records.len();
        self.records.retain(|record| !remove(record));
        self.records.len() < before
    }

    fn add(&mut self, record: Record, ttl: u32) -> bool {
        let (owner, rtype, rdata) = &record;
        let covered = covered_type(*rtype, rdata);
        let others = self.records.iter().any(|(o, t, _)| o == owner && *t == covered);
        if *rtype != Type::RRSIG || !others {
            self.ttls.insert((owner.clone(), covered), ttl);
        }
        if self.records.iter().any(|known| is_same(known, &record)) {
            return false;
        }
        self.remove(|known| known.1 == Type::SOA && record.1 == Type::SOA);
        self.records.push(record);
        true
    }

    /// Whether a builder would refuse the zone with this record.
    fn clashes(&self, (owner, rtype, _): &Record) -> bool {
        let mut others = self.records.iter().filter(|(o, _, _)| o == owner).map(|(_, other, _)| *other);
        others.any(|other| {
            other == Type::CNAME || *rtype == Type::CNAME || other == *rtype && other == Type::DNAME
        })
    }

    fn built(&self) -> Result<ZoneContents, Vec<ZoneFault>> {
        let mut builder = ZoneBuilder::new(name(APEX).as_ref());
        for (owner, rtype, rdata) in &self.records {
            let ttl = self.ttls[&(owner.clone(), covered_type(*rtype, rdata))];
            builder.add(owner.as_ref(), *rtype, ttl, rdata, 7).unwrap();
        }
        builder.finish().map(|(contents, _)| contents)
    }

    /// Does a step here and to a change, which has to say the same of it.
    fn step(&mut self, step: &Step, change: &mut ZoneChange<'_>) -> Result<(), TestCaseError> {
        let (ours, theirs) = match step {
            Step::Add(record, ttl) => {
                let (owner, rtype, rdata) = record;
                let new = change.add(owner.as_ref(), *rtype, *ttl, rdata);
                (Ok(self.add(record.clone(), *ttl)), new)
            }
            Step::RemoveListed(place) => {
                let Some(record) = self.records.get(place % self.records.len().max(1)).cloned() else {
                    return Ok(());
                };
                return self.step(&Step::RemoveRecord(record), change);
            }
            Step::RemoveRecord(record) => {
                let (owner, rtype, rdata) = record;
                let some = change.remove_record(owner.as_ref(), *rtype, rdata);
                (Ok(self.remove(|known| is_same(known, record))), Ok(some))
            }
            Step::RemoveSet(owner, rtype) => {
                let some = change.remove_set(owner.as_ref(), *rtype);
                let ours = self.remove(|known| {
                    let covered = covered_type(known.1, &known.2) == *rtype && !is_kept(known);
                    known.0 == *owner && (covered || known.1 == Type::RRSIG && *rtype == Type::RRSIG)
                });
                (Ok(ours), Ok(some))
            }
            Step::RemoveName(owner) => {
                let some = change.remove_name(owner.as_ref());
                (Ok(self.remove(|known| known.0 == *owner && !is_kept(known))), Ok(some))
            }
        };
        prop_assert_eq!(ours, theirs, "{:?}", step);
        for (owner, rtype, _) in &self.records {
            let count = self.records.iter().filter(|(o, t, _)| o == owner && t == rtype).count();
            prop_assert_eq!(change.count(owner.as_ref(), *rtype), count, "{} {}", owner, rtype);
        }
        Ok(())
    }
}

/// SOA and NS of the apex, which go one by one only.
fn is_kept((owner, rtype, rdata): &Record) -> bool {
    *owner == name(APEX) && matches!(covered_type(*rtype, rdata), Type::SOA | Type::NS)
}

fn soa(serial: u8) -> Vec<u8> {
    let numbers = [0, 0, 0, serial, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, serial, 0];
    [b"\x02ns\x04zone\0\x01x\x04zone\0".as_slice(), &numbers].concat()
}

fn owner() -> impl Strategy<Value = DomainName> {
    let label = prop_oneof![3 => Just("a"), 2 => Just("b"), 1 => Just("*"), 1 => Just("C")];
    proptest::collection::vec(label, 0..4).prop_map(|labels| name(&[&labels[..], &[APEX]].concat().join(".")))
}

/// Iterations and salt of the chains there are.
fn parameters() -> impl Strategy<Value = (u16, &'static [u8])> {
    prop_oneof![4 => Just((1, &b"salt"[..])), 1 => Just((0, &b""[..]))]
}

/// The owner of the NSEC3 record of a name.
fn hashed(name: &DomainName, (iterations, salt): (u16, &[u8])) -> DomainName {
    let label = nsec3::label(&nsec3::hash(name.as_ref(), iterations, salt));
    DomainName::prepend(&label, self::name(APEX).as_ref()).unwrap()
}

fn wire(name: &DomainName) -> Vec<u8> {
    name.as_ref().as_bytes().to_vec()
}

/// Records of a zone that is not signed.
fn plain() -> impl Strategy<Value = Record> {
    let rtype = prop_oneof![
        6 => Just(Type::A), 2 => Just(Type::TXT), 4 => Just(Type::NS), 1 => Just(Type::CNAME), 1 => Just(Type::DNAME),
        1 => Just(Type::DS), 2 => Just(Type::MX), 1 => Just(Type::SRV), 1 => Just(Type::HTTPS),
    ];
    let target = prop_oneof![6 => owner(), 1 => Just(name("elsewhere.")), 1 => Just(name("NS.ELSEWHERE."))];
    (owner(), rtype, target, 0u8..6).prop_map(|(owner, rtype, target, byte)| {
        let rdata = match rtype {
            Type::A => vec![192, 0, 2, byte],
            // Some are long, so that much of the arena is soon unused.
            Type::TXT => vec![[vec![255], vec![b'a' + byte; 255]].concat(); 1 + usize::from(byte)].concat(),
            Type::DS => vec![0, 1, 8, 2, byte],
            Type::MX | Type::HTTPS => [vec![0, byte], wire(&target)].concat(),
            Type::SRV => [vec![0, 1, 0, 2, 0, byte], wire(&target)].concat(),
            _ => wire(&target),
        };
        (owner, rtype, rdata)
    })
}

fn signature(covered: Type, byte: u8) -> Vec<u8> {
    [&covered.0.to_be_bytes()[..], &[0; 16], b"\x04zone\0", &[byte]].concat()
}

fn signed() -> impl Strategy<Value = Record> {
    let covered =
        prop_oneof![Just(Type::A), Just(Type::NS), Just(Type::NSEC), Just(Type::SOA), Just(Type::DS)];
    let rrsig =
        (owner(), covered, 0u8..2).prop_map(|(o, covered, b)| (o, Type::RRSIG, signature(covered, b)));
    let nsec = (owner(), owner())
        .prop_map(|(owner, next)| (owner, Type::NSEC, [wire(&next), vec![0, 1, 64]].concat()));
    prop_oneof![rrsig, nsec]
}

fn nsec3_record() -> impl Strategy<Value = Record> {
    let fields = |(iterations, salt): (u16, &[u8]), flags: u8| {
        [&[1, flags], &iterations.to_be_bytes()[..], &[salt.len() as u8], salt].concat()
    };
    let nsec3 = (owner(), parameters(), 0u8..2).prop_map(move |(of, parameters, flags)| {
        let rdata = [fields(parameters, flags), vec![20], vec![flags; 20], vec![0, 1, 64]].concat();
        (hashed(&of, parameters), Type::NSEC3, rdata)
    });
    let param = (parameters(), prop_oneof![4 => Just(0u8), 1 => Just(1)])
        .prop_map(move |(parameters, flags)| (name(APEX), Type::NSEC3PARAM, fields(parameters, flags)));
    let rrsig = (owner(), parameters(), any::<bool>()).prop_map(|(of, parameters, of_chain)| {
        let covered = if of_chain { Type::NSEC3 } else { Type::A };
        (hashed(&of, parameters), Type::RRSIG, signature(covered, 0))
    });
    prop_oneof![6 => nsec3, 2 => param, 1 => rrsig]
}

fn step(record: BoxedStrategy<Record>) -> impl Strategy<Value = Step> {
    let ttl = prop_oneof![4 => Just(300u32), 1 => Just(60), 1 => Just(600)];
    let again = (1u8..9).prop_map(|serial| (name(APEX), Type::SOA, soa(serial)));
    let rtype = prop_oneof![
        Just(Type::A),
        Just(Type::NS),
        Just(Type::NSEC3),
        Just(Type::NSEC3PARAM),
        Just(Type::RRSIG)
    ];
    prop_oneof![
        24 => (record.clone(), ttl).prop_map(|(record, ttl)| Step::Add(record, ttl)),
        1 => again.prop_map(|soa| Step::Add(soa, 120)),
        8 => any::<usize>().prop_map(Step::RemoveListed),
        2 => record.clone().prop_map(Step::RemoveRecord),
        3 => (owner(), rtype).prop_map(|(owner, rtype)| Step::RemoveSet(owner, rtype)),
        2 => owner().prop_map(Step::RemoveName),
        1 => record.prop_map(|(owner, _, _)| Step::RemoveName(owner)),
    ]
}

/// The records of a zone; changes, and whether each begins with contents that a builder made.
type Life = (Vec<Record>, Vec<(Vec<Step>, bool)>);

fn life(record: BoxedStrategy<Record>) -> impl Strategy<Value = Life> {
    let first = proptest::collection::vec(record.clone(), 0..40);
    let steps = prop_oneof![
        3 => proptest::collection::vec(step(record.clone()), 1..3),
        1 => proptest::collection::vec(step(record), 5..25),
    ];
    (first, proptest::collection::vec((steps, proptest::bool::weighted(0.2)), 1..12))
}

/// Makes the changes one after the other and compares each time with what is built anew.
fn check((first, changes): &Life) -> Result<(), TestCaseError> {
    let mut model = Model::new();
    for record in first {
        if !model.clashes(record) {
            model.add(record.clone(), 300);
        }
    }
    let mut contents = model.built().unwrap();
    for (steps, anew) in changes {
        if *anew {
            contents = model.built().unwrap();
        }
        let mut changed = model.clone();
        let mut change = contents.change();
        for (at, step) in steps.iter().enumerate() {
            // What is undone leaves nothing behind: the steps that follow find what they would have found.
            change.save();
            let mut undone = changed.clone();
            for step in steps.iter().skip(at).rev() {
                undone.step(step, &mut change)?;
            }
            change.roll_back();
            changed.step(step, &mut change)?;
        }
        let difference = change.difference();
        match (change.finish(), changed.built()) {
            (Ok(new), Ok(wanted)) => {
                prop_assert_eq!(difference, ZoneDifference::between(&contents, &new));
                prop_assert_eq!(records(&new), records(&wanted));
                structure(&new, &wanted)?;
                let copy = compact::copy(&new).unwrap();
                prop_assert_eq!(records(&copy), records(&wanted));
                structure(&copy, &wanted)?;
                prop_assert_eq!(copy.depth, wanted.depth);
                let owners: BTreeSet<&DomainName> =
                    changed.records.iter().map(|(owner, _, _)| owner).collect();
                answers(&new, &wanted, owners.into_iter())?;
                (contents, model) = (new, changed);
            }
            (Err(ours), Err(theirs)) => prop_assert_eq!(faults(&ours), faults(&theirs)),
            (ours, theirs) => prop_assert!(false, "{:?} and not {:?}", ours.err(), theirs.err()),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_changed_zone_is_as_one_built_anew(life in life(plain().boxed())) {
        check(&life)?;
    }

    #[test]
    fn so_is_one_with_nsec(life in life(prop_oneof![plain(), signed()].boxed())) {
        check(&life)?;
    }

    #[test]
    fn so_is_one_with_nsec3(
        life in life(prop_oneof![2 => plain(), 1 => signed(), 4 => nsec3_record()].boxed()),
    ) {
        check(&life)?;
    }
}
