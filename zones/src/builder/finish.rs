//! From the names and records collected to contents.

use rhumb_wire::{NameBuf, NameRef, Type};

use super::check::{self, Faults};
use super::denial::{self, Parameters};
use super::image::{Parts, Writer};
use super::log::{Log, Logged};
use super::names::{Entry, Kinds, Names};
use super::targets::Links;
use super::{Builder, covered_type};
use crate::contents::arena::{ArenaBuilder, Ref};
use crate::contents::index::Index;
use crate::contents::node::{self, Flags, PREFIX};
use crate::contents::order::Order;
use crate::contents::ready::Ready;
use crate::contents::set::points;
use crate::contents::{Chain, Contents, Denial, full_name, label_offsets};
use crate::fault::{Fault, FaultKind, Severity};

pub(super) fn finish(mut builder: Builder) -> Result<(Contents, Vec<Fault>), Vec<Fault>> {
    let sorted = builder.names.sorted();
    find_covers(&mut builder.names, &sorted);
    let chain = Parameters::of(&builder);
    let mut emitter = Emitter::new(&builder, chain.as_ref());
    let names = emitter.names(&sorted);
    let hashed = emitter.hashed();
    let Emitter { arena, mut faults, records, owners, .. } = emitter;
    check::apex(&builder, &mut faults);
    check::targets(&builder, &sorted, &mut faults);
    let (Some((index, order, root)), Some((hashed, members))) = (names, hashed) else {
        faults.push(builder.apex.as_ref(), 0, FaultKind::TooLarge);
        return Err(faults.into_all());
    };
    let faults = faults.into_all();
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(faults);
    }
    let denial = match chain {
        Some(Parameters { iterations, salt }) => {
            let others = members.len() != hashed.len();
            let owners = others.then(|| Order::build(&members));
            Denial::Nsec3(Box::new(Chain { iterations, salt, owners }))
        }
        None if owners.is_empty() => Denial::Unsigned,
        None => Denial::Nsec(Order::build(&owners)),
    };
    let (serial, minimum) = soa_numbers(&builder.soa);
    let negative_ttl = soa_ttl(&builder).min(minimum);
    let contents = Contents {
        depth: builder.names.entries.iter().map(|entry| usize::from(entry.depth)).max().unwrap_or(0),
        apex: builder.apex,
        start: builder.start,
        arena: arena.finish(),
        names: index,
        order: Order::build(&order),
        hashed: Order::build(&hashed),
        root,
        serial,
        negative_ttl,
        records,
        denial,
        ready: Ready::default(),
    };
    Ok((contents.made_ready(), faults))
}

/// Serial and minimum of a SOA's RDATA.
fn soa_numbers(rdata: &[u8]) -> (u32, u32) {
    let Some(numbers) = rdata.last_chunk::<20>() else { return (0, 0) };
    let word =
        |at: usize| numbers.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_be_bytes(*b));
    (word(0), word(16))
}

fn soa_ttl(builder: &Builder) -> u32 {
    let apex = builder.names.entry(0);
    let soa = apex.and_then(|apex| builder.log.of(apex).find(|record| record.rtype == Type::SOA));
    soa.map_or(0, |record| record.ttl)
}

/// Notes for each name the topmost cut or DNAME above it. What lies below a name follows it in canonical order.
fn find_covers(names: &mut Names, sorted: &[u32]) {
    let mut above: Option<u32> = None;
    for &id in sorted {
        let Some(&entry) = names.entry(id) else { continue };
        let cover = above.and_then(|above| names.entry(above)).filter(|above| is_below(names, &entry, above));
        let cover = cover.map(|above| above.depth);
        if let Some(entry) = names.entry_mut(id) {
            entry.cover = cover;
        }
        if cover.is_none() {
            above = is_cover(&entry).then_some(id);
        }
    }
}

/// Whether what lies below this name is not to be seen: it is a zone cut or owns a DNAME.
pub(super) const fn is_cover(entry: &Entry) -> bool {
    is_cut(entry) || entry.kinds.has(Kinds::DNAME)
}

/// Whether it is a zone cut.
pub(super) const fn is_cut(entry: &Entry) -> bool {
    entry.depth > 0 && entry.kinds.has(Kinds::NS)
}

/// Whether `name` lies below `above`.
pub(super) fn is_below(names: &Names, name: &Entry, above: &Entry) -> bool {
    let (low, high) = (names.name(name), names.name(above));
    let Some((_, tail)) = low.len().checked_sub(high.len()).and_then(|at| low.split_at_checked(at)) else {
        return false;
    };
    if name.depth <= above.depth || !tail.eq_ignore_ascii_case(high) {
        return false;
    }
    let (offsets, count) = label_offsets(low);
    let start = offsets.get(count - usize::from(above.depth)).copied().map(usize::from);
    high.is_empty() || start == Some(low.len() - high.len())
}

/// Writes nodes.
struct Emitter<'b> {
    builder: &'b Builder,
    apex: NameRef<'b>,
    log: &'b Log,
    chain: Option<&'b Parameters>,
    arena: ArenaBuilder,
    faults: Faults,
    records: u64,
    /// The owners of NSEC records in authoritative data.
    owners: Vec<Ref>,
    writer: Writer<'b>,
    links: Links,
    node: Vec<u8>,
    sets: Vec<u8>,
    grouped: Vec<(u32, &'b Logged)>,
    plain: Vec<&'b [u8]>,
    signatures: Vec<&'b [u8]>,
}

