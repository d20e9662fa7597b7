//! The operations of one message, in the order and by the rules of RFC 2136 section 3.4.2.

use rhumb_wire::{NameRef, Type, serial};

use super::grant::UpdatePermission;
use super::message::UpdateMessage;
use super::operation::UpdateOperation;
use super::refusal::UpdateRefusal;
use super::summary::{IgnoredOperation, IgnoredReason, UpdateSummary};
use crate::builder::denial::canonical;
use crate::change::ZoneChange;
use crate::fault::stands_beside_cname;

/// Bytes of the address and the protocol in the RDATA of WKS (RFC 1035 section 3.4.2).
const WKS_HEAD: usize = 5;

/// A message that is being carried out.
pub(super) struct MessageRun<'r, 'c> {
    change: &'r mut ZoneChange<'c>,
    permission: &'r UpdatePermission<'r>,
    apex: NameRef<'r>,
    /// Records of one set.
    most_records: usize,
    summary: UpdateSummary,
}

/// What an operation came to: done, or left out.
type OperationResult = Result<Option<IgnoredReason>, UpdateRefusal>;

impl<'r, 'c> MessageRun<'r, 'c> {
    /// In the zone with this apex, whose sets may have so many records.
    pub(super) fn new(
        change: &'r mut ZoneChange<'c>,
        apex: NameRef<'r>,
        most_records: usize,
        permission: &'r UpdatePermission<'r>,
    ) -> Self {
        Self { change, permission, apex, most_records, summary: UpdateSummary::default() }
    }

    /// Carries out each operation. Errors: what makes all of them undone.
    pub(super) fn run(mut self, message: &UpdateMessage) -> Result<UpdateSummary, UpdateRefusal> {
        for (index, operation) in message.operations().iter().enumerate() {
            let ignored = match operation {
                UpdateOperation::Add { owner, rtype, ttl, rdata } => {
                    self.add(operation, owner.as_ref(), *rtype, *ttl, rdata)?
                }
                UpdateOperation::RemoveSet { owner, rtype } => self.remove_set(owner.as_ref(), *rtype),
                UpdateOperation::RemoveName { owner } => self.remove_name(operation, owner.as_ref())?,
                UpdateOperation::RemoveRecord { owner, rtype, rdata } => {
                    self.remove_record(owner.as_ref(), *rtype, rdata)
                }
            };
            self.summary.ignored.extend(ignored.map(|reason| IgnoredOperation { index, reason }));
        }
        Ok(self.summary)
    }

    /// Section 3.4.2.2.
    fn add(
        &mut self,
        operation: &UpdateOperation,
        owner: NameRef<'_>,
        rtype: Type,
        ttl: u32,
        rdata: &[u8],
    ) -> OperationResult {
        if let Some(reason) = self.clash(owner, rtype, rdata) {
            return Ok(Some(reason));
        }
        if let Some(above) = self.dname_above(owner) {
            return Err(UpdateRefusal::BelowDname(owner.to_name(), above.to_name()));
        }
        self.make_room(owner, rtype, rdata);
        let change = &mut *self.change;
        let added = change.add(owner, rtype, ttl, rdata);
        if added.map_err(|error| UpdateRefusal::Record(owner.to_name(), error))? {
            self.summary.added += 1;
            let by_rule = self.permission.most_records(operation, self.apex).unwrap_or(usize::MAX);
            let most = self.most_records.min(by_rule);
            if self.change.count(owner, rtype) > most {
                return Err(UpdateRefusal::SetTooLarge(owner.to_name(), rtype, most));
            }
        }
        Ok(None)
    }

