//! Where a record stood that is known by what it says.

use super::Builder;
use crate::fold;
use crate::verify::Pointer;

impl Builder {
    /// The line of the first record that `wanted` names.
    pub(crate) fn line_of(&self, wanted: &Pointer) -> Option<u32> {
        let below = self.below_apex(wanted.owner.as_ref()).ok()?;
        let runs = self.names.iter().chain(&self.hashed).filter(|run| fold::eq(self.log.name(run), below));
        let mut records = runs.flat_map(|run| self.log.records(run));
        let record = records.find(|record| {
            wanted.rtype.is_none_or(|rtype| rtype == record.rtype) && record.rdata.starts_with(&wanted.begins)
        })?;
        Some(record.line)
    }
}
