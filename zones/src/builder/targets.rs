//! Where the records of a set point to: found out once, so that an address costs a probe and no reading of names.

use rhumb_wire::{NameRef, Type};

use crate::contents::below_apex;
use crate::contents::set::before_target;
use crate::hash::{self, NameHash};

/// Links kept of a set: more records than this fit no message.
const MAX_LINKS: usize = 8192;

/// The links of a set: for the first of its records the hash of their target.
#[derive(Debug, Default)]
pub(crate) struct TargetLinks {
    /// Records whose target needs glue: it lies at or below the owner, a cut. They come first.
    pub(crate) required: u16,
    /// Hashes of the targets that lie in the zone.
    pub(crate) hashes: Vec<u32>,
}

impl TargetLinks {
    /// Brings the records of a set into the order of their links: targets that need glue, others in the zone, the rest.
    pub(crate) fn arrange(
        &mut self,
        rtype: Type,
        records: &mut [&[u8]],
        owner: NameRef<'_>,
        apex: NameRef<'_>,
        start: NameHash,
    ) {
        self.required = 0;
        self.hashes.clear();
        let Some(before) = before_target(rtype) else { return };
        // The class of a record, and its target's name below the apex.
        let class =
            |rdata| match target(rtype, before, rdata, owner).map(|name| (name, below_apex(name, apex))) {
                Some((name, Some(below))) if rtype == Type::NS && name.is_at_or_below(owner) => (0, below),
                Some((_, Some(below))) => (1, below),
                _ => (2, &[][..]),
            };
        if !records.is_sorted_by_key(|rdata| class(rdata).0) {
            records.sort_by_cached_key(|rdata| class(rdata).0);
        }
        for (class, below) in records.iter().take(MAX_LINKS).map(|rdata| class(rdata)) {
            if class == 2 {
                break;
            }
            self.hashes.push(hash::of_labels(start, below));
            self.required += u16::from(class == 0);
        }
    }
}

/// The target of a record; the root in SVCB and HTTPS is the owner (RFC 9460 section 2.5).
fn target<'n>(rtype: Type, before: usize, rdata: &'n [u8], owner: NameRef<'n>) -> Option<NameRef<'n>> {
    let target = NameRef::parse(rdata.get(before..)?).ok()?;
    let own = target.is_root() && matches!(rtype, Type::SVCB | Type::HTTPS);
    Some(if own { owner } else { target })
}
