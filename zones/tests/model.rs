//! Random zones and questions against a list of records that is searched as the RFCs say, with no thought of speed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod kit;

use std::collections::BTreeSet;

use kit::{ask_in, show};
use proptest::prelude::*;
use rhumb_wire::{DomainName, NameBuf, NameRef, Rcode, Type};
use rhumb_zones::{AnswerRequest, OneZone, ZoneBuilder};

type Record = (DomainName, Type, Vec<u8>);

const APEX: &str = "zone.";

struct Model {
    apex: DomainName,
    records: Vec<Record>,
}

#[derive(Debug, PartialEq, Eq, Default)]
struct Expected {
    rcode: Option<Rcode>,
    referral: bool,
    answer: BTreeSet<String>,
    authority: BTreeSet<String>,
}

impl Model {
    fn at(&self, owner: NameRef<'_>, rtype: Type) -> Vec<&Record> {
        self.records.iter().filter(|(name, t, _)| name.as_ref() == owner && *t == rtype).collect()
    }

    fn exists(&self, name: NameRef<'_>) -> bool {
        self.records.iter().any(|(owner, _, _)| owner.as_ref().is_at_or_below(name))
    }

    /// The name and its ancestors down from the apex.
    fn path<'n>(&self, name: NameRef<'n>) -> Vec<NameRef<'n>> {
        let below = name.label_count() - self.apex.as_ref().label_count();
        (0..=below).rev().map(|skipped| name.skip_labels(skipped)).collect()
    }

    fn answer(&self, name: NameRef<'_>, qtype: Type) -> Expected {
        let mut expected = Expected { rcode: Some(Rcode::NOERROR), ..Expected::default() };
        let mut met = Vec::new();
        let mut name = name.to_name();
        while name.as_ref().is_at_or_below(self.apex.as_ref())
            && !met.contains(&name)
            && self.link(name.as_ref(), qtype, met.len() == 8, &mut expected)
        {
            let alias = expected.answer.iter().find_map(|line| {
                let target = line.strip_prefix(&format!("{} CNAME ", name.as_ref().to_lowercase()))?;
                target.parse::<DomainName>().ok()
            });
            met.push(name);
            name = alias.unwrap();
        }
        expected
    }

    /// One name of a chain; whether it goes on.
    fn link(&self, name: NameRef<'_>, qtype: Type, last: bool, expected: &mut Expected) -> bool {
        for above in self.path(name) {
            let is_cut = above != self.apex.as_ref() && !self.at(above, Type::NS).is_empty();
            if is_cut && !(above == name && qtype == Type::DS) {
                expected.referral = true;
                expected.authority = lines(above, &self.at(above, Type::NS));
                return false;
            }
            if let (Some((_, _, target)), true) = (self.at(above, Type::DNAME).first(), above != name) {
                return !last && self.substitute(name, above, target, expected) && qtype != Type::CNAME;
            }
        }
        let mut owner = name.to_name();
        if !self.exists(name) {
            let encloser = self.path(name).into_iter().rfind(|above| self.exists(*above)).unwrap();
            owner = DomainName::prepend(b"*", encloser).unwrap();
            if !self.exists(owner.as_ref()) {
                expected.rcode = Some(Rcode::NXDOMAIN);
                expected.authority = lines(self.apex.as_ref(), &self.at(self.apex.as_ref(), Type::SOA));
                return false;
            }
        }
        let found = self.at(owner.as_ref(), qtype);
        if !found.is_empty() {
            expected.answer.extend(lines(name, &found));
            return false;
        }
        let alias = self.at(owner.as_ref(), Type::CNAME);
        let ends = last && qtype != Type::CNAME;
        if !alias.is_empty() && !ends {
            expected.answer.extend(lines(name, &alias));
            return true;
        }
        if alias.is_empty() {
            expected.authority = lines(self.apex.as_ref(), &self.at(self.apex.as_ref(), Type::SOA));
        }
        false
    }

    fn substitute(
        &self,
        name: NameRef<'_>,
        above: NameRef<'_>,
        target: &[u8],
        expected: &mut Expected,
    ) -> bool {
        expected.answer.extend(lines(above, &self.at(above, Type::DNAME)));
        let mut new = NameBuf::new();
        let kept = name.label_count() - above.label_count();
        let fits = name.labels().take(kept).try_for_each(|label| new.push_label(label)).is_ok()
            && new.finish(NameRef::parse(target).unwrap()).is_ok();
        if !fits {
            expected.rcode = Some(Rcode::YXDOMAIN);
            return false;
        }
        expected.answer.insert(show(name, Type::CNAME, new.as_ref().as_bytes()));
        true
    }
}

