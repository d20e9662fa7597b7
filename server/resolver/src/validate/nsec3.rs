//! Proofs by NSEC3 (RFC 5155 section 8).

use rhumb_cache::RecordSet;
use rhumb_wire::{DomainName, NameBuf, NameRef, Type};
use sha1::{Digest, Sha1};

use super::denial_claim::{DenialClaim, DenialVerdict};
use super::proof_role::ProofRole;
use super::type_bitmap::TypeBitmap;

const HASH: usize = 20;
const OPT_OUT: u8 = 1;

type Hash = [u8; HASH];

/// The names that may still be hashed for a question, each with so many iterations at the most.
#[derive(Debug)]
pub struct HashBudget {
    left: usize,
    spent: usize,
    iterations: u16,
    /// Iterations that were too many.
    refused: Option<u16>,
}

impl HashBudget {
    /// So many names, and iterations of each.
    pub const fn new(hashes: usize, iterations: u16) -> Self {
        Self { left: hashes, spent: 0, iterations, refused: None }
    }

    /// Names hashed so far.
    pub const fn spent(&self) -> usize {
        self.spent
    }

    /// The iterations of a zone that were more than are followed; none where there is no such zone.
    pub const fn refused_iterations(&self) -> Option<u16> {
        self.refused
    }

    /// Whether it is spent.
    pub const fn is_spent(&self) -> bool {
        self.left == 0
    }
}

#[derive(Clone, Copy, Debug)]
struct Nsec3<'p> {
    owner: Hash,
    next: Hash,
    opt_out: bool,
    types: TypeBitmap<'p>,
}

/// NSEC3 records of one zone, of one salt and number of iterations, whose signatures are right.
#[derive(Debug)]
pub(super) struct Nsec3Proofs<'p> {
    zone: DomainName,
    iterations: u16,
    salt: &'p [u8],
    records: Vec<Nsec3<'p>>,
}

