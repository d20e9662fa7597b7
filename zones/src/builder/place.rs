//! Where a record stood that is known by what it says.

use rhumb_wire::NameRef;

use super::ZoneBuilder;
use crate::record_identity::RecordIdentity;
use crate::verify::RecordLocator;
use crate::{fold, hash};

impl ZoneBuilder {
    /// A builder that takes the records of these owners, perhaps of a few others too, to be asked for their lines.
    pub(crate) fn seeking<'n>(apex: NameRef<'_>, owners: impl Iterator<Item = NameRef<'n>>) -> Self {
        let mut builder = Self::new(apex);
        let below = owners.filter_map(|owner| builder.below_apex(owner).ok());
        let sought = below.map(|below| hash::of_labels(builder.start, below)).collect();
        builder.sought = Some(sought);
        builder
    }

    /// Whether the records of this name are sought.
    #[cold]
    pub(super) fn is_sought(&self, below: &[u8]) -> bool {
        self.sought.as_ref().is_none_or(|sought| sought.contains(&hash::of_labels(self.start, below)))
    }

    /// The line of the first record that `wanted` names.
    pub(crate) fn line_of(&self, wanted: &RecordLocator) -> Option<u32> {
        let below = self.below_apex(wanted.owner.as_ref()).ok()?;
        let runs = self.names.iter().chain(&self.hashed).filter(|run| fold::eq(self.log.name(run.at), below));
        let mut records = runs.flat_map(|run| self.log.records(run.at, run.count));
        let record = records.find(|record| {
            wanted.rtype.is_none_or(|rtype| rtype == record.rtype) && record.rdata.starts_with(&wanted.begins)
        })?;
        Some(record.line)
    }

    /// The line of the first record that is this one.
    pub(crate) fn line_of_record(&self, wanted: &RecordIdentity) -> Option<u32> {
        let below = self.below_apex(wanted.owner.as_ref()).ok()?;
        let runs = self.names.iter().chain(&self.hashed).filter(|run| fold::eq(self.log.name(run.at), below));
        let mut records = runs.flat_map(|run| self.log.records(run.at, run.count));
        let record = records.find(|record| record.rtype == wanted.rtype && wanted.has_rdata(record.rdata))?;
        Some(record.line)
    }
}
