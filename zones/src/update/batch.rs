//! Messages that become one version of a zone.

use rhumb_wire::{NameRef, Type};

use super::apply::MessageRun;
use super::grant::UpdatePermission;
use super::message::UpdateMessage;
use super::operation::UpdateOperation;
use super::prerequisite::UpdatePrerequisite;
use super::refusal::UpdateRefusal;
use super::summary::UpdateSummary;
use crate::change::ZoneChange;
use crate::contents::ZoneContents;
use crate::difference::ZoneDifference;
use crate::fault::{FaultKind, FaultSeverity, ZoneFault};

/// How large updates may make a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateLimits {
    /// Records of one set.
    pub set: usize,
    /// Records of the zone, signatures left out.
    pub zone: u64,
}

/// A version that updates made.
#[derive(Debug)]
pub struct UpdatedZone {
    /// What is to be served.
    pub contents: ZoneContents,
    /// How it differs from what was served.
    pub difference: ZoneDifference,
}

/// Messages one after the other, each of which sees what those before it did.
#[derive(Debug)]
pub struct UpdateBatch<'c> {
    base: &'c ZoneContents,
    change: ZoneChange<'c>,
    limits: UpdateLimits,
    /// Records of the zone as it stands.
    records: u64,
}

impl<'c> UpdateBatch<'c> {
    /// For the zone with these contents.
    pub fn new(base: &'c ZoneContents, limits: UpdateLimits) -> Self {
        Self { base, change: base.change(), limits, records: base.record_count() }
    }

    /// Carries out a message, if all of it may be and its prerequisites hold. A client that no rule is for learns nothing by
    /// prerequisites: they come behind the rules (RFC 2136 section 3.3 leaves that open).
    ///
    /// Errors: see [`UpdateRefusal`]; nothing of the message is then done.
    pub fn apply(
        &mut self,
        message: &UpdateMessage,
        permission: &UpdatePermission<'_>,
    ) -> Result<UpdateSummary, UpdateRefusal> {
        if message.zone() != self.base.apex() {
            return Err(UpdateRefusal::NotAuthoritative(message.zone().to_name()));
        }
        self.permit(message, permission)?;
        for prerequisite in message.prerequisites() {
            prerequisite.check(&self.change)?;
        }
        self.change.save();
        let (most_records, before) = (self.limits.zone, self.records);
        let run = MessageRun::new(&mut self.change, self.base.apex(), self.limits.set, permission);
        let done = run.run(message).and_then(|summary| {
            let after = (before + summary.added as u64).saturating_sub(summary.removed as u64);
            let fits = after <= most_records || after <= before;
            if fits { Ok((summary, after)) } else { Err(UpdateRefusal::ZoneTooLarge(most_records)) }
        });
        match done {
            Ok((summary, after)) => {
                self.records = after;
                Ok(summary)
            }
            Err(refusal) => {
                self.change.roll_back();
                Err(refusal)
            }
        }
    }

    /// The place of the rule that allows one operation.
    ///
    /// Errors: `Denied`, `SignerType`.
    pub fn permits(
        &self,
        operation: &UpdateOperation,
        permission: &UpdatePermission<'_>,
    ) -> Result<usize, UpdateRefusal> {
        let rule = permission.rule_for(operation, self.base.apex());
        let rule = rule.ok_or_else(|| UpdateRefusal::Denied(operation.to_string()))?;
        if is_made_by_signing(operation.rtype()) {
            return Err(UpdateRefusal::SignerType(operation.owner().to_name(), operation.rtype()));
        }
        Ok(rule)
    }

    /// Whether a prerequisite holds of what the messages so far have made.
    ///
    /// Errors: the one of RFC 2136 section 3.2 that says that it does not.
    pub fn check(&self, prerequisite: &UpdatePrerequisite) -> Result<(), UpdateRefusal> {
        prerequisite.check(&self.change)
    }

    /// Whether the client may do all that the message asks for, and the zone takes it.
    fn permit(
        &self,
        message: &UpdateMessage,
        permission: &UpdatePermission<'_>,
    ) -> Result<(), UpdateRefusal> {
        if permission.grants.is_empty() {
            return Err(UpdateRefusal::NoRule);
        }
        for operation in message.operations() {
            self.permits(operation, permission)?;
        }
        if self.base.is_signed() && !message.operations().is_empty() {
            return Err(UpdateRefusal::SignedElsewhere);
        }
        Ok(())
    }

    /// The version that comes of all messages; none where nothing has changed. `next_serial` gives the serial that follows
    /// one, and is not asked where a message gave a newer SOA (RFC 2136 section 3.6).
    ///
    /// Errors: `Zone`, `Record` and `NoSoa`, none of which is known to happen but for a zone of more than four gigabytes.
    pub fn finish(self, next_serial: impl FnOnce(u32) -> u32) -> Result<Option<UpdatedZone>, UpdateRefusal> {
        finish_change(self.change, self.base.apex(), next_serial)
    }
}

impl ZoneContents {
    /// These contents with another serial.
    ///
    /// Errors: `SignedElsewhere`, `NoSoa`; and `Record` and `Zone`, which are not known to happen.
    pub fn with_serial(&self, serial: u32) -> Result<UpdatedZone, UpdateRefusal> {
        if self.is_signed() {
            return Err(UpdateRefusal::SignedElsewhere);
        }
        let mut change = self.change();
        set_serial(&mut change, serial)?;
        finish_change(change, self.apex(), |_| serial)?.ok_or(UpdateRefusal::NoSoa)
    }
}

/// Gives the SOA another serial.
fn set_serial(change: &mut ZoneChange<'_>, serial: u32) -> Result<(), UpdateRefusal> {
    let difference = change.difference().ok_or(UpdateRefusal::NoSoa)?;
    let [_, soa] = difference.soas().ok_or(UpdateRefusal::NoSoa)?;
    let mut rdata = soa.rdata.to_vec();
    let numbers = rdata.last_chunk_mut::<20>().and_then(|numbers| numbers.first_chunk_mut());
    *numbers.ok_or(UpdateRefusal::NoSoa)? = serial.to_be_bytes();
    let added = change.add(soa.owner, Type::SOA, soa.ttl, &rdata);
    added.map(|_| ()).map_err(|error| UpdateRefusal::Record(soa.owner.to_name(), error))
}

/// The version that comes of a change; none where it changes nothing. The serial moves unless the change has moved it.
pub(super) fn finish_change(
    mut change: ZoneChange<'_>,
    apex: NameRef<'_>,
    next_serial: impl FnOnce(u32) -> u32,
) -> Result<Option<UpdatedZone>, UpdateRefusal> {
    let mut difference = change.difference().ok_or(UpdateRefusal::NoSoa)?;
    if difference.is_empty() {
        return Ok(None);
    }
    if difference.from == difference.to {
        set_serial(&mut change, next_serial(difference.from))?;
        difference = change.difference().ok_or(UpdateRefusal::NoSoa)?;
    }
    let contents = change.finish().map_err(|faults| {
        let fault = faults.into_iter().next().unwrap_or_else(|| ZoneFault {
            severity: FaultSeverity::Error,
            owner: apex.to_name(),
            line: 0,
            kind: FaultKind::NoSoa,
        });
        UpdateRefusal::Zone(Box::new(fault))
    })?;
    Ok(Some(UpdatedZone { contents, difference }))
}

/// Types whose records signing makes and keeps in step with the rest (RFC 4034, RFC 5155).
const fn is_made_by_signing(rtype: Type) -> bool {
    matches!(rtype, Type::RRSIG | Type::NSEC | Type::NSEC3 | Type::NSEC3PARAM)
}
