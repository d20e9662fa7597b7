//! From the number that a record is given to the line it stands at, in whichever file.

use std::path::Path;
use std::sync::Arc;

/// Numbers run on from file to file; each stretch of them belongs to one file.
#[derive(Debug, Default)]
pub(super) struct LineNumbers {
    stretches: Vec<Stretch>,
}

#[derive(Debug)]
struct Stretch {
    first: u32,
    file: Arc<Path>,
    line: u32,
}

impl LineNumbers {
    /// From number `first` on, lines are those of `file`, beginning with `line`.
    pub(super) fn begin(&mut self, first: u32, file: &Arc<Path>, line: u32) {
        self.stretches.push(Stretch { first, file: Arc::clone(file), line });
    }

    /// The file and line of a number; none before the first stretch.
    pub(super) fn place(&self, number: u32) -> Option<(&Arc<Path>, u32)> {
        let after = self.stretches.partition_point(|stretch| stretch.first <= number);
        let stretch = self.stretches.get(after.checked_sub(1)?)?;
        Some((&stretch.file, stretch.line + (number - stretch.first)))
    }
}
