//! Which questions are asked.

use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::{self, write_opt};
use rhumb_wire::{Class, DomainName, MessageSection, MessageWriter, Type, header};
use rhumb_zones::{MatchKind, NameTable, ZoneContents};
use std::rc::Rc;

use crate::respond::Served;

/// Different requests of one kind, at most.
const MOST: usize = 4096;

/// Requests whose answers are of one kind, and the zones that answer them.
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) served: Rc<Served>,
    pub(crate) requests: Vec<Vec<u8>>,
}

impl Kind {
    /// Questions for a type of many names.
    pub(crate) fn new(
        name: &str,
        served: &Rc<Served>,
        names: &[DomainName],
        qtype: Type,
        signed: bool,
    ) -> Self {
        let requests = names.iter().filter_map(|name| request(name, qtype, signed)).collect();
        Self { name: name.to_owned(), served: Rc::clone(served), requests }
    }
}

/// A request; with EDNS and DO where signatures are wanted.
fn request(name: &DomainName, qtype: Type, signed: bool) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 512];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 512, &mut compression);
    w.question(name.as_ref(), qtype, Class::IN).ok()?;
    if signed {
        write_opt(&mut w, 1232, 0, edns::DO, |_| Ok(())).ok()?;
        w.count(MessageSection::Additional);
    }
    let length = w.finish(0x1234, header::RD);
    buffer.truncate(length);
    Some(buffer)
}

/// What a zone can be asked, found among its names.
pub(crate) fn of_zone(contents: ZoneContents) -> Vec<Kind> {
    let apex = contents.apex().to_name();
    let signed = contents.is_signed();
    let exact = |name: &DomainName| {
        contents.lookup(name.as_ref()).is_some_and(|found| found.kind() == MatchKind::Exact)
    };
    let lacks = |name: &DomainName, rtype| contents.find(name.as_ref(), rtype).is_none();
    let owners = |rtype: Type| -> Vec<DomainName> {
        let found = contents.iter().filter(|set| set.rtype() == rtype && !set.is_empty());
        found.map(|set| set.owner().as_ref().to_name()).collect()
    };
    let hosts: Vec<DomainName> = spread(owners(Type::A)).into_iter().filter(exact).collect();
    let empty: Vec<DomainName> = hosts.iter().filter(|name| lacks(name, Type::TXT)).cloned().collect();
    let missing: Vec<DomainName> = (0..MOST).filter_map(|i| format!("nx{i}.{apex}").parse().ok()).collect();
    let (mut secure, mut insecure) = (Vec::new(), Vec::new());
    for cut in spread(owners(Type::NS)).into_iter().filter(|name| *name != apex) {
        let list = if lacks(&cut, Type::DS) { &mut insecure } else { &mut secure };
        list.extend(format!("www.{cut}").parse::<DomainName>());
    }
    let lists = [
        ("hit", hosts, Type::A),
        ("NODATA", empty, Type::TXT),
        ("NXDOMAIN", missing, Type::A),
        ("referral without DS", insecure, Type::A),
        ("referral with DS", secure, Type::A),
    ];
    let served = Rc::new(Served(NameTable::build([(apex, contents)])));
    let of = |dnssec: bool| {
        let served = Rc::clone(&served);
        lists.iter().filter(|(_, names, _)| !names.is_empty()).map(move |(name, names, qtype)| {
            let name = if dnssec { format!("{name}, DO") } else { (*name).to_owned() };
            Kind::new(&name, &served, names, *qtype, dnssec)
        })
    };
    let more = of(true).filter(|_| signed);
    of(false).chain(more).collect()
}

/// At most so many of them, from all over.
fn spread(names: Vec<DomainName>) -> Vec<DomainName> {
    let step = names.len().div_ceil(MOST).max(1);
    let mut few: Vec<DomainName> = names.into_iter().step_by(step).collect();
    // In an order that has nothing to do with the zone's.
    let mut number = 1usize;
    for at in (1..few.len()).rev() {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        few.swap(at, (number >> 33) % (at + 1));
    }
    few
}
