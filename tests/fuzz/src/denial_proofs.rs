//! NSEC and NSEC3 records, and what is concluded from them.

use rhumb_cache::RecordSet;
use rhumb_resolver::validate::{DenialClaim, DenialVerdict, HashBudget, limits};
use rhumb_wire::{DomainName, NameRef, Type};

use super::proof_chain::{HashParameters, nsec_chain, nsec3_chain, record};
use super::zone_model::{ZoneModel, is_delegation, name_of, type_of};

/// In the first byte of the input: the records are NSEC3.
const HASHED: u8 = 1;
/// Delegations without DS are left out of the chain.
const OPT_OUT: u8 = 2;
/// The RDATA of the records is the input itself.
const RAW: u8 = 4;
/// Only few names may be hashed.
const SHORT_OF_HASHES: u8 = 8;
/// The rest are iterations, of which so many are followed.
const ITERATIONS: u16 = 12;

/// The most names of the zone, with its apex: so many records are looked at.
const NAMES: usize = limits::PROOFS;

/// What is concluded from a part of the zone's records is true of the zone; from all of them everything is concluded that is true.
pub fn run(input: &[u8]) {
    let Some((&[flags, hidden, names], rest)) = input.split_first_chunk::<3>() else { return };
    let Ok(apex) = DomainName::prepend(b"test", NameRef::ROOT) else { return };
    if flags & RAW != 0 {
        return unrelated(&apex, flags, rest);
    }
    let (names, claims) = rest.split_at(rest.len().min(3 * (usize::from(names) % NAMES)));
    let zone = ZoneModel::new(&apex, names);
    let parameters = HashParameters { iterations: u16::from(flags >> 4), opt_out: flags & OPT_OUT != 0 };
    // What opt-out leaves out, with the names on the way to it, is proven by nothing.
    let left_out = |types: &Vec<Type>| is_delegation(types) && !types.contains(&Type::DS);
    let opts_out = flags & HASHED != 0 && parameters.opt_out && zone.names.values().any(left_out);
    let chain = if flags & HASHED != 0 { nsec3_chain(&zone, parameters) } else { nsec_chain(&zone) };
    // A record is shown where the bit of its place is not set.
    let shown = chain.iter().enumerate().filter(|(at, _)| hidden >> (at % 8) & 1 == 0);
    let proofs: Vec<&RecordSet> = shown.map(|(_, record)| record).take(limits::PROOFS).collect();
    let hashes = if flags & SHORT_OF_HASHES != 0 { usize::from(hidden % 8) } else { limits::HASHES };
    for &[high, low, rtype, labels] in claims.as_chunks::<4>().0.iter().take(16) {
        let name = name_of(&apex, u16::from_be_bytes([high, low]));
        let claim = DenialClaim { name: name.as_ref(), rtype: type_of(rtype), zone: apex.as_ref() };
        let case = ModelCase { zone: &zone, proofs: &proofs, hashes };
        let whole = proofs.len() == chain.len() && flags & SHORT_OF_HASHES == 0 && !opts_out;
        case.check_name_error(claim, whole);
        case.check_no_data(claim, whole);
        case.check_expansion(claim, usize::from(labels % 4) + 1, whole);
    }
}

struct ModelCase<'c> {
    zone: &'c ZoneModel,
    proofs: &'c [&'c RecordSet],
    /// The names that may be hashed.
    hashes: usize,
}

