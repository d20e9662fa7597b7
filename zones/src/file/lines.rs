//! From the number that a record is given to the line it stands at, in whichever file.

use std::path::Path;
use std::sync::Arc;

/// Numbers run on from file to file; each range of them belongs to one file.
#[derive(Debug, Default)]
pub(super) struct LineNumbers {
    ranges: Vec<LineRange>,
}

#[derive(Debug)]
struct LineRange {
    first: u32,
    file: Arc<Path>,
    line: u32,
}

impl LineNumbers {
    /// From number `first` on, lines are those of `file`, beginning with `line`.
    pub(super) fn begin(&mut self, first: u32, file: &Arc<Path>, line: u32) {
        self.ranges.push(LineRange { first, file: Arc::clone(file), line });
    }

    /// The file and line of a number; none before the first range.
    pub(super) fn place(&self, number: u32) -> Option<(&Arc<Path>, u32)> {
        let after = self.ranges.partition_point(|range| range.first <= number);
        let range = self.ranges.get(after.checked_sub(1)?)?;
        Some((&range.file, range.line + (number - range.first)))
    }
}
