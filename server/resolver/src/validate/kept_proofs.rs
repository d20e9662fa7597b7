//! Which records of a zone's chain deny a name, where others of that zone were found to be right before (RFC 8198 section 5).

use std::sync::Arc;

use rhumb_cache::RecordSet;
use rhumb_wire::{DomainName, NameRef, Type};

use super::limits;
use super::nsec::NsecProofs;
use super::nsec3::{HashBudget, Nsec3Proofs};

/// Finds the record of a type that stands at a name, or last before it in the chain.
pub(crate) type ProofFinder<'f> = dyn Fn(NameRef<'_>, Type) -> Option<Arc<RecordSet>> + 'f;

/// The NSEC records that may deny `name` of `zone`: the one at it or before it, and the one of the wildcard that it would be made from.
pub(crate) fn nsec_proofs(
    name: NameRef<'_>,
    zone: NameRef<'_>,
    find: &ProofFinder<'_>,
) -> Vec<Arc<RecordSet>> {
    let Some(first) = find(name, Type::NSEC) else { return Vec::new() };
    let wildcard = NsecProofs::new(&[&first], zone, limits::PROOFS).wildcard_above(name);
    let second = wildcard.and_then(|wildcard| find(wildcard.as_ref(), Type::NSEC));
    let second = second.filter(|second| second.owner != first.owner);
    std::iter::once(first).chain(second).collect()
}

/// The NSEC3 records that may deny `name` of `zone`, whose chain has the parameters of `sample`: that of the name; or that of its closest
/// encloser, and those before the next closer name and the wildcard.
pub(crate) fn nsec3_proofs(
    name: NameRef<'_>,
    zone: NameRef<'_>,
    sample: &RecordSet,
    find: &ProofFinder<'_>,
    hashes: &mut HashBudget,
) -> Vec<Arc<RecordSet>> {
    let chain = Nsec3Proofs::new(&[sample], zone, limits::PROOFS);
    let Some(chain) = chain.filter(|chain| !chain.is_too_much(hashes)) else { return Vec::new() };
    let mut record = |name: NameRef<'_>| {
        let owner = chain.owner_of(name, hashes)?;
        let found = find(owner.as_ref(), Type::NSEC3)?;
        let matches = found.owner.as_ref() == owner.as_ref();
        Some((found, matches))
    };
    let mut next_closer: Option<Arc<RecordSet>> = None;
    let mut at = Some(name);
    while let Some(here) = at.filter(|at| at.is_at_or_below(zone)) {
        match (record(here), next_closer) {
            (Some((found, true)), None) => return vec![found],
            (Some((found, true)), Some(next_closer)) => {
                let wildcard = DomainName::prepend(b"*", here).ok();
                let wildcard = wildcard.and_then(|wildcard| record(wildcard.as_ref()));
                return [found, next_closer].into_iter().chain(wildcard.map(|(found, _)| found)).collect();
            }
            (Some((found, false)), _) => next_closer = Some(found),
            (None, _) => return Vec::new(),
        }
        at = here.parent();
    }
    Vec::new()
}
