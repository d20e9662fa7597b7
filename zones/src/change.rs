//! Changes of a zone's contents: what a transfer of differences or a dynamic update does to them (RFC 1995, RFC 2136).
//!
//! A change notes the names it touches (`draft`). When it is finished, the names around them that are touched too are
//! found (`settle`), their nodes written behind the old ones (`press`), and new contents made that share every chunk
//! and page but those that hold a changed node (`publish`). The old contents stay as they are, and go with their last
//! reader. Nodes that were replaced lie dead in the arena until a third of it is; then the rest is copied (`compact`).

mod chain;
mod compact;
mod draft;
mod faults;
mod key;
mod press;
mod publish;
mod records;
mod settle;
mod write;

#[cfg(test)]
mod tests;

use rhumb_wire::{NameRef, Type};

use crate::builder::covered_type;
use crate::contents::ZoneContents;
use crate::fault::{AddError, ZoneFault};
use crate::nsec3;
use draft::ChangedNames;

/// A change of contents. What is done later sees what was done before; nothing is refused for its order but by
/// [`ZoneChange::finish`].
#[derive(Debug)]
pub struct ZoneChange<'c> {
    base: &'c ZoneContents,
    names: ChangedNames,
    /// Owners of NSEC3 records, which are no names of the zone (RFC 5155 section 7.2.8).
    hashed: ChangedNames,
}

impl ZoneContents {
    /// Begins a change of these contents, which gives new ones.
    pub const fn change(&self) -> ZoneChange<'_> {
        ZoneChange {
            base: self,
            names: ChangedNames::new(ZoneContents::reference),
            hashed: ChangedNames::new(ZoneContents::hashed_reference),
        }
    }
}

impl ZoneChange<'_> {
    /// Adds a record of class IN; whether there was none such. `rdata` is in uncompressed wire form and was found
    /// well-formed by [`rhumb_wire::rdata::check`]; `ttl`, in seconds, becomes that of the whole RRset (RFC 2181
    /// section 5.2), which its signatures share. A SOA takes the place of the one there is (RFC 2136 section 3.4.2.2).
    ///
    /// Errors: as [`crate::ZoneBuilder::add`] has them but for `SecondSoa`; the change is then as it was.
    pub fn add(&mut self, owner: NameRef<'_>, rtype: Type, ttl: u32, rdata: &[u8]) -> Result<bool, AddError> {
        if rtype.is_meta() || rtype.0 == 0 {
            return Err(AddError::MetaType);
        }
        if rdata.len() > usize::from(u16::MAX) {
            return Err(AddError::TooLarge);
        }
        let covered = covered_type(rtype, rdata);
        let below = self.base.below_apex(owner).ok_or(AddError::OutOfZone)?;
        if covered == Type::NSEC3 {
            nsec3::prefix_of_label(below).ok_or(AddError::BadNsec3Owner)?;
        }
        if rtype == Type::SOA && !below.is_empty() {
            return Err(AddError::MisplacedSoa);
        }
        if rtype == Type::SOA && rdata.len() < 20 {
            return Err(AddError::BadRdata);
        }
        let base = self.base;
        let taken = self.part(covered).draft(base, below).take(base, covered);
        if rtype != Type::RRSIG || taken.records.len() == 0 {
            taken.ttl = ttl;
        }
        let list = taken.list(rtype);
        if rtype == Type::SOA && list.iter().any(|known| known != rdata) {
            list.clear();
        }
        Ok(list.add(rtype, rdata))
    }

    /// Removes the record with this RDATA, whatever its TTL; whether it was there. Nothing else goes with it.
    pub fn remove_record(&mut self, owner: NameRef<'_>, rtype: Type, rdata: &[u8]) -> bool {
        let covered = covered_type(rtype, rdata);
        let base = self.base;
        let Some(below) = base.below_apex(owner) else { return false };
        let Some(draft) = self.part(covered).known(base, below) else { return false };
        draft.take(base, covered).list(rtype).remove(rtype, rdata)
    }

    /// Removes an RRset and the signatures that cover it, or for RRSIG all signatures of the name; whether there was
    /// anything. SOA and NS of the apex stay (RFC 2136 section 3.4.2.3).
    pub fn remove_set(&mut self, owner: NameRef<'_>, rtype: Type) -> bool {
        self.remove_where(owner, |covered| match rtype {
            Type::RRSIG => What::Signatures,
            _ if rtype == covered => What::All,
            _ => What::Nothing,
        })
    }

    /// Removes all that a name owns, but at the apex SOA and NS (RFC 2136 section 3.4.2.3); whether there was anything.
    /// Names below it stay.
    pub fn remove_name(&mut self, owner: NameRef<'_>) -> bool {
        self.remove_where(owner, |_| What::All)
    }

    /// Number of records of this owner and type as the change stands; of RRSIG all signatures of the name.
    pub fn count(&self, owner: NameRef<'_>, rtype: Type) -> usize {
        let base = self.base;
        let count = |below| self.names.count(base, below, rtype) + self.hashed.count(base, below, rtype);
        base.below_apex(owner).map_or(0, count)
    }

    /// The contents with the change made. They share with the old ones all that the change did not touch.
    ///
    /// Errors: what keeps them from being served, as [`crate::ZoneBuilder::finish`] finds it, each fault with line 0; a
    /// thousand at most.
    pub fn finish(mut self) -> Result<ZoneContents, Vec<ZoneFault>> {
        publish::publish(self.base, &mut self.names.drafts, &mut self.hashed.drafts)
    }

    fn part(&mut self, covered: Type) -> &mut ChangedNames {
        if covered == Type::NSEC3 { &mut self.hashed } else { &mut self.names }
    }

    /// Removes of each RRset of a name what `what` says of its type.
    fn remove_where(&mut self, owner: NameRef<'_>, what: impl Fn(Type) -> What) -> bool {
        let base = self.base;
        let Some(below) = base.below_apex(owner) else { return false };
        let mut some = false;
        for part in [&mut self.names, &mut self.hashed] {
            let Some(draft) = part.known(base, below) else { continue };
            for covered in draft.types(base) {
                let kept = below.is_empty() && matches!(covered, Type::SOA | Type::NS);
                match what(covered) {
                    What::Signatures => some |= draft.take(base, covered).signatures.clear(),
                    What::All if !kept => {
                        let taken = draft.take(base, covered);
                        some |= taken.records.clear() | taken.signatures.clear();
                    }
                    What::All | What::Nothing => {}
                }
            }
        }
        some
    }
}

/// What is removed of an RRset.
enum What {
    Nothing,
    Signatures,
    All,
}
