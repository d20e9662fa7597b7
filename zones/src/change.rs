//! Changes of a zone's contents: what a transfer of differences or a dynamic update does to them (RFC 1995, RFC 2136).
//!
//! A change notes the names it touches (`name_change`). When it is finished, the names around them that are touched too are
//! found (`affected`), their nodes written behind the old ones (`extend`), and new contents made that share every chunk
//! and page but those that hold a changed node (`publish`). The old contents stay as they are, and go with their last
//! reader. The bytes of replaced nodes stay in the arena until they are a third of it; then the others are copied (`compact`).

mod affected;
mod chain;
mod compact;
mod difference;
mod encode;
mod extend;
mod faults;
mod key;
mod name_change;
mod publish;
mod rdata_list;

#[cfg(test)]
mod tests;

use rhumb_wire::{NameRef, Type};

use crate::builder::covered_type;
use crate::contents::ZoneContents;
use crate::fault::{AddError, ZoneFault};
use crate::nsec3;
use name_change::{ChangedNames, NameChange};

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
        let taken = self.part(covered).change(base, below).take(base, covered);
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
        let Some(change) = self.part(covered).known(base, below) else { return false };
        change.take(base, covered).list(rtype).remove(rtype, rdata)
    }

    /// Removes an RRset and the signatures that cover it, or for RRSIG all signatures of the name; whether there was
    /// anything. SOA and NS of the apex stay (RFC 2136 section 3.4.2.3).
    pub fn remove_set(&mut self, owner: NameRef<'_>, rtype: Type) -> bool {
        self.remove_where(owner, |covered| match rtype {
            Type::RRSIG => Removal::Signatures,
            _ if rtype == covered => Removal::All,
            _ => Removal::Nothing,
        })
    }

    /// Removes all that a name owns, but at the apex SOA and NS (RFC 2136 section 3.4.2.3); whether there was anything.
    /// Names below it stay.
    pub fn remove_name(&mut self, owner: NameRef<'_>) -> bool {
        self.remove_where(owner, |_| Removal::All)
    }

    /// Number of records of this owner and type as the change stands; of RRSIG all signatures of the name.
    pub fn count(&self, owner: NameRef<'_>, rtype: Type) -> usize {
        self.look(owner, |name| name.count(self.base, rtype)).into_iter().flatten().sum()
    }

    /// The types that a name owns as the change stands, signatures counted under what they cover.
    pub fn types(&self, owner: NameRef<'_>) -> Vec<Type> {
        self.look(owner, |name| name.types(self.base)).into_iter().flatten().flatten().collect()
    }

    /// RDATA of the records of this owner and type as the change stands, in canonical form (RFC 4034 section 6.2) and sorted.
    pub fn canonical_rdata(&self, owner: NameRef<'_>, rtype: Type) -> Vec<Vec<u8>> {
        let mut all = self.look(owner, |name| name.canonical_rdata(self.base, rtype)).into_iter().flatten();
        all.find(|rdata| !rdata.is_empty()).unwrap_or_default()
    }

    /// From here on [`Self::roll_back`] undoes what is done.
    pub fn save(&mut self) {
        self.names.save();
        self.hashed.save();
    }

    /// Undoes all since [`Self::save`]. What was done before stays.
    pub fn roll_back(&mut self) {
        self.names.roll_back();
        self.hashed.roll_back();
    }

    /// The contents with the change made. They share with the old ones all that the change did not touch.
    ///
    /// Errors: what keeps them from being served, as [`crate::ZoneBuilder::finish`] finds it, each fault with line 0; a
    /// thousand at most.
    pub fn finish(mut self) -> Result<ZoneContents, Vec<ZoneFault>> {
        publish::publish(self.base, &mut self.names.changes, &mut self.hashed.changes)
    }

    /// What is found of a name among the names of the zone, and among the owners of NSEC3.
    fn look<T>(&self, owner: NameRef<'_>, ask: impl Fn(&NameChange) -> T) -> [Option<T>; 2] {
        let Some(below) = self.base.below_apex(owner) else { return [None, None] };
        [&self.names, &self.hashed].map(|part| part.look(self.base, below, &ask))
    }

    fn part(&mut self, covered: Type) -> &mut ChangedNames {
        if covered == Type::NSEC3 { &mut self.hashed } else { &mut self.names }
    }

    /// Removes of each RRset of a name what `what` says of its type.
    fn remove_where(&mut self, owner: NameRef<'_>, what: impl Fn(Type) -> Removal) -> bool {
        let base = self.base;
        let Some(below) = base.below_apex(owner) else { return false };
        let mut some = false;
        for part in [&mut self.names, &mut self.hashed] {
            let Some(change) = part.known(base, below) else { continue };
            for covered in change.types(base) {
                let kept = below.is_empty() && matches!(covered, Type::SOA | Type::NS);
                match what(covered) {
                    Removal::Signatures => some |= change.take(base, covered).signatures.clear(),
                    Removal::All if !kept => {
                        let taken = change.take(base, covered);
                        some |= taken.records.clear() | taken.signatures.clear();
                    }
                    Removal::All | Removal::Nothing => {}
                }
            }
        }
        some
    }
}

/// What is removed of an RRset.
enum Removal {
    Nothing,
    Signatures,
    All,
}
