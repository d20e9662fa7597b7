//! An UPDATE message, read as a whole.

use rhumb_wire::{Class, DomainName, MessageSection, MessageView, NameBuf, NameRef, Type};

use super::operation::UpdateOperation;
use super::prerequisite::UpdatePrerequisite;
use super::refusal::UpdateRefusal;

/// A message whose records say what means something, and lie in its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateMessage {
    zone: DomainName,
    prerequisites: Vec<UpdatePrerequisite>,
    operations: Vec<UpdateOperation>,
}

impl UpdateMessage {
    /// Reads the zone section, the prerequisites and the updates of a message (RFC 2136 sections 3.1.1, 3.2 and 3.4.1); OPT and
    /// TSIG are left alone. All of it is read before any of it is looked up, so that what is malformed is told first.
    ///
    /// Errors: `Malformed`, `NotAuthoritative` for a class other than IN, `OutOfZone`.
    pub fn parse(message: &[u8]) -> Result<Self, UpdateRefusal> {
        let unreadable = UpdateRefusal::Malformed("the message cannot be read");
        let view = MessageView::parse(message).map_err(|_| unreadable.clone())?;
        let zone = view.question().ok().flatten();
        let zone = zone.ok_or(UpdateRefusal::Malformed("the zone section does not hold one zone"))?;
        if zone.qtype != Type::SOA {
            return Err(UpdateRefusal::Malformed("the type in the zone section is not SOA"));
        }
        if zone.class != Class::IN {
            return Err(UpdateRefusal::NotAuthoritative(zone.name.to_name()));
        }
        let (mut prerequisites, mut operations) = (Vec::new(), Vec::new());
        let mut owner = NameBuf::new();
        for record in view.records() {
            let record = record.map_err(|_| unreadable.clone())?;
            if record.section == MessageSection::Additional {
                continue;
            }
            record.owner(&mut owner).map_err(|_| unreadable.clone())?;
            let owner = owner.as_ref();
            if !owner.is_at_or_below(zone.name) {
                return Err(UpdateRefusal::OutOfZone(owner.to_name()));
            }
            if record.section == MessageSection::Answer {
                prerequisites.push(UpdatePrerequisite::read(owner.to_name(), &record)?);
            } else {
                operations.push(UpdateOperation::read(owner.to_name(), &record)?);
            }
        }
        let prerequisites = UpdatePrerequisite::join(prerequisites);
        Ok(Self { zone: zone.name.to_name(), prerequisites, operations })
    }

    /// The zone that is to be changed.
    pub fn zone(&self) -> NameRef<'_> {
        self.zone.as_ref()
    }

    /// What has to hold before.
    pub fn prerequisites(&self) -> &[UpdatePrerequisite] {
        &self.prerequisites
    }

    /// What is to be done, in order.
    pub fn operations(&self) -> &[UpdateOperation] {
        &self.operations
    }
}
