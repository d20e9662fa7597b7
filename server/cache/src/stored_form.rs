//! What was learnt as bytes, to be kept on a disk over a restart, and how it is read again. Nothing here opens a file.
//!
//! ```text
//! records: 1 · content (1) · credibility (1) · security (1) · type (2) · age (4) · TTL (4) · owner · number of sets (2) · sets
//! proof:   2 · seconds left (4) · zone · set
//! set:     type (2) · TTL (4) · owner · number of records (2) · records · number of signatures (2) · signatures
//! ```
//! Names are uncompressed, each record has its length before it (2), numbers are big-endian. Of records, the first set is the content
//! where that is records.

mod numbers;
mod read;
#[cfg(test)]
mod tests;

use rhumb_wire::NameRef;

use crate::proof_cache::KeptProof;
use crate::record_list::CachedRecords;
use crate::record_set::{LearntRecords, RecordContent, RecordSet};

pub use read::{RestoreTime, StoredEntry, StoredEntryError, read_stored};

use numbers::{CREDIBILITIES, NAME_ERROR, NO_DATA, PROOF, RECORDS, SECURITIES, SET};

/// Appends what was learnt, as it is at `now`. False, with nothing appended, for what is bogus or does not fit the form.
pub fn store_records(learnt: &LearntRecords, now: u32, into: &mut Vec<u8>) -> bool {
    let start = into.len();
    let stored = append_records(learnt, now, into);
    if stored.is_none() {
        into.truncate(start);
    }
    stored.is_some()
}

fn append_records(learnt: &LearntRecords, now: u32, into: &mut Vec<u8>) -> Option<()> {
    let content = match &learnt.content {
        RecordContent::Records(_) => SET,
        RecordContent::NoData => NO_DATA,
        RecordContent::NameError => NAME_ERROR,
    };
    let credibility = CREDIBILITIES.iter().position(|known| *known == learnt.credibility)?;
    let security = SECURITIES.iter().position(|known| *known == learnt.security)?;
    into.extend_from_slice(&[RECORDS, content, credibility as u8, security as u8]);
    into.extend_from_slice(&learnt.rtype.0.to_be_bytes());
    into.extend_from_slice(&now.saturating_sub(learnt.stored).to_be_bytes());
    into.extend_from_slice(&learnt.ttl.to_be_bytes());
    into.extend_from_slice(learnt.owner.as_ref().as_bytes());
    let sets = || learnt.records().into_iter().chain(&learnt.attached);
    into.extend_from_slice(&u16::try_from(sets().count()).ok()?.to_be_bytes());
    sets().try_for_each(|set| append_set(set, into))
}

/// Appends a proof of `zone`, as it is at `now`. False, with nothing appended, for what does not fit the form.
pub fn store_proof(zone: NameRef<'_>, proof: &KeptProof, now: u32, into: &mut Vec<u8>) -> bool {
    let start = into.len();
    into.push(PROOF);
    into.extend_from_slice(&proof.until.saturating_sub(now).to_be_bytes());
    into.extend_from_slice(zone.as_bytes());
    let stored = append_set(&proof.set, into).is_some();
    if !stored {
        into.truncate(start);
    }
    stored
}

fn append_set(set: &RecordSet, into: &mut Vec<u8>) -> Option<()> {
    into.extend_from_slice(&set.rtype.0.to_be_bytes());
    into.extend_from_slice(&set.ttl.to_be_bytes());
    into.extend_from_slice(set.owner.as_ref().as_bytes());
    append_list(&set.records, into)?;
    append_list(&set.signatures, into)
}

fn append_list(list: &CachedRecords, into: &mut Vec<u8>) -> Option<()> {
    into.extend_from_slice(&u16::try_from(list.len()).ok()?.to_be_bytes());
    into.extend_from_slice(list.as_bytes());
    Some(())
}
