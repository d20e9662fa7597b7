//! From the records of names to the images of nodes.

use rhumb_wire::{NameBuf, NameRef, Type};

use super::check::{self, FaultList};
use super::covered_type;
use super::denial::{self, ChainParameters};
use super::finish_depth::FinishDepth;
use super::image::{self, ImageWriter, RrsetParts};
use super::log::{LoggedRecord, RecordLog, TypeFlags};
use super::targets::TargetLinks;
use super::tree::{NameEntry, NameTree};
use crate::contents::arena::{ArenaBuilder, NodeRef};
use crate::contents::full_name;
use crate::contents::node::{self, NodeFlags, PREFIX};
use crate::contents::set::points;
use crate::hash::NameHash;

/// Names whose nodes are made before what they used up of the log is given back.
const BATCH: usize = 4096;

/// Makes nodes, one after the other.
pub(super) struct Emitter<'z> {
    apex: NameRef<'z>,
    start: NameHash,
    chain: Option<&'z ChainParameters>,
    depth: FinishDepth,
    pub(super) arena: ArenaBuilder,
    pub(super) faults: FaultList,
    pub(super) records: u64,
    /// The owners of NSEC records in authoritative data.
    pub(super) owners: Vec<NodeRef>,
    links: TargetLinks,
    node: Vec<u8>,
}

/// Room that is used for one node after the other.
#[derive(Default)]
struct NodeScratch<'l> {
    writer: ImageWriter<'l>,
    /// The records of a name, each with its type in the upper bits, signatures behind what they cover.
    grouped: Vec<(u32, LoggedRecord<'l>)>,
    plain: Vec<&'l [u8]>,
    signatures: Vec<&'l [u8]>,
}

impl<'z> Emitter<'z> {
    pub(super) fn new(
        apex: NameRef<'z>,
        start: NameHash,
        chain: Option<&'z ChainParameters>,
        depth: FinishDepth,
    ) -> Self {
        Self {
            apex,
            start,
            chain,
            depth,
            arena: ArenaBuilder::default(),
            faults: FaultList::default(),
            records: 0,
            owners: Vec::new(),
            links: TargetLinks::default(),
            node: Vec::with_capacity(512),
        }
    }

    /// The nodes of all names in order, each with its hash.
    pub(super) fn names(&mut self, log: &mut RecordLog, names: &NameTree) -> Option<Vec<(u32, NodeRef)>> {
        let mut nodes = Vec::with_capacity(names.entries.len());
        // By depth the hashes of the names above the one at hand, which come before it.
        let mut hashes = vec![self.start];
        for batch in names.entries.chunks(BATCH) {
            let read = &*log;
            let mut scratch = NodeScratch::default();
            for entry in batch {
                let name = entry.name(read);
                hashes.truncate(usize::from(entry.depth).max(1));
                let label = name.first().and_then(|&length| name.get(..=usize::from(length)));
                let hash = label
                    .map_or(self.start, |label| hashes.last().map_or(self.start, |above| above.label(label)));
                hashes.extend(label.map(|_| hash));
                let prefix = self.chain.filter(|_| entry.occluded_by().is_none());
                let prefix = prefix.map(|chain| chain.prefix(name, self.apex));
                let at = self.node(read, names, entry, prefix, &mut scratch)?;
                nodes.push((hash.finish(), at));
                if entry.kinds.has(TypeFlags::NSEC) && entry.occluded_by().is_none() {
                    self.owners.push(at);
                }
            }
            self.release(log, names, batch);
        }
        Some(nodes)
    }

    /// The nodes of the owners of NSEC3 records, and those of them that belong to the chain.
    pub(super) fn hashed(
        &mut self,
        log: &mut RecordLog,
        hashed: &NameTree,
    ) -> Option<(Vec<NodeRef>, Vec<NodeRef>)> {
        let (mut all, mut members) = (Vec::new(), Vec::new());
        for batch in hashed.entries.chunks(BATCH) {
            let read = &*log;
            let mut scratch = NodeScratch::default();
            for entry in batch {
                let Some(prefix) = crate::nsec3::prefix_of_label(entry.name(read)) else { continue };
                let at = self.node(read, hashed, entry, Some(prefix.to_be_bytes()), &mut scratch)?;
                all.push(at);
                if self.chain.is_some_and(|chain| chain.has(read, hashed, entry)) {
                    members.push(at);
                }
            }
            self.release(log, hashed, batch);
        }
        Some((all, members))
    }

    /// What these nodes were made of is not needed any more, unless targets are looked at in the end.
    fn release(&self, log: &mut RecordLog, names: &NameTree, batch: &[NameEntry]) {
        if self.depth == FinishDepth::Errors {
            for entry in batch {
                names.release(log, entry);
            }
        }
    }

    fn node<'l>(
        &mut self,
        log: &'l RecordLog,
        names: &NameTree,
        entry: &NameEntry,
        prefix: Option<[u8; PREFIX]>,
        scratch: &mut NodeScratch<'l>,
    ) -> Option<NodeRef> {
        let mut grouped = std::mem::take(&mut scratch.grouped);
        grouped.clear();
        grouped.extend(names.records(log, entry).map(|record| {
            let covered = covered_type(record.rtype, record.rdata);
            (u32::from(covered.0) << 1 | u32::from(record.rtype == Type::RRSIG), record)
        }));
        if !grouped.is_sorted_by_key(|(key, _)| *key) {
            grouped.sort_by_key(|(key, _)| *key);
        }
        let name = entry.name(log);
        let records = grouped.iter().map(|(_, record)| *record);
        check::name(self.apex, name, entry, records, &mut self.faults);
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
                    check::digest(record, &mut |kind, line| {
                        self.faults.push(full_name(name, self.apex).as_ref(), line, kind);
                    });
                    image::write_simple(&mut self.node, record);
                }
                _ => self.set(group, name, &mut owner, scratch)?,
            }
        }
        scratch.grouped = grouped;
        self.arena.push(&self.node)
    }

    /// The records of one type, and the signatures that cover it.
    fn set<'l>(
        &mut self,
        group: &[(u32, LoggedRecord<'l>)],
        name: &[u8],
        owner: &mut Option<NameBuf>,
        scratch: &mut NodeScratch<'l>,
    ) -> Option<()> {
        let NodeScratch { writer, plain, signatures: covering, .. } = scratch;
        let rtype = Type((group.first()?.0 >> 1) as u16);
        let signed = group.partition_point(|(key, _)| key & 1 == 0);
        let (records, signatures) = group.split_at_checked(signed)?;
        check::set(rtype, records, &mut |kind, line| {
            self.faults.push(full_name(name, self.apex).as_ref(), line, kind);
        });
        plain.clear();
        plain.extend(records.iter().map(|(_, record)| record.rdata));
        denial::remove_duplicates(rtype, plain);
        covering.clear();
        covering.extend(signatures.iter().map(|(_, record)| record.rdata));
        denial::remove_duplicates(Type::RRSIG, covering);
        self.records += (plain.len() + covering.len()) as u64;
        let ttls = if records.is_empty() { signatures } else { records };
        let owner = match owner {
            Some(owner) => owner.as_ref(),
            None if points(rtype) => owner.insert(full_name(name, self.apex)).as_ref(),
            None => NameRef::ROOT,
        };
        self.links.arrange(rtype, plain, owner, self.apex, self.start);
        let parts = RrsetParts {
            rtype,
            ttl: ttls.iter().map(|(_, record)| record.ttl).min().unwrap_or(0),
            records: plain,
            signatures: covering,
            links: &self.links,
        };
        writer.write(&mut self.node, owner, &parts)
    }
}