impl ModelCase<'_> {
    fn check_name_error(&self, claim: DenialClaim<'_>, whole: bool) {
        let verdict = self.judge(|hashes| claim.name_error(self.proofs, hashes));
        self.compare("name error", claim, verdict, self.zone.denies_name(claim.name), whole);
    }

    fn check_no_data(&self, claim: DenialClaim<'_>, whole: bool) {
        let verdict = self.judge(|hashes| claim.no_data(self.proofs, hashes));
        self.compare("no data", claim, verdict, self.zone.denies_type(claim.name, claim.rtype), whole);
        let DenialVerdict::Proven { delegation } = verdict else { return };
        assert_eq!(delegation, is_delegation(self.zone.types(claim.name)), "{claim:?}");
    }

    /// Of a wildcard that is there, for another can have no signature.
    fn check_expansion(&self, claim: DenialClaim<'_>, labels: usize, whole: bool) {
        let (zone, name) = (self.zone, claim.name);
        let Some(above) = name.label_count().checked_sub(labels).filter(|above| *above > 0) else { return };
        let Ok(wildcard) = DomainName::prepend(b"*", name.skip_labels(above)) else { return };
        if wildcard.as_ref() == name || zone.types(wildcard.as_ref()).is_empty() {
            return;
        }
        let verdict = self.judge(|hashes| claim.expanded(labels, self.proofs, hashes));
        let closest = zone.closest_encloser(name).label_count() <= labels;
        self.compare("expansion", claim, verdict, closest && !zone.exists(name), whole);
    }

    fn judge(&self, ask: impl FnOnce(&mut HashBudget) -> DenialVerdict) -> DenialVerdict {
        let mut budget = HashBudget::new(self.hashes, ITERATIONS);
        let verdict = ask(&mut budget);
        assert!(budget.spent() <= self.hashes && budget.is_spent() == (budget.spent() == self.hashes));
        verdict
    }

    fn compare(&self, what: &str, claim: DenialClaim<'_>, verdict: DenialVerdict, truth: bool, whole: bool) {
        let shown = || format!("{what} of {claim:?}: {:?} by {:?}", self.zone.names, self.proofs);
        match verdict {
            DenialVerdict::Proven { .. } => assert!(truth, "proven, and wrong: {}", shown()),
            DenialVerdict::Unproven => assert!(!truth || !whole, "not proven: {}", shown()),
            DenialVerdict::OptOut => assert!(self.is_opt_out(), "no opt-out: {}", shown()),
            DenialVerdict::TooManyIterations => assert!(self.iterations() > ITERATIONS, "{}", shown()),
        }
    }

    fn is_opt_out(&self) -> bool {
        self.rdata_of_nsec3().any(|rdata| rdata.get(1).is_some_and(|flags| flags & 1 != 0))
    }

    fn iterations(&self) -> u16 {
        let of = |rdata: &[u8]| Some(u16::from_be_bytes([*rdata.get(2)?, *rdata.get(3)?]));
        self.rdata_of_nsec3().find_map(of).unwrap_or(0)
    }

    fn rdata_of_nsec3(&self) -> impl Iterator<Item = &[u8]> {
        let hashed = self.proofs.iter().filter(|set| set.rtype == Type::NSEC3);
        hashed.filter_map(|set| set.records.iter().next())
    }
}

/// Records of any RDATA, with names of the zone for owners: no verdict costs more than it may, and nothing is proven by nothing.
fn unrelated(apex: &DomainName, flags: u8, bytes: &[u8]) {
    let rtype = if flags & HASHED != 0 { Type::NSEC3 } else { Type::NSEC };
    let Some((&[high, low, rtype_asked, labels], bytes)) = bytes.split_first_chunk::<4>() else { return };
    let name = name_of(apex, u16::from_be_bytes([high, low]));
    let claim = DenialClaim { name: name.as_ref(), rtype: type_of(rtype_asked), zone: apex.as_ref() };
    // Each record: a label or a name for its owner, a length, and that many bytes.
    let (mut rest, mut sets) = (bytes, Vec::new());
    while let Some((&[high, low, length], tail)) = rest.split_first_chunk::<3>() {
        let (rdata, tail) = tail.split_at(tail.len().min(usize::from(length)));
        let label = tail.first_chunk::<32>().filter(|_| rtype == Type::NSEC3);
        let owner = label.and_then(|label| DomainName::prepend(label, apex.as_ref()).ok());
        let owner = owner.unwrap_or_else(|| name_of(apex, u16::from_be_bytes([high, low])));
        sets.push(record(owner, rtype, rdata));
        rest = tail;
    }
    let proofs: Vec<_> = sets.iter().collect();
    let most = usize::from(flags >> 4);
    for proofs in [&proofs[..], &[]] {
        let mut hashes = HashBudget::new(most, ITERATIONS);
        let verdicts = [
            claim.name_error(proofs, &mut hashes),
            claim.no_data(proofs, &mut hashes),
            claim.expanded(usize::from(labels), proofs, &mut hashes),
        ];
        assert!(hashes.spent() <= most);
        assert!(!proofs.is_empty() || verdicts == [DenialVerdict::Unproven; 3], "{verdicts:?}");
    }
}