    /// Why a record is not added.
    fn clash(&self, owner: NameRef<'_>, rtype: Type, rdata: &[u8]) -> Option<IgnoredReason> {
        let change = &*self.change;
        match rtype {
            Type::SOA if owner != self.apex => Some(IgnoredReason::MisplacedSoa),
            Type::DS if owner == self.apex => Some(IgnoredReason::MisplacedDs),
            Type::SOA => {
                let current = change.canonical_rdata(owner, Type::SOA);
                let current = current.first().and_then(|rdata| serial::of_soa(rdata));
                let newer =
                    serial::of_soa(rdata).zip(current).is_some_and(|(new, old)| serial::is_newer(new, old));
                (!newer).then_some(IgnoredReason::OldSerial)
            }
            Type::CNAME => {
                let stands = |rtype: &Type| *rtype == Type::CNAME || stands_beside_cname(*rtype);
                let mut others = change.types(owner).into_iter().filter(|rtype| !stands(rtype));
                let clashes = others.any(|rtype| change.count(owner, rtype) > 0);
                clashes.then_some(IgnoredReason::AliasBesideData)
            }
            _ if stands_beside_cname(rtype) => None,
            _ => (change.count(owner, Type::CNAME) > 0).then_some(IgnoredReason::DataBesideAlias),
        }
    }

    /// The name above `owner` that has a DNAME: nothing below that would ever be answered (RFC 6672 section 5.2).
    fn dname_above<'n>(&self, owner: NameRef<'n>) -> Option<NameRef<'n>> {
        let below =
            std::iter::successors(Some(owner), |name| name.parent()).take_while(|name| *name != self.apex);
        below.filter_map(NameRef::parent).find(|above| self.change.count(*above, Type::DNAME) > 0)
    }

    /// Deletes what a record takes the place of: SOA, CNAME and DNAME stand alone in their sets, and there is one WKS for an address
    /// and a protocol.
    fn make_room(&mut self, owner: NameRef<'_>, rtype: Type, rdata: &[u8]) {
        let known = match rtype {
            Type::SOA | Type::CNAME | Type::DNAME | Type::WKS => self.change.canonical_rdata(owner, rtype),
            _ => return,
        };
        let new = canonical(rtype, rdata);
        for old in known.iter().filter(|old| **old != new) {
            if rtype == Type::WKS && old.get(..WKS_HEAD) != new.get(..WKS_HEAD) {
                continue;
            }
            // The SOA is exchanged by adding: a zone is never without.
            if rtype == Type::SOA || self.change.remove_record(owner, rtype, old) {
                self.summary.removed += 1;
            }
        }
    }

    /// Section 3.4.2.3, of one set.
    fn remove_set(&mut self, owner: NameRef<'_>, rtype: Type) -> Option<IgnoredReason> {
        if owner == self.apex && matches!(rtype, Type::SOA | Type::NS) {
            return Some(IgnoredReason::ApexRecord);
        }
        self.summary.removed += self.change.count(owner, rtype);
        self.change.remove_set(owner, rtype);
        None
    }

    /// Section 3.4.2.3, of all that a name owns. SOA and NS of the apex are not meant.
    fn remove_name(&mut self, operation: &UpdateOperation, owner: NameRef<'_>) -> OperationResult {
        for rtype in self.change.types(owner) {
            if owner == self.apex && matches!(rtype, Type::SOA | Type::NS) {
                continue;
            }
            if !self.permission.allows_removal(owner, rtype, self.apex) {
                return Err(UpdateRefusal::Denied(format!("{operation}, of which {rtype} is one")));
            }
            self.remove_set(owner, rtype);
        }
        Ok(None)
    }

    /// Section 3.4.2.4.
    fn remove_record(&mut self, owner: NameRef<'_>, rtype: Type, rdata: &[u8]) -> Option<IgnoredReason> {
        let change = &mut *self.change;
        let stays = match rtype {
            Type::SOA => true,
            Type::NS if owner == self.apex => {
                let all = change.canonical_rdata(owner, rtype);
                all.len() == 1 && all.contains(&canonical(rtype, rdata))
            }
            _ => false,
        };
        if stays {
            return Some(IgnoredReason::ApexRecord);
        }
        if change.remove_record(owner, rtype, rdata) {
            self.summary.removed += 1;
            if change.count(owner, rtype) == 0 {
                // Signatures of a set that is gone.
                change.remove_set(owner, rtype);
            }
        }
        None
    }
}
