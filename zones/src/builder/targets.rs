//! Where the NS records of a set point to: found out once, so that glue costs a probe and no reading of names.

use rhumb_wire::{NameRef, Type};

use crate::contents::below_apex;
use crate::hash::{self, NameHash};

/// The links of a set: for the first of its records the hash of their target.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Records whose target lies at or below the owner; they come first.
    pub(super) required: u16,
    /// Hashes of the targets that lie in the zone.
    pub(super) hashes: Vec<u32>,
}

impl Links {
    /// Brings the records of a set into the order of their links: targets at or below the owner, others in the zone,
    /// the rest.
    pub(super) fn arrange(
        &mut self,
        rtype: Type,
        records: &mut [&[u8]],
        owner: NameRef<'_>,
        apex: NameRef<'_>,
        start: NameHash,
    ) {
        self.required = 0;
        self.hashes.clear();
        if rtype != Type::NS {
            return;
        }
        let class = |rdata: &[u8]| match NameRef::parse(rdata) {
            Ok(target) if target.is_at_or_below(owner) => 0,
            Ok(target) if target.is_at_or_below(apex) => 1,
            _ => 2,
        };
        records.sort_by_key(|rdata| class(rdata));
        // More than the counts can hold fit no message.
        for rdata in records.iter().take(usize::from(u16::MAX)) {
            let class = class(rdata);
            let target = NameRef::parse(rdata).ok().and_then(|target| below_apex(target, apex));
            let Some(target) = target.filter(|_| class < 2) else { break };
            self.hashes.push(hash::of_labels(start, target));
            self.required += u16::from(class == 0);
        }
    }
}
