//! Proofs by NSEC (RFC 4035 section 5.4).

use std::cmp::Ordering;

use rhumb_cache::RecordSet;
use rhumb_wire::{DomainName, NameRef, Type};

use super::denial_claim::{DenialClaim, DenialVerdict};
use super::proof_role::ProofRole;
use super::type_bitmap::TypeBitmap;

#[derive(Clone, Copy, Debug)]
struct Nsec<'p> {
    owner: NameRef<'p>,
    next: NameRef<'p>,
    types: TypeBitmap<'p>,
}

/// NSEC records of one zone whose signatures are right.
#[derive(Debug)]
pub(super) struct NsecProofs<'p>(Vec<Nsec<'p>>);

impl<'p> NsecProofs<'p> {
    /// The first `most` of them; those whose names lie outside of the zone are left out.
    pub(super) fn new(proofs: &[&'p RecordSet], zone: NameRef<'_>, most: usize) -> Self {
        let records = proofs.iter().filter(|set| set.rtype == Type::NSEC).take(most).filter_map(|set| {
            let rdata = set.records.iter().next()?;
            let next = NameRef::parse(rdata).ok()?;
            let types = TypeBitmap(rdata.get(next.len()..)?);
            let inside = set.owner.as_ref().is_at_or_below(zone) && next.is_at_or_below(zone);
            inside.then_some(Nsec { owner: set.owner.as_ref(), next, types })
        });
        Self(records.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn no_data(&self, claim: DenialClaim<'_>) -> DenialVerdict {
        let DenialClaim { name, rtype, .. } = claim;
        if let Some(nsec) = self.0.iter().find(|nsec| nsec.owner == name) {
            if !nsec.types.denies(rtype, name.is_root()) {
                return DenialVerdict::Unproven;
            }
            return DenialVerdict::Proven { delegation: nsec.types.is_delegation() };
        }
        if self.is_empty_non_terminal(name) {
            return DenialVerdict::Proven { delegation: false };
        }
        let Some(covering) = self.covering(name) else { return DenialVerdict::Unproven };
        let Some(wildcard) = wildcard_of(&covering.closest_encloser(name)) else {
            return DenialVerdict::Unproven;
        };
        let found = self.0.iter().find(|nsec| nsec.owner == wildcard.as_ref());
        match found {
            Some(nsec) if nsec.types.denies(rtype, false) => DenialVerdict::Proven { delegation: false },
            None if self.is_empty_non_terminal(wildcard.as_ref()) => {
                DenialVerdict::Proven { delegation: false }
            }
            _ => DenialVerdict::Unproven,
        }
    }

    pub(super) fn name_error(&self, claim: DenialClaim<'_>) -> DenialVerdict {
        let Some(covering) = self.covering(claim.name) else { return DenialVerdict::Unproven };
        if covering.next.is_at_or_below(claim.name) {
            return DenialVerdict::Unproven;
        }
        let Some(wildcard) = wildcard_of(&covering.closest_encloser(claim.name)) else {
            return DenialVerdict::Unproven;
        };
        let wildcard = wildcard.as_ref();
        if self.covering(wildcard).is_some() && !self.is_empty_non_terminal(wildcard) {
            DenialVerdict::Proven { delegation: false }
        } else {
            DenialVerdict::Unproven
        }
    }

    pub(super) fn expanded(&self, claim: DenialClaim<'_>, labels: usize) -> DenialVerdict {
        let Some(covering) = self.covering(claim.name) else { return DenialVerdict::Unproven };
        // The wildcard must be the closest one.
        let closest = covering.closest_encloser(claim.name).as_ref().label_count();
        if closest <= labels { DenialVerdict::Proven { delegation: false } } else { DenialVerdict::Unproven }
    }

    /// The wildcard that must not exist either if `name`, which one of these covers, does not.
    pub(super) fn wildcard_above(&self, name: NameRef<'_>) -> Option<DomainName> {
        wildcard_of(&self.covering(name)?.closest_encloser(name))
    }

    /// What each record says of the name of a claim, and of the wildcard that it would be made from.
    pub(super) fn roles(&self, claim: DenialClaim<'_>) -> Vec<ProofRole> {
        let names = std::iter::once(claim.name.to_lowercase()).chain(self.wildcard_above(claim.name));
        let role = |name: &DomainName, nsec: &Nsec<'_>| {
            let stands = nsec.owner == name.as_ref();
            let (owner, name) = (nsec.owner.to_lowercase(), name.clone());
            ProofRole { owner, rtype: Type::NSEC, name, stands, opt_out: false }
        };
        let of_name = |name: DomainName| {
            let says = |nsec: &&Nsec<'_>| nsec.owner == name.as_ref() || nsec.covers(name.as_ref());
            self.0.iter().filter(says).map(|nsec| role(&name, nsec)).collect::<Vec<_>>()
        };
        names.flat_map(of_name).collect()
    }

    /// Whether there are names below `name` and no records at it: it exists, also where it is a wildcard (RFC 4592 section 2.2.2).
    fn is_empty_non_terminal(&self, name: NameRef<'_>) -> bool {
        self.0.iter().any(|nsec| nsec.covers(name) && nsec.next.is_at_or_below(name))
    }

    fn covering(&self, name: NameRef<'_>) -> Option<&Nsec<'p>> {
        self.0.iter().find(|nsec| nsec.covers(name))
    }
}

impl Nsec<'_> {
    /// Whether `name` lies between its owner and the next name of the zone.
    fn covers(&self, name: NameRef<'_>) -> bool {
        let after_owner = self.owner.canonical_cmp(name) == Ordering::Less;
        let last = self.next.canonical_cmp(self.owner) != Ordering::Greater;
        let before_next = last || name.canonical_cmp(self.next) == Ordering::Less;
        // Below a delegation or a DNAME the zone says nothing.
        let beyond =
            name.is_at_or_below(self.owner) && (self.types.is_delegation() || self.types.holds(Type::DNAME));
        after_owner && before_next && !beyond
    }

    /// The longest existing name above `name`, which it covers.
    fn closest_encloser(&self, name: NameRef<'_>) -> DomainName {
        let common = |other: NameRef<'_>| {
            let mut above = Some(name);
            while let Some(at) = above {
                if other.is_at_or_below(at) {
                    return at;
                }
                above = at.parent();
            }
            NameRef::ROOT
        };
        let (one, other) = (common(self.owner), common(self.next));
        if one.len() > other.len() { one.to_lowercase() } else { other.to_lowercase() }
    }
}

fn wildcard_of(encloser: &DomainName) -> Option<DomainName> {
    DomainName::prepend(b"*", encloser.as_ref()).ok()
}

#[cfg(test)]
mod tests;
