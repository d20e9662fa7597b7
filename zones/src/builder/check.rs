//! What is wrong or doubtful about the records of a zone.

use rhumb_wire::{NameRef, Type, rdata};

use super::final_dot::DotSearch;
use super::log::{LoggedRecord, RecordLog, TypeFlags};
use super::tree::{NameEntry, NameTree};
use crate::contents::node::{NodeFlags, ZoneNode};
use crate::contents::{ZoneContents, full_name};
use crate::fault::{FaultKind, FaultSeverity, ZoneFault, stands_beside_cname};
use crate::fold;

/// Faults kept of each severity.
const MAX_FAULTS: usize = 1000;
/// Names behind a cut that are looked at before a target is looked up.
const FEW: usize = 4;

#[derive(Debug, Default)]
pub(super) struct FaultList {
    errors: Vec<ZoneFault>,
    warnings: Vec<ZoneFault>,
}

impl FaultList {
    pub(super) fn push(&mut self, owner: NameRef<'_>, line: u32, kind: FaultKind) {
        let severity = kind.severity();
        let faults = if severity == FaultSeverity::Error { &mut self.errors } else { &mut self.warnings };
        if faults.len() < MAX_FAULTS {
            faults.push(ZoneFault { severity, owner: owner.to_name(), line, kind });
        }
    }

    /// Whether there is no room for a warning.
    const fn is_full(&self) -> bool {
        self.warnings.len() >= MAX_FAULTS
    }

    /// Errors first.
    pub(super) fn into_all(mut self) -> Vec<ZoneFault> {
        self.errors.append(&mut self.warnings);
        self.errors
    }
}

/// SOA and NS at the apex.
pub(super) fn apex(apex: NameRef<'_>, names: &NameTree, soa: &[u8], faults: &mut FaultList) {
    if soa.is_empty() {
        faults.push(apex, 0, FaultKind::NoSoa);
    }
    if !names.apex().is_some_and(|entry| entry.kinds.has(TypeFlags::NS)) {
        faults.push(apex, 0, FaultKind::NoNs);
    }
}

/// The records of one name together, by type: CNAME and other data, and occluded records.
pub(super) fn name<'r>(
    apex: NameRef<'_>,
    name: &[u8],
    entry: &NameEntry,
    records: impl Iterator<Item = LoggedRecord<'r>>,
    faults: &mut FaultList,
) {
    let alias = entry.kinds.has(TypeFlags::CNAME);
    if !alias && entry.occluded_by().is_none() && !entry.is_cut() {
        return;
    }
    let owner = || full_name(name, apex);
    let mut reported = Type(0);
    for record in records {
        let rtype = record.rtype;
        if rtype == reported {
            continue;
        }
        reported = rtype;
        if alias && rtype != Type::CNAME && !stands_beside_cname(rtype) {
            faults.push(owner().as_ref(), record.line, FaultKind::CnameAndOther(rtype));
        }
        let hidden = match entry.occluded_by() {
            None => entry.is_cut() && !is_seen_at_cut(rtype),
            Some(_) => !matches!(rtype, Type::A | Type::AAAA),
        };
        if hidden {
            let depth = usize::from(entry.occluded_by().unwrap_or(entry.depth));
            let owner = owner();
            let above = owner.as_ref().skip_labels(usize::from(entry.depth) - depth).to_name();
            faults.push(owner.as_ref(), record.line, FaultKind::Occluded { rtype, by: above });
        }
    }
}

/// What the parent side of a cut has (RFC 4035 section 2.4 and 2.6), with glue of the cut's own name.
const fn is_seen_at_cut(rtype: Type) -> bool {
    matches!(rtype, Type::NS | Type::DS | Type::NSEC | Type::RRSIG | Type::A | Type::AAAA)
}

/// The digest of a record, where it has one.
pub(super) fn digest(record: &LoggedRecord<'_>, push: &mut dyn FnMut(FaultKind, u32)) {
    if !rdata::digest_fits(record.rtype, record.rdata) {
        push(FaultKind::DigestLength(record.rtype), record.line);
    }
}

