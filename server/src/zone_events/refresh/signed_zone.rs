//! Whether the keys of a zone prove all of it (RFC 4035 section 5.3).

use rhumb_cache::RecordSet;
use rhumb_resolver::validate::{ValidationFailure, ZoneKey, set_checks};
use rhumb_wire::{NameBuf, NameRef, Type};
use rhumb_zones::ZoneContents;
use rhumb_zones::contents::{ZoneRecord, ZoneRrset};

/// Why a zone is not proven by its own keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnprovenZone {
    /// It has proofs of denial and no keys.
    #[error("it is signed and has no DNSKEY")]
    NoKey,
    /// They do not prove a set.
    #[error("{0}")]
    Set(#[from] ValidationFailure),
}

/// Checks a signature of each set of a zone that has to have one, at `now` in seconds since 1970. A zone that is not signed is taken as
/// it is.
///
/// Errors: the first set that the keys do not prove.
pub(super) fn check_signed_zone(contents: &ZoneContents, now: u32) -> Result<(), UnprovenZone> {
    let apex = contents.apex();
    let keys: Vec<ZoneKey> = contents.find(apex, Type::DNSKEY).map_or_else(Vec::new, |set| {
        data(set.records()).iter().filter_map(|rdata| ZoneKey::parse(rdata)).collect()
    });
    if keys.is_empty() {
        return if contents.is_signed() { Err(UnprovenZone::NoKey) } else { Ok(()) };
    }
    // What lies below a delegation or a DNAME comes right behind it, and belongs to others or to nobody.
    let mut cut: Option<NameBuf> = None;
    for set in contents {
        let owner = set.owner();
        let owner = owner.as_ref();
        if set.is_empty() || cut.as_ref().is_some_and(|cut| is_below(owner, cut.as_ref())) {
            continue;
        }
        let is_delegation = owner != apex && contents.find(owner, Type::NS).is_some();
        if is_delegation || contents.find(owner, Type::DNAME).is_some() {
            cut = Some(set.owner());
        }
        if !is_delegation || matches!(set.rtype(), Type::DS | Type::NSEC) {
            check_set(&set, owner, apex, &keys, now)?;
        }
    }
    Ok(())
}

fn is_below(owner: NameRef<'_>, cut: NameRef<'_>) -> bool {
    owner != cut && owner.is_at_or_below(cut)
}

fn check_set(
    set: &ZoneRrset<'_>,
    owner: NameRef<'_>,
    apex: NameRef<'_>,
    keys: &[ZoneKey],
    now: u32,
) -> Result<(), UnprovenZone> {
    let rtype = set.rtype();
    let (records, signatures) = (data(set.records()), data(set.signatures()));
    let set = RecordSet {
        owner: owner.to_name(),
        rtype,
        ttl: set.ttl(),
        records: records.iter().map(Vec::as_slice).collect(),
        signatures: signatures.iter().map(Vec::as_slice).collect(),
    };
    let checks = set_checks(&set, apex, keys, Some(now))?;
    if checks.iter().any(|check| check.check.is_right()) {
        return Ok(());
    }
    let tag = checks.first().map_or(0, |check| check.tag);
    let (zone, owner) = (apex.to_lowercase(), owner.to_lowercase());
    Err(ValidationFailure::Wrong { zone, owner, rtype, tag }.into())
}

/// RDATA without compression.
fn data<'z>(records: impl Iterator<Item = ZoneRecord<'z>>) -> Vec<Vec<u8>> {
    let written = records.map(|record| {
        let mut rdata = Vec::new();
        record.rdata(&mut rdata);
        rdata
    });
    written.collect()
}
