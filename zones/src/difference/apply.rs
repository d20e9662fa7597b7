//! New contents out of old ones and differences.

use rhumb_wire::{DomainName, Type};

use super::records::DifferenceRecord;
use super::zone_difference::ZoneDifference;
use crate::change::ZoneChange;
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

/// What became of contents by differences that need not fit.
#[derive(Debug)]
pub struct FittedChange {
    /// What is to be served.
    pub contents: ZoneContents,
    /// How it differs from what there was.
    pub difference: ZoneDifference,
    /// Records that were to be removed and were not there, or to be added and were.
    pub misfits: u64,
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
        self.finished(self.changed(steps)?)
    }

    /// The same, with the one difference that leads there.
    ///
    /// Errors: see [`DifferenceMisfit`].
    pub(crate) fn apply_at_once<'d>(
        &self,
        steps: impl IntoIterator<Item = &'d ZoneDifference>,
    ) -> Result<(Self, ZoneDifference), DifferenceMisfit> {
        let change = self.changed(steps)?;
        let difference = change.difference().ok_or_else(|| self.unservable(Vec::new()))?;
        Ok((self.finished(change)?, difference))
    }

    fn changed<'d>(
        &self,
        steps: impl IntoIterator<Item = &'d ZoneDifference>,
    ) -> Result<ZoneChange<'_>, DifferenceMisfit> {
        let mut change = self.change();
        for step in steps {
            make(&mut change, step, &mut |record| {
                Err(DifferenceMisfit::Unfit(record.owner.to_name(), record.rtype))
            })?;
        }
        Ok(change)
    }

    /// The same; what does not fit is passed over.
    ///
    /// Errors: see [`DifferenceMisfit`]; never `Unfit`.
    pub fn apply_fitting<'d>(
        &self,
        steps: impl IntoIterator<Item = &'d ZoneDifference>,
    ) -> Result<FittedChange, DifferenceMisfit> {
        let (mut change, mut misfits) = (self.change(), 0);
        for step in steps {
            make(&mut change, step, &mut |_| {
                misfits += 1;
                Ok(())
            })?;
        }
        let difference = change.difference().ok_or_else(|| self.unservable(Vec::new()))?;
        Ok(FittedChange { contents: self.finished(change)?, difference, misfits })
    }

    fn finished(&self, change: ZoneChange<'_>) -> Result<Self, DifferenceMisfit> {
        change.finish().map_err(|faults| self.unservable(faults))
    }

    fn unservable(&self, faults: Vec<ZoneFault>) -> DifferenceMisfit {
        let fault = faults.into_iter().next().unwrap_or_else(|| ZoneFault {
            severity: FaultSeverity::Error,
            owner: self.apex.clone(),
            line: 0,
            kind: FaultKind::NoSoa,
        });
        DifferenceMisfit::Zone(Box::new(fault))
    }
}

/// Makes one difference. What does not fit is given to `misfit`, whose errors end it.
fn make(
    change: &mut ZoneChange<'_>,
    step: &ZoneDifference,
    misfit: &mut impl FnMut(&DifferenceRecord<'_>) -> Result<(), DifferenceMisfit>,
) -> Result<(), DifferenceMisfit> {
    for record in step.removed.iter() {
        if !change.remove_record(record.owner, record.rtype, record.rdata) {
            misfit(&record)?;
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
            misfit(&record)?;
        }
    }
    Ok(())
}
