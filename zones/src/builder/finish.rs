//! From the names and records collected to contents.

use rhumb_wire::{NameBuf, NameRef, Type};

use super::check::{self, FaultList};
use super::denial::{self, ChainParameters};
use super::image::{self, ImageWriter, RrsetParts};
use super::log::{LoggedRecord, TypeFlags};
use super::targets::TargetLinks;
use super::tree::{NameEntry, NameTree};
use super::{ZoneBuilder, covered_type};
use crate::contents::ReadyProofs;
use crate::contents::arena::{ArenaBuilder, NodeRef};
use crate::contents::index::NodeIndex;
use crate::contents::node::{self, NodeFlags, PREFIX};
use crate::contents::order::NodeOrder;
use crate::contents::set::points;
use crate::contents::{DenialChain, Nsec3Chain, ZoneContents, full_name};
use crate::fault::{FaultKind, FaultSeverity, ZoneFault};
use crate::hash::NameHash;

pub(super) fn finish(builder: ZoneBuilder) -> Result<(ZoneContents, Vec<ZoneFault>), Vec<ZoneFault>> {
    let ZoneBuilder { apex, start, log, names, hashed, soa, soa_ttl, .. } = builder;
    let names = NameTree::new(&log, names);
    let hashed = NameTree::new(&log, hashed);
    let chain = ChainParameters::of(&names, &hashed);
    let mut emitter = Emitter::new(apex.as_ref(), start, chain.as_ref());
    let nodes = emitter.names(&names);
    let members = emitter.hashed(&hashed);
    let Emitter { arena, mut faults, records, owners, .. } = emitter;
    check::apex(apex.as_ref(), &names, &soa, &mut faults);
    let (Some((index, order, root)), Some((hashed, members))) = (nodes, members) else {
        faults.push(apex.as_ref(), 0, FaultKind::TooLarge);
        return Err(faults.into_all());
    };
    let denial = match chain {
        Some(ChainParameters { iterations, salt }) => {
            let others = members.len() != hashed.len();
            let owners = others.then(|| NodeOrder::build(&members));
            DenialChain::Nsec3(Box::new(Nsec3Chain { iterations, salt, owners }))
        }
        None if owners.is_empty() => DenialChain::Unsigned,
        None => DenialChain::Nsec(NodeOrder::build(&owners)),
    };
    let (serial, minimum) = soa_numbers(&soa);
    let contents = ZoneContents {
        depth: names.entries.iter().map(|entry| usize::from(entry.depth)).max().unwrap_or(0),
        apex,
        start,
        arena: arena.finish(),
        names: index,
        order: NodeOrder::build(&order),
        hashed: NodeOrder::build(&hashed),
        root,
        serial,
        negative_ttl: soa_ttl.min(minimum),
        records,
        denial,
        ready: ReadyProofs::default(),
    };
    check::targets(&names, &contents, &mut faults);
    let faults = faults.into_all();
    if faults.iter().any(|fault| fault.severity == FaultSeverity::Error) {
        return Err(faults);
    }
    Ok((contents.made_ready(), faults))
}

/// Serial and minimum of a SOA's RDATA.
fn soa_numbers(rdata: &[u8]) -> (u32, u32) {
    let Some(numbers) = rdata.last_chunk::<20>() else { return (0, 0) };
    let word =
        |at: usize| numbers.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_be_bytes(*b));
    (word(0), word(16))
}

struct Emitter<'b> {
    apex: NameRef<'b>,
    start: NameHash,
    chain: Option<&'b ChainParameters>,
    arena: ArenaBuilder,
    faults: FaultList,
    records: u64,
    /// The owners of NSEC records in authoritative data.
    owners: Vec<NodeRef>,
    writer: ImageWriter<'b>,
    links: TargetLinks,
    node: Vec<u8>,
    /// The records of a name, each with its type in the upper bits, signatures behind what they cover.
    grouped: Vec<(u32, LoggedRecord<'b>)>,
    plain: Vec<&'b [u8]>,
    signatures: Vec<&'b [u8]>,
}

impl<'b> Emitter<'b> {
    fn new(apex: NameRef<'b>, start: NameHash, chain: Option<&'b ChainParameters>) -> Self {
        Self {
            apex,
            start,
            chain,
            arena: ArenaBuilder::default(),
            faults: FaultList::default(),
            records: 0,
            owners: Vec::new(),
            writer: ImageWriter::default(),
            links: TargetLinks::default(),
            node: Vec::with_capacity(512),
            grouped: Vec::with_capacity(16),
            plain: Vec::with_capacity(8),
            signatures: Vec::new(),
        }
    }

