//! What the authority section is kept for: the SOA of a denial, and the proofs of DNSSEC.

use rhumb_wire::{MessageSection, NameRef, Type};

use super::super::limits;
use super::records::{ByteRange, ScrubbedRecords, ScrubbedSet};
use crate::exchange::UnusableReply;

/// Labels field and signer's name of an RRSIG (RFC 4034 section 3.1).
const LABELS_AT: usize = 3;
const SIGNER_AT: usize = 18;

/// The authority section.
#[derive(Debug, Default)]
pub(super) struct AuthorityProof {
    pub(super) sets: Vec<ScrubbedSet>,
    /// For how many seconds the SOA allows the denial to be kept; none without a SOA.
    pub(super) denied_for: Option<u32>,
}

/// Collects the proofs for an answer of the sets `answer` that ends at `end`.
///
/// The SOA has to be of a zone `end` is in, the proofs of that zone, or of one that signed an expanded wildcard.
///
/// Errors: `Malformed`, `TooMany`.
pub(super) fn find(
    records: &ScrubbedRecords,
    answer: &[ScrubbedSet],
    end: ByteRange,
    denied: bool,
) -> Result<AuthorityProof, UnusableReply> {
    let mut proof = AuthorityProof::default();
    let mut zones = wildcard_signers(records, answer);
    if denied
        && let Some(mut soa) = zone_soa(records, end)?
        && let Some(&rdata) = soa.members.first()
    {
        let minimum = records.bytes(rdata).last_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        soa.ttl = soa.ttl.min(minimum);
        proof.denied_for = Some(soa.ttl);
        zones.push(records.name(soa.owner));
        proof.sets.push(soa);
    }
    if zones.is_empty() {
        return Ok(proof);
    }
    let mut known: Vec<(ByteRange, Type)> = Vec::new();
    for item in records.items(MessageSection::Authority) {
        let owner = records.name(item.owner);
        if !matches!(item.rtype, Type::NSEC | Type::NSEC3)
            || !zones.iter().any(|&zone| owner.is_at_or_below(zone))
            || known.iter().any(|&(name, rtype)| rtype == item.rtype && records.same_name(name, item.owner))
        {
            continue;
        }
        if known.len() == limits::DENIALS {
            return Err(UnusableReply::TooMany);
        }
        known.push((item.owner, item.rtype));
        if let Some(mut set) = records.set(MessageSection::Authority, item.owner, item.rtype)? {
            // RFC 9077 section 3.
            set.ttl = proof.denied_for.map_or(set.ttl, |seconds| set.ttl.min(seconds));
            proof.sets.push(set);
        }
    }
    Ok(proof)
}

/// The first SOA of a zone that `name` can be in, and of it the first record.
fn zone_soa(records: &ScrubbedRecords, name: ByteRange) -> Result<Option<ScrubbedSet>, UnusableReply> {
    let below = records.name(name);
    let soa = records
        .items(MessageSection::Authority)
        .find(|item| item.rtype == Type::SOA && below.is_at_or_below(records.name(item.owner)));
    let Some(soa) = soa else { return Ok(None) };
    let mut set = records.set(MessageSection::Authority, soa.owner, Type::SOA)?;
    if let Some(set) = &mut set {
        set.members.truncate(1);
    }
    Ok(set)
}

/// The signers of those sets whose signature has fewer labels than their owner (RFC 4035 section 5.3.4).
fn wildcard_signers<'r>(records: &'r ScrubbedRecords, answer: &[ScrubbedSet]) -> Vec<NameRef<'r>> {
    let mut zones = Vec::new();
    for set in answer {
        let owner = records.name(set.owner);
        let labels = owner.label_count() - usize::from(owner.is_wildcard());
        for &signature in &set.signatures {
            let bytes = records.bytes(signature);
            let expanded = bytes.get(LABELS_AT).is_some_and(|&signed| usize::from(signed) < labels);
            let signer = bytes.get(SIGNER_AT..).and_then(|rest| NameRef::parse(rest).ok());
            zones.extend(signer.filter(|&zone| expanded && owner.is_at_or_below(zone)));
        }
    }
    zones
}
