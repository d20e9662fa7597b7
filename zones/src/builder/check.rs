//! What is wrong or doubtful about the records of a zone.

use rhumb_wire::{NameRef, Type};

use super::Builder;
use super::finish::is_cut;
use super::log::{Log, Logged};
use super::names::{Entry, Kinds, Names};
use crate::contents::{full_name, label_offsets};
use crate::fault::{Fault, FaultKind, Severity};

/// Faults kept of each severity.
const MAX_FAULTS: usize = 1000;

/// The faults found.
#[derive(Debug, Default)]
pub(super) struct Faults {
    errors: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Faults {
    pub(super) fn push(&mut self, owner: NameRef<'_>, line: u32, kind: FaultKind) {
        let severity = kind.severity();
        let faults = if severity == Severity::Error { &mut self.errors } else { &mut self.warnings };
        if faults.len() < MAX_FAULTS {
            faults.push(Fault { severity, owner: owner.to_name(), line, kind });
        }
    }

    /// Errors first.
    pub(super) fn into_all(mut self) -> Vec<Fault> {
        self.errors.append(&mut self.warnings);
        self.errors
    }
}

/// SOA and NS at the apex.
pub(super) fn apex(builder: &Builder, faults: &mut Faults) {
    if builder.soa.is_empty() {
        faults.push(builder.apex.as_ref(), 0, FaultKind::NoSoa);
    }
    if !builder.names.entry(0).is_some_and(|entry| entry.kinds.has(Kinds::NS)) {
        faults.push(builder.apex.as_ref(), 0, FaultKind::NoNs);
    }
}

/// The records of one name together: CNAME and other data, and what nobody sees.
pub(super) fn name<'r>(
    apex: NameRef<'_>,
    names: &Names,
    entry: &Entry,
    records: impl Iterator<Item = &'r Logged>,
    faults: &mut Faults,
) {
    let alias = entry.kinds.has(Kinds::CNAME);
    if !alias && entry.cover.is_none() && !is_cut(entry) {
        return;
    }
    let owner = full_name(names.name(entry), apex);
    let mut told = Type(0);
    for record in records {
        let rtype = record.rtype;
        if rtype == told {
            continue;
        }
        told = rtype;
        // RFC 4034 section 2.5 of RFC 4035 for RRSIG and NSEC; RFC 2535 had KEY and SIG there too.
        if alias && !matches!(rtype, Type::CNAME | Type::RRSIG | Type::NSEC | Type::KEY | Type::SIG) {
            faults.push(owner.as_ref(), record.line, FaultKind::CnameAndOther(rtype));
        }
        let hidden = match entry.cover {
            None => is_cut(entry) && !is_seen_at_cut(rtype),
            Some(_) => !matches!(rtype, Type::A | Type::AAAA),
        };
        if hidden {
            let depth = usize::from(entry.cover.unwrap_or(entry.depth));
            let above = owner.as_ref().skip_labels(usize::from(entry.depth) - depth).to_name();
            faults.push(owner.as_ref(), record.line, FaultKind::Occluded { rtype, by: above });
        }
    }
}

/// What the parent side of a cut has (RFC 4035 section 2.4 and 2.6), with glue of the cut's own name.
const fn is_seen_at_cut(rtype: Type) -> bool {
    matches!(rtype, Type::NS | Type::DS | Type::NSEC | Type::RRSIG | Type::A | Type::AAAA)
}

/// The records of one type.
pub(super) fn set(rtype: Type, records: &[(u32, &Logged)], log: &Log, push: &mut dyn FnMut(FaultKind, u32)) {
    let Some(((_, first), others)) = records.split_first() else { return };
    for (_, record) in others {
        match rtype {
            _ if log.rdata(record) == log.rdata(first) => push(FaultKind::Duplicate(rtype), record.line),
            Type::CNAME => push(FaultKind::SeveralCnames, record.line),
            Type::DNAME => push(FaultKind::SeveralDnames, record.line),
            _ => {}
        }
    }
    if let Some((_, record)) = others.iter().find(|(_, record)| record.ttl != first.ttl) {
        push(FaultKind::TtlsDiffer(rtype), record.line);
    }
}

/// Where NS, MX and SRV point to.
pub(super) fn targets(builder: &Builder, sorted: &[u32], faults: &mut Faults) {
    let entries = sorted.iter().filter_map(|&id| builder.names.entry(id));
    for entry in entries.filter(|entry| entry.cover.is_none()) {
        for record in builder.log.of(entry) {
            let skipped = match record.rtype {
                Type::NS => 0,
                Type::MX => 2,
                Type::SRV => 6,
                _ => continue,
            };
            let rdata = builder.log.rdata(record);
            let Some(Ok(target)) = rdata.get(skipped..).map(NameRef::parse) else { continue };
            if let Some(kind) = target_fault(builder, entry, record.rtype, target) {
                let owner = full_name(builder.names.name(entry), builder.apex.as_ref());
                faults.push(owner.as_ref(), record.line, kind);
            }
        }
    }
}

fn target_fault(builder: &Builder, entry: &Entry, rtype: Type, target: NameRef<'_>) -> Option<FaultKind> {
    let names = &builder.names;
    let below = builder.below_apex(target).ok()?;
    let found = names.find(below).and_then(|id| names.entry(id));
    if found.is_some_and(|found| found.kinds.has(Kinds::ADDRESS)) {
        return None;
    }
    if is_cut(entry) {
        let cut = full_name(names.name(entry), builder.apex.as_ref());
        if target.is_at_or_below(cut.as_ref()) {
            return Some(FaultKind::MissingGlue(target.to_name()));
        }
    }
    let nearest = nearest(names, below)?;
    if nearest.cover.is_some() || super::finish::is_cover(nearest) && !names.name(nearest).is_empty() {
        return None;
    }
    match found {
        Some(found) if found.kinds.has(Kinds::CNAME) => {
            Some(FaultKind::TargetIsAlias { rtype, target: target.to_name() })
        }
        None if nearest.kinds.has(Kinds::WILDCARD | Kinds::DNAME) => None,
        _ => Some(FaultKind::TargetWithoutAddress { rtype, target: target.to_name() }),
    }
}

/// The name itself, or else the nearest ancestor that exists.
fn nearest<'n>(names: &'n Names, below: &[u8]) -> Option<&'n Entry> {
    let (offsets, count) = label_offsets(below);
    let mut suffixes = offsets.iter().take(count).filter_map(|&at| below.get(usize::from(at)..));
    suffixes.find_map(|suffix| names.find(suffix)).or(Some(0)).and_then(|id| names.entry(id))
}