    /// The nodes of all names: by hash, in order, and the apex.
    fn names(&mut self, names: &NameTree<'b>) -> Option<(NodeIndex, Vec<NodeRef>, NodeRef)> {
        let mut entries = Vec::with_capacity(names.entries.len());
        let mut order = Vec::with_capacity(names.entries.len());
        // By depth the hashes of the names above the one at hand, which come before it.
        let mut hashes = vec![self.start];
        for entry in &names.entries {
            let name = names.name(entry);
            hashes.truncate(usize::from(entry.depth).max(1));
            let label = name.first().and_then(|&length| name.get(..=usize::from(length)));
            let hash = label
                .map_or(self.start, |label| hashes.last().map_or(self.start, |above| above.label(label)));
            hashes.extend(label.map(|_| hash));
            let prefix = self.chain.filter(|_| entry.occluded_by().is_none());
            let prefix = prefix.map(|chain| chain.prefix(name, self.apex));
            let at = self.node(names, entry, prefix)?;
            order.push(at);
            entries.push((hash.finish(), at));
            if entry.kinds.has(TypeFlags::NSEC) && entry.occluded_by().is_none() {
                self.owners.push(at);
            }
        }
        let root = *order.first()?;
        Some((NodeIndex::build(&entries), order, root))
    }

    /// The nodes of the owners of NSEC3 records, and those of them that belong to the chain.
    fn hashed(&mut self, hashed: &NameTree<'b>) -> Option<(Vec<NodeRef>, Vec<NodeRef>)> {
        let (mut all, mut members) = (Vec::new(), Vec::new());
        for entry in &hashed.entries {
            let Some(prefix) = crate::nsec3::prefix_of_label(hashed.name(entry)) else { continue };
            let at = self.node(hashed, entry, Some(prefix.to_be_bytes()))?;
            all.push(at);
            if self.chain.is_some_and(|chain| chain.has(hashed, entry)) {
                members.push(at);
            }
        }
        Some((all, members))
    }

    fn node(
        &mut self,
        names: &NameTree<'b>,
        entry: &NameEntry,
        prefix: Option<[u8; PREFIX]>,
    ) -> Option<NodeRef> {
        let mut grouped = std::mem::take(&mut self.grouped);
        grouped.clear();
        grouped.extend(names.records(entry).map(|record| {
            let covered = covered_type(record.rtype, record.rdata);
            (u32::from(covered.0) << 1 | u32::from(record.rtype == Type::RRSIG), record)
        }));
        if !grouped.is_sorted_by_key(|(key, _)| *key) {
            grouped.sort_by_key(|(key, _)| *key);
        }
        let records = grouped.iter().map(|(_, record)| *record);
        check::name(self.apex, names, entry, records, &mut self.faults);
        let name = names.name(entry);
        let flags = NodeFlags::default()
            .with(NodeFlags::CUT, entry.is_cut())
            .with(NodeFlags::DNAME, entry.kinds.has(TypeFlags::DNAME))
            .with(NodeFlags::CNAME, entry.kinds.has(TypeFlags::CNAME))
            .with(NodeFlags::WILDCARD, entry.kinds.has(TypeFlags::WILDCARD));
        let sets = || grouped.chunk_by(|a, b| a.0 >> 1 == b.0 >> 1);
        self.node.clear();
        let count = u16::try_from(sets().count()).ok()?;
        node::write_head(&mut self.node, name, flags, entry.occluded_by(), count, prefix);
        let mut owner = None;
        for group in sets() {
            match group {
                [(_, record)] if image::is_simple(record) => {
                    self.records += 1;
                    image::write_simple(&mut self.node, record);
                }
                _ => self.set(group, name, &mut owner)?,
            }
        }
        self.grouped = grouped;
        self.arena.push(&self.node)
    }

    /// The records of one type, and the signatures that cover it.
    fn set(
        &mut self,
        group: &[(u32, LoggedRecord<'b>)],
        name: &[u8],
        owner: &mut Option<NameBuf>,
    ) -> Option<()> {
        let rtype = Type((group.first()?.0 >> 1) as u16);
        let signed = group.partition_point(|(key, _)| key & 1 == 0);
        let (records, signatures) = group.split_at_checked(signed)?;
        check::set(rtype, records, &mut |kind, line| {
            self.faults.push(full_name(name, self.apex).as_ref(), line, kind);
        });
        self.plain.clear();
        self.plain.extend(records.iter().map(|(_, record)| record.rdata));
        denial::remove_duplicates(rtype, &mut self.plain);
        self.signatures.clear();
        self.signatures.extend(signatures.iter().map(|(_, record)| record.rdata));
        denial::remove_duplicates(Type::RRSIG, &mut self.signatures);
        self.records += (self.plain.len() + self.signatures.len()) as u64;
        let ttls = if records.is_empty() { signatures } else { records };
        let owner = match owner {
            Some(owner) => owner.as_ref(),
            None if points(rtype) => owner.insert(full_name(name, self.apex)).as_ref(),
            None => NameRef::ROOT,
        };
        self.links.arrange(rtype, &mut self.plain, owner, self.apex, self.start);
        let parts = RrsetParts {
            rtype,
            ttl: ttls.iter().map(|(_, record)| record.ttl).min().unwrap_or(0),
            records: &self.plain,
            signatures: &self.signatures,
            links: &self.links,
        };
        self.writer.write(&mut self.node, owner, &parts)
    }
}
