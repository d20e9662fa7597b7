//! What proofs of denial need.

use std::collections::HashSet;

use rhumb_wire::rdata::{RdataField, layout, make_canonical};
use rhumb_wire::{NameRef, Type};

use super::log::RecordLog;
use super::tree::{NameEntry, NameTree};
use crate::contents::full_name;
use crate::contents::node::PREFIX;
use crate::nsec3;

/// Records of a set compared each with each; larger sets go through a table.
const FEW: usize = 16;

/// The parameters of a zone's NSEC3 chain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChainParameters {
    pub(crate) iterations: u16,
    pub(crate) salt: Box<[u8]>,
}

impl ChainParameters {
    /// Those that NSEC3PARAM at the apex gives (RFC 5155 section 4), if there are NSEC3 records.
    pub(super) fn of(log: &RecordLog, names: &NameTree, hashed: &NameTree) -> Option<Self> {
        if hashed.entries.is_empty() {
            return None;
        }
        let mut records = names.records(log, names.apex()?).filter(|record| record.rtype == Type::NSEC3PARAM);
        records.find_map(|record| {
            let parameters = nsec3::Nsec3Parameters::parse(record.rdata).filter(|found| found.flags == 0)?;
            Some(Self { iterations: parameters.iterations, salt: parameters.salt.into() })
        })
    }

    /// Whether an owner of NSEC3 was made with them.
    pub(super) fn has(&self, log: &RecordLog, hashed: &NameTree, entry: &NameEntry) -> bool {
        hashed.records(log, entry).filter(|record| record.rtype == Type::NSEC3).any(|record| {
            let parameters = nsec3::Nsec3Parameters::parse(record.rdata);
            parameters.is_some_and(|found| found.iterations == self.iterations && found.salt == &*self.salt)
        })
    }

    /// The first bytes of a name's hash.
    pub(crate) fn prefix(&self, below: &[u8], apex: NameRef<'_>) -> [u8; PREFIX] {
        let name = full_name(below, apex);
        let hash = nsec3::hash(name.as_ref(), self.iterations, &self.salt);
        hash.first_chunk().copied().unwrap_or_default()
    }
}

/// Keeps one of records that are the same (RFC 2181 section 5), the first.
pub(super) fn remove_duplicates(rtype: Type, records: &mut Vec<&[u8]>) {
    if records.len() > FEW {
        let mut seen = HashSet::new();
        records.retain(|rdata| seen.insert(canonical(rtype, rdata)));
        return;
    }
    let mut kept = 1;
    while let Some(&rdata) = records.get(kept) {
        if records.iter().take(kept).any(|earlier| is_same(rtype, earlier, rdata)) {
            records.remove(kept);
        } else {
            kept += 1;
        }
    }
}

/// Whether two records of a type are the same.
pub(crate) fn is_same(rtype: Type, a: &[u8], b: &[u8]) -> bool {
    a == b || a.eq_ignore_ascii_case(b) && folds_names(rtype) && canonical(rtype, a) == canonical(rtype, b)
}

/// RDATA by which records that are the same are known: in lower case where case does not count.
pub(crate) fn canonical(rtype: Type, rdata: &[u8]) -> Vec<u8> {
    let mut rdata = rdata.to_vec();
    if folds_names(rtype) {
        make_canonical(rtype, &mut rdata);
    }
    rdata
}

/// Whether RDATA of the type has a name whose case does not count (RFC 4034 section 6.2).
fn folds_names(rtype: Type) -> bool {
    layout(rtype).iter().any(|field| matches!(field, RdataField::Name(rule) if rule.lower))
}