fn lines(owner: NameRef<'_>, records: &[&Record]) -> BTreeSet<String> {
    records.iter().map(|(_, rtype, rdata)| show(owner, *rtype, rdata)).collect()
}

fn name() -> impl Strategy<Value = DomainName> {
    proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("*"), Just("C")], 0..5)
        .prop_map(|labels| [&labels[..], &[APEX]].concat().join(".").parse().unwrap())
}

fn record() -> impl Strategy<Value = Record> {
    let target = || prop_oneof![4 => name(), 1 => Just("elsewhere.".parse::<DomainName>().unwrap())];
    let rtype = prop_oneof![
        3 => Just(Type::A), 2 => Just(Type::NS), 2 => Just(Type::CNAME), 2 => Just(Type::DNAME), 1 => Just(Type::DS)
    ];
    (name(), rtype, target(), any::<u8>()).prop_map(|(owner, rtype, target, byte)| {
        let rdata = match rtype {
            Type::A => vec![192, 0, 2, byte],
            Type::DS => vec![0, 1, 8, 2, byte],
            _ => target.as_ref().as_bytes().to_vec(),
        };
        (owner, rtype, rdata)
    })
}

/// Leaves out what the builder would refuse: a second CNAME or DNAME, anything beside a CNAME.
fn sound(records: Vec<Record>) -> Vec<Record> {
    let apex: DomainName = APEX.parse().unwrap();
    let soa = [apex.as_ref().as_bytes(), apex.as_ref().as_bytes(), &[0; 20]].concat();
    let mut kept: Vec<Record> =
        vec![(apex.clone(), Type::SOA, soa), (apex.clone(), Type::NS, b"\x02ns\x05other\0".to_vec())];
    for record in records {
        let (owner, rtype, _) = &record;
        let clash = kept.iter().filter(|(name, _, _)| name == owner).any(|(_, other, _)| {
            *other == Type::CNAME || *rtype == Type::CNAME || (other == rtype && *rtype == Type::DNAME)
        });
        if !clash && !kept.contains(&record) {
            kept.push(record);
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn answers_are_those_of_the_book(
        records in proptest::collection::vec(record(), 0..14),
        questions in proptest::collection::vec(name(), 12),
    ) {
        let model = Model { apex: APEX.parse().unwrap(), records: sound(records) };
        let mut builder = ZoneBuilder::new(model.apex.as_ref());
        for (owner, rtype, rdata) in &model.records {
            builder.add(owner.as_ref(), *rtype, 300, rdata, 0).unwrap();
        }
        let zone = builder.finish().map_err(|faults| TestCaseError::fail(format!("{faults:?}")))?.0;
        for name in &questions {
            for qtype in [Type::A, Type::NS, Type::CNAME, Type::DNAME, Type::DS, Type::TXT] {
                let asked = AnswerRequest { name: name.as_ref(), qtype, dnssec_ok: false, minimal_any: true };
                let got = ask_in(&zone, &asked, &OneZone, 65535);
                let [answer, authority, _] = got.sections.map(|lines| lines.into_iter().collect());
                let referral = got.reply.kind == rhumb_zones::AnswerKind::Referral;
                let got = Expected { rcode: Some(got.reply.rcode), referral, answer, authority };
                prop_assert_eq!(got, model.answer(name.as_ref(), qtype), "{} {}", name, qtype);
            }
        }
    }

    #[test]
    fn a_zone_is_listed_as_it_was_given(records in proptest::collection::vec(record(), 0..30)) {
        let records = sound(records);
        let apex: DomainName = APEX.parse().unwrap();
        let mut builder = ZoneBuilder::new(apex.as_ref());
        for (owner, rtype, rdata) in &records {
            builder.add(owner.as_ref(), *rtype, 300, rdata, 0).unwrap();
        }
        let (zone, _) = builder.finish().map_err(|faults| TestCaseError::fail(format!("{faults:?}")))?;
        let mut listed = Vec::new();
        let mut last: Option<NameBuf> = None;
        for rrset in &zone {
            let owner = rrset.owner();
            prop_assert!(last.is_none_or(|last| last.as_ref() <= owner.as_ref()), "canonical order");
            for record in rrset.records() {
                let mut rdata = Vec::new();
                record.rdata(&mut rdata);
                listed.push((owner.as_ref().to_name(), record.rtype(), rdata));
            }
            last = Some(owner);
        }
        let mut wanted = records;
        for list in [&mut listed, &mut wanted] {
            list.sort_by(|a, b| (&a.0, a.1, &a.2).cmp(&(&b.0, b.1, &b.2)));
        }
        prop_assert_eq!(listed.len() as u64, zone.record_count());
        prop_assert_eq!(listed, wanted);
    }
}
