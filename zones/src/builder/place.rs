//! Where a record stood that is known by what it says.

use super::Builder;
use crate::verify::Pointer;

impl Builder {
    /// The line of the first record that `wanted` names.
    pub(crate) fn line_of(&self, wanted: &Pointer) -> Option<u32> {
        let below = self.below_apex(wanted.owner.as_ref()).ok()?;
        let found =
            [&self.names, &self.hashed].into_iter().filter_map(|names| names.entry(names.find(below)?));
        let mut records = found.flat_map(|entry| self.log.of(entry));
        let record = records.find(|record| {
            wanted.rtype.is_none_or(|rtype| rtype == record.rtype)
                && self.log.rdata(record).starts_with(&wanted.begins)
        })?;
        Some(record.line)
    }
}