impl<'p> Nsec3Proofs<'p> {
    /// Those among the first `most` records that belong to the chain of the first one; none if there is none.
    pub(super) fn new(proofs: &[&'p RecordSet], zone: NameRef<'_>, most: usize) -> Option<Self> {
        Self::chains(proofs, zone, most).into_iter().next()
    }

    /// The first `most` records, those of each salt and number of iterations by themselves: a zone that changes them has two chains for a
    /// while, and each of them proves without the other.
    pub(super) fn chains(proofs: &[&'p RecordSet], zone: NameRef<'_>, most: usize) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for set in proofs.iter().filter(|set| set.rtype == Type::NSEC3).take(most) {
            let owner = set.owner.as_ref();
            // The owner is a hash right below the zone.
            if owner.parent() != Some(zone) {
                continue;
            }
            let (Some(rdata), Some(hash)) =
                (set.records.iter().next(), owner.first_label().and_then(hash_of_label))
            else {
                continue;
            };
            let Some((iterations, salt, record)) = read(rdata, hash) else { continue };
            match found.iter_mut().find(|chain| chain.iterations == iterations && chain.salt == salt) {
                Some(chain) => chain.records.push(record),
                None => {
                    found.push(Self { zone: zone.to_lowercase(), iterations, salt, records: vec![record] });
                }
            }
        }
        found
    }

    /// Whether it takes no more work than a zone may ask for.
    pub(super) const fn is_followed(&self, hashes: &HashBudget) -> bool {
        self.iterations <= hashes.iterations
    }

    /// Whether it takes more work than a zone may ask for, which is noted.
    pub(super) const fn is_too_much(&self, hashes: &mut HashBudget) -> bool {
        let too_much = !self.is_followed(hashes);
        if too_much {
            hashes.refused = Some(self.iterations);
        }
        too_much
    }

    pub(super) fn no_data(&self, claim: DenialClaim<'_>, hashes: &mut HashBudget) -> DenialVerdict {
        let DenialClaim { name, rtype, .. } = claim;
        if let Some(record) = self.matching(name, hashes) {
            if !record.types.denies(rtype, name.is_root()) {
                return DenialVerdict::Unproven;
            }
            return DenialVerdict::Proven { delegation: record.types.is_delegation() };
        }
        let Some((encloser, covering)) = self.closest_encloser(name, hashes) else {
            return DenialVerdict::Unproven;
        };
        let wildcard = DomainName::prepend(b"*", encloser).ok();
        let at_wildcard = wildcard.and_then(|wildcard| self.matching(wildcard.as_ref(), hashes));
        match at_wildcard {
            Some(record) if !record.types.denies(rtype, false) => DenialVerdict::Unproven,
            // There may be a delegation without signatures at the name.
            _ if covering.opt_out => DenialVerdict::OptOut,
            Some(_) => DenialVerdict::Proven { delegation: false },
            None => DenialVerdict::Unproven,
        }
    }

    pub(super) fn name_error(&self, claim: DenialClaim<'_>, hashes: &mut HashBudget) -> DenialVerdict {
        let Some((encloser, covering)) = self.closest_encloser(claim.name, hashes) else {
            return DenialVerdict::Unproven;
        };
        let wildcard = DomainName::prepend(b"*", encloser).ok();
        match wildcard.and_then(|wildcard| self.covering(wildcard.as_ref(), hashes)) {
            Some(_) if covering.opt_out => DenialVerdict::OptOut,
            Some(_) => DenialVerdict::Proven { delegation: false },
            None => DenialVerdict::Unproven,
        }
    }

    pub(super) fn expanded(
        &self,
        claim: DenialClaim<'_>,
        labels: usize,
        hashes: &mut HashBudget,
    ) -> DenialVerdict {
        let name = claim.name;
        let next_closer = name.skip_labels(name.label_count().saturating_sub(labels + 1));
        match self.covering(next_closer, hashes) {
            Some(covering) if covering.opt_out => DenialVerdict::OptOut,
            Some(_) => DenialVerdict::Proven { delegation: false },
            None => DenialVerdict::Unproven,
        }
    }

    /// The closest encloser of `name`, and the record that covers the name one label longer (RFC 5155 section 8.3).
    fn closest_encloser<'n>(
        &self,
        name: NameRef<'n>,
        hashes: &mut HashBudget,
    ) -> Option<(NameRef<'n>, Nsec3<'p>)> {
        let mut next_closer = name;
        while let Some(encloser) = next_closer.parent() {
            if !encloser.is_at_or_below(self.zone.as_ref()) {
                return None;
            }
            if let Some(record) = self.matching(encloser, hashes) {
                let beyond = record.types.is_delegation() || record.types.holds(Type::DNAME);
                return if beyond { None } else { Some((encloser, self.covering(next_closer, hashes)?)) };
            }
            next_closer = encloser;
        }
        None
    }

    /// What the records say of the name of a claim; where none stands there, of its closest encloser, of the name one label longer, and of
    /// the wildcard.
    pub(super) fn roles(&self, claim: DenialClaim<'_>, hashes: &mut HashBudget) -> Vec<ProofRole> {
        let role = |name: NameRef<'_>, record: Nsec3<'_>, stands| {
            let owner = DomainName::prepend(&label_of_hash(&record.owner), self.zone.as_ref());
            let (owner, name) = (owner.unwrap_or_else(|_| DomainName::root()), name.to_lowercase());
            ProofRole { owner, rtype: Type::NSEC3, name, stands, opt_out: record.opt_out }
        };
        let (mut at, mut next_closer) = (claim.name, None);
        while at.is_at_or_below(self.zone.as_ref()) {
            if let Some(record) = self.matching(at, hashes) {
                let mut roles = vec![role(at, record, true)];
                let Some(next_closer) = next_closer else { return roles };
                roles.extend(
                    self.covering(next_closer, hashes).map(|record| role(next_closer, record, false)),
                );
                let Ok(wildcard) = DomainName::prepend(b"*", at) else { return roles };
                let stands = self.matching(wildcard.as_ref(), hashes);
                let record = stands.or_else(|| self.covering(wildcard.as_ref(), hashes));
                roles.extend(record.map(|record| role(wildcard.as_ref(), record, stands.is_some())));
                return roles;
            }
            next_closer = Some(at);
            let Some(parent) = at.parent() else { break };
            at = parent;
        }
        let covered = next_closer.and_then(|_| self.covering(claim.name, hashes));
        covered.map(|record| role(claim.name, record, false)).into_iter().collect()
    }

