//! New contents out of old ones and differences.

use rhumb_wire::{DomainName, Type};

use super::records::DifferenceRecord;
use super::zone_difference::ZoneDifference;
use crate::contents::ZoneContents;
use crate::fault::{AddError, FaultKind, FaultSeverity, ZoneFault};

/// Why a difference does not fit the contents that it is for, or what it leads to cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DifferenceMisfit {
    /// It removes what is not there, or adds what is.
    #[error("it removes what is not there, or adds what is: {1} of {0}")]
    Unfit(DomainName, Type),
    /// It adds what no zone may hold.
    #[error("a record of {0}: {1}")]
    Record(DomainName, AddError),
    /// What keeps the zone from being served, the first of it.
    #[error("the zone cannot be served: {0:?}")]
    Zone(Box<ZoneFault>),
}

impl ZoneContents {
    /// These contents with the differences made, one after the other; whether each begins with the serial that the one before ends
    /// with is for the caller to know. Contents share what stays.
    ///
    /// Errors: see [`DifferenceMisfit`].
    pub fn apply<'d>(
        &self,
        steps: impl IntoIterator<Item = &'d ZoneDifference>,
    ) -> Result<Self, DifferenceMisfit> {
        let mut change = self.change();
        let unfit =
            |record: &DifferenceRecord<'_>| DifferenceMisfit::Unfit(record.owner.to_name(), record.rtype);
        for step in steps {
            for record in step.removed.iter() {
                if !change.remove_record(record.owner, record.rtype, record.rdata) {
                    return Err(unfit(&record));
                }
            }
            let [_, soa] = &step.soa;
            for (record, is_soa) in
                step.added.iter().map(|record| (record, false)).chain(soa.iter().map(|record| (record, true)))
            {
                let DifferenceRecord { owner, rtype, ttl, rdata } = record;
                let added = change.add(owner, rtype, ttl, rdata);
                let added = added.map_err(|error| DifferenceMisfit::Record(owner.to_name(), error))?;
                if !added && !is_soa {
                    return Err(unfit(&record));
                }
            }
        }
        change.finish().map_err(|faults| {
            let fault = faults.into_iter().next().unwrap_or_else(|| ZoneFault {
                severity: FaultSeverity::Error,
                owner: self.apex.clone(),
                line: 0,
                kind: FaultKind::NoSoa,
            });
            DifferenceMisfit::Zone(Box::new(fault))
        })
    }
}