impl<'b> Emitter<'b> {
    fn new(builder: &'b Builder, chain: Option<&'b Parameters>) -> Self {
        Self {
            builder,
            apex: builder.apex.as_ref(),
            log: &builder.log,
            chain,
            arena: ArenaBuilder::default(),
            faults: Faults::default(),
            records: 0,
            owners: Vec::new(),
            writer: Writer::default(),
            links: Links::default(),
            node: Vec::new(),
            sets: Vec::new(),
            grouped: Vec::new(),
            plain: Vec::new(),
            signatures: Vec::new(),
        }
    }

    /// The nodes of all names: by hash, in order, and the apex.
    fn names(&mut self, sorted: &[u32]) -> Option<(Index, Vec<Ref>, Ref)> {
        let names = &self.builder.names;
        let mut entries = Vec::with_capacity(sorted.len());
        let mut order = Vec::with_capacity(sorted.len());
        for &id in sorted {
            let entry = names.entry(id)?;
            let prefix = self.chain.filter(|_| entry.cover.is_none());
            let prefix = prefix.map(|chain| chain.prefix(names.name(entry), self.apex));
            let at = self.node(names, entry, prefix)?;
            order.push(at);
            entries.push((entry.hash, at));
            if entry.kinds.has(Kinds::NSEC) && entry.cover.is_none() {
                self.owners.push(at);
            }
        }
        let root = *order.first()?;
        Some((Index::build(&entries), order, root))
    }

    /// The nodes of the owners of NSEC3 records, and those of them that belong to the chain.
    fn hashed(&mut self) -> Option<(Vec<Ref>, Vec<Ref>)> {
        let hashed = &self.builder.hashed;
        let (mut all, mut members) = (Vec::new(), Vec::new());
        for id in hashed.sorted() {
            let entry = hashed.entry(id)?;
            let Some(prefix) = crate::nsec3::prefix_of_label(hashed.name(entry)) else { continue };
            let at = self.node(hashed, entry, Some(prefix.to_be_bytes()))?;
            all.push(at);
            if self.chain.is_some_and(|chain| chain.has(self.builder, entry)) {
                members.push(at);
            }
        }
        Some((all, members))
    }

    fn node(&mut self, names: &'b Names, entry: &Entry, prefix: Option<[u8; PREFIX]>) -> Option<Ref> {
        let log = self.log;
        self.grouped.clear();
        self.grouped.extend(log.of(entry).map(|record| {
            let covered = covered_type(record.rtype, log.rdata(record));
            (u32::from(covered.0) << 1 | u32::from(record.rtype == Type::RRSIG), record)
        }));
        self.grouped.sort_by_key(|(key, _)| *key);
        check::name(
            self.apex,
            names,
            entry,
            self.grouped.iter().map(|(_, record)| *record),
            &mut self.faults,
        );
        let name = names.name(entry);
        let mut owner = None;
        let mut count = 0u16;
        self.sets.clear();
        let grouped = std::mem::take(&mut self.grouped);
        for group in grouped.chunk_by(|a, b| a.0 >> 1 == b.0 >> 1) {
            self.set(group, name, &mut owner)?;
            count = count.checked_add(1)?;
        }
        self.grouped = grouped;
        let flags = Flags::default()
            .with(Flags::CUT, is_cut(entry))
            .with(Flags::DNAME, entry.kinds.has(Kinds::DNAME))
            .with(Flags::CNAME, entry.kinds.has(Kinds::CNAME))
            .with(Flags::WILDCARD, entry.kinds.has(Kinds::WILDCARD));
        self.node.clear();
        node::write_head(&mut self.node, name, flags, entry.cover, count, prefix);
        self.node.extend_from_slice(&self.sets);
        self.arena.push(&self.node)
    }

    /// The records of one type, and the signatures that cover it.
    fn set(&mut self, group: &[(u32, &'b Logged)], name: &[u8], owner: &mut Option<NameBuf>) -> Option<()> {
        let rtype = Type((group.first()?.0 >> 1) as u16);
        let log = self.log;
        let signed = group.partition_point(|(key, _)| key & 1 == 0);
        let (records, signatures) = group.split_at_checked(signed)?;
        check::set(rtype, records, log, &mut |kind, line| {
            self.faults.push(full_name(name, self.apex).as_ref(), line, kind);
        });
        self.plain.clear();
        self.plain.extend(records.iter().map(|(_, record)| log.rdata(record)));
        denial::remove_duplicates(rtype, &mut self.plain);
        self.signatures.clear();
        self.signatures.extend(signatures.iter().map(|(_, record)| log.rdata(record)));
        denial::remove_duplicates(Type::RRSIG, &mut self.signatures);
        self.records += (self.plain.len() + self.signatures.len()) as u64;
        let ttls = if records.is_empty() { signatures } else { records };
        let owner = match owner {
            Some(owner) => owner.as_ref(),
            None if points(rtype) => owner.insert(full_name(name, self.apex)).as_ref(),
            None => NameRef::ROOT,
        };
        self.links.arrange(rtype, &mut self.plain, owner, self.apex, self.builder.start);
        let parts = Parts {
            rtype,
            ttl: ttls.iter().map(|(_, record)| record.ttl).min().unwrap_or(0),
            records: &self.plain,
            signatures: &self.signatures,
            links: &self.links,
        };
        self.writer.write(&mut self.sets, owner, &parts)
    }
}
