//! What is wrong with a zone file, and where.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::fault::FaultSeverity;

/// Problems kept of one zone; those beyond are counted.
const MOST: usize = 100;

/// Something wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// How bad it is.
    pub severity: FaultSeverity,
    /// The file.
    pub file: Arc<Path>,
    /// The line, from 1; 0 where it concerns the file as a whole.
    pub line: u32,
    /// The column in bytes, from 1; 0 where it concerns the line as a whole.
    pub column: u32,
    /// What is wrong, and what is accepted.
    pub message: String,
}

impl FileProblem {
    pub(super) fn of_file(file: &Path, message: String) -> Self {
        Self { severity: FaultSeverity::Error, file: file.into(), line: 0, column: 0, message }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        for number in [self.line, self.column].iter().take_while(|number| **number > 0) {
            write!(f, ":{number}")?;
        }
        let warning = if self.severity == FaultSeverity::Warning { "warning: " } else { "" };
        write!(f, ": {warning}{}", self.message)
    }
}

/// The problems of one zone.
#[derive(Debug, Default)]
pub(super) struct ProblemList {
    errors: Kept,
    warnings: Kept,
}

/// The first problems of one severity, and the number of the others.
#[derive(Debug, Default)]
struct Kept {
    list: Vec<FileProblem>,
    more: usize,
}

impl ProblemList {
    /// Counts a problem. `make` is called where it is kept, for finding out where it stands is worth the work only then.
    pub(super) fn add(&mut self, severity: FaultSeverity, make: impl FnOnce() -> FileProblem) {
        let kept = match severity {
            FaultSeverity::Error => &mut self.errors,
            FaultSeverity::Warning => &mut self.warnings,
        };
        if kept.list.len() < MOST {
            kept.list.push(make());
        } else {
            kept.more += 1;
        }
    }

    pub(super) const fn is_good(&self) -> bool {
        self.errors.list.is_empty()
    }

    /// The warnings of a good zone, and how many more there are.
    pub(super) fn warnings(self) -> Vec<FileProblem> {
        self.warnings.and_more("warnings")
    }

    /// The errors and then the warnings, which may explain them, and how many more there are of each.
    pub(super) fn all(self) -> Vec<FileProblem> {
        let mut all = self.errors.and_more("errors");
        all.append(&mut self.warnings.and_more("warnings"));
        all
    }
}

impl Kept {
    fn and_more(self, what: &str) -> Vec<FileProblem> {
        let Self { mut list, more } = self;
        if let Some(last) = list.last().filter(|_| more > 0) {
            let message = format!("and {more} {what} more");
            list.push(FileProblem { line: 0, column: 0, message, ..last.clone() });
        }
        list
    }
}