/// The records of one type.
pub(super) fn set(rtype: Type, records: &[(u32, LoggedRecord<'_>)], push: &mut dyn FnMut(FaultKind, u32)) {
    let Some(((_, first), others)) = records.split_first() else { return };
    for (_, record) in records {
        digest(record, push);
    }
    for (_, record) in others {
        match rtype {
            _ if record.rdata == first.rdata => push(FaultKind::Duplicate(rtype), record.line),
            Type::CNAME => push(FaultKind::SeveralCnames, record.line),
            Type::DNAME => push(FaultKind::SeveralDnames, record.line),
            _ => {}
        }
    }
    if let Some((_, record)) = others.iter().find(|(_, record)| record.ttl != first.ttl) {
        push(FaultKind::TtlsDiffer(rtype), record.line);
    }
}

/// Where NS, MX, SRV, CNAME and PTR point to, and owners that lack a dot.
pub(super) fn targets(log: &RecordLog, names: &NameTree, contents: &ZoneContents, faults: &mut FaultList) {
    let kinds = TypeFlags::NS | TypeFlags::SERVICE | TypeFlags::CNAME | TypeFlags::PTR;
    let dots = DotSearch::new(contents);
    let shown = names.entries.iter().enumerate().filter(|(_, entry)| entry.occluded_by().is_none());
    for (index, entry) in shown {
        if faults.is_full() {
            return;
        }
        if dots.lacks_dot(log, entry)
            && let Some(record) = names.records(log, entry).next()
        {
            let owner = full_name(entry.name(log), contents.apex());
            faults.push(owner.as_ref(), record.line, FaultKind::OwnerLacksDot);
        }
        if !entry.kinds.has(kinds) {
            continue;
        }
        for record in names.records(log, entry) {
            let skipped = match record.rtype {
                Type::NS | Type::CNAME | Type::PTR => 0,
                Type::MX => 2,
                Type::SRV => 6,
                _ => continue,
            };
            let Some(Ok(target)) = record.rdata.get(skipped..).map(NameRef::parse) else { continue };
            let owner = entry.name(log);
            if let Some(kind) = dots.fault(record.rtype, target) {
                faults.push(full_name(owner, contents.apex()).as_ref(), record.line, kind);
                continue;
            }
            if matches!(record.rtype, Type::CNAME | Type::PTR) {
                continue;
            }
            // Glue stands right behind its cut, and most cuts have little of it.
            let behind = names.entries.iter().skip(index + 1).take(FEW);
            if behind
                .take_while(|next| next.depth > entry.depth)
                .any(|next| is_glue(log, next, target, contents))
            {
                continue;
            }
            if let Some(kind) = target_fault(contents, owner, entry.is_cut(), record.rtype, target) {
                faults.push(full_name(owner, contents.apex()).as_ref(), record.line, kind);
            }
        }
    }
}

/// Whether `target` is the name of this entry, and it has an address.
fn is_glue(log: &RecordLog, entry: &NameEntry, target: NameRef<'_>, contents: &ZoneContents) -> bool {
    let name = entry.name(log);
    let same = || target.as_bytes().get(..name.len()).is_some_and(|start| fold::eq(start, name));
    entry.kinds.has(TypeFlags::ADDRESS)
        && target.len() == name.len() + contents.apex().len()
        && same()
        && contents.below_apex(target).is_some()
}

fn target_fault(
    contents: &ZoneContents,
    owner: &[u8],
    is_cut: bool,
    rtype: Type,
    target: NameRef<'_>,
) -> Option<FaultKind> {
    let below = contents.below_apex(target)?;
    let found = contents.node_named(below);
    if found.is_some_and(has_address) {
        return None;
    }
    if is_cut && target.is_at_or_below(full_name(owner, contents.apex()).as_ref()) {
        return Some(FaultKind::MissingGlue(target.to_name()));
    }
    let nearest = contents.nearest(target)?;
    let hides =
        !nearest.name().is_empty() && nearest.flags().has(NodeFlags::CUT.with(NodeFlags::DNAME, true));
    if nearest.occluded_by().is_some() || hides {
        return None;
    }
    match found {
        Some(found) if found.flags().has(NodeFlags::CNAME) => {
            Some(FaultKind::TargetIsAlias { rtype, target: target.to_name() })
        }
        None if nearest.flags().has(NodeFlags::WILDCARD.with(NodeFlags::DNAME, true)) => None,
        _ => Some(FaultKind::TargetWithoutAddress { rtype, target: target.to_name() }),
    }
}

fn has_address(node: ZoneNode<'_>) -> bool {
    [Type::A, Type::AAAA].iter().any(|rtype| node.set(*rtype).is_some_and(|set| set.records > 0))
}