    fn matching(&self, name: NameRef<'_>, hashes: &mut HashBudget) -> Option<Nsec3<'p>> {
        let hash = self.hash(name, hashes)?;
        self.records.iter().find(|record| record.owner == hash).copied()
    }

    fn covering(&self, name: NameRef<'_>, hashes: &mut HashBudget) -> Option<Nsec3<'p>> {
        let hash = self.hash(name, hashes)?;
        let covers = |record: &&Nsec3<'_>| {
            let last = record.next <= record.owner;
            if last {
                hash > record.owner || hash < record.next
            } else {
                record.owner < hash && hash < record.next
            }
        };
        self.records.iter().find(covers).copied()
    }

    /// The owner that the record of `name` has in this chain.
    pub(super) fn owner_of(&self, name: NameRef<'_>, hashes: &mut HashBudget) -> Option<DomainName> {
        let hash = self.hash(name, hashes)?;
        DomainName::prepend(&label_of_hash(&hash), self.zone.as_ref()).ok()
    }

    fn hash(&self, name: NameRef<'_>, hashes: &mut HashBudget) -> Option<Hash> {
        hashes.left = hashes.left.checked_sub(1)?;
        hashes.spent += 1;
        let mut lower = NameBuf::new();
        lower.set_lowercase(name);
        let digest =
            |head: &[u8]| -> Hash { Sha1::new_with_prefix(head).chain_update(self.salt).finalize().into() };
        let first = digest(lower.as_ref().as_bytes());
        Some((0..self.iterations).fold(first, |hash, _| digest(&hash)))
    }
}

/// Iterations, salt and the rest of RDATA; none of another hash algorithm than SHA-1, or with flags that are not known.
fn read(rdata: &[u8], owner: Hash) -> Option<(u16, &[u8], Nsec3<'_>)> {
    let (&[algorithm, flags, high, low, length], rest) = rdata.split_first_chunk::<5>()?;
    let (salt, rest) = rest.split_at_checked(usize::from(length))?;
    let (&length, rest) = rest.split_first()?;
    let (next, types) = rest.split_at_checked(usize::from(length))?;
    let next: Hash = next.try_into().ok()?;
    let known = algorithm == 1 && flags & !OPT_OUT == 0;
    let record = Nsec3 { owner, next, opt_out: flags & OPT_OUT != 0, types: TypeBitmap(types) };
    known.then_some((u16::from_be_bytes([high, low]), salt, record))
}

/// A hash in base32hex (RFC 4648 section 7), in lower case.
fn label_of_hash(hash: &Hash) -> [u8; HASH * 8 / 5] {
    let mut label = [0; HASH * 8 / 5];
    for (digits, bytes) in label.as_chunks_mut::<8>().0.iter_mut().zip(hash.as_chunks::<5>().0) {
        let bits = bytes.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        for (at, digit) in digits.iter_mut().rev().enumerate() {
            let value = (bits >> (5 * at) & 31) as u8;
            *digit = if value < 10 { b'0' + value } else { b'a' + value - 10 };
        }
    }
    label
}

/// The hash that a label is in base32hex (RFC 4648 section 7).
fn hash_of_label(label: &[u8]) -> Option<Hash> {
    if label.len() != HASH * 8 / 5 {
        return None;
    }
    let mut hash = [0; HASH];
    for (room, digits) in hash.as_chunks_mut::<5>().0.iter_mut().zip(label.as_chunks::<8>().0) {
        let mut bits = 0u64;
        for digit in digits {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'v' => digit - b'a' + 10,
                b'A'..=b'V' => digit - b'A' + 10,
                _ => return None,
            };
            bits = bits << 5 | u64::from(value);
        }
        if let Some(five) = bits.to_be_bytes().last_chunk::<5>() {
            *room = *five;
        }
    }
    Some(hash)
}

#[cfg(test)]
mod tests;
