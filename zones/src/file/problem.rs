//! What is wrong with a zone file, and where.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::fault::Severity;

/// Problems kept of one zone; those beyond are counted.
const MOST: usize = 100;

/// Something wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub file: Arc<Path>,
    /// The line, from 1; 0 where it concerns the file as a whole.
    pub line: u32,
    /// The column in bytes, from 1; 0 where it concerns the line as a whole.
    pub column: u32,
    /// What is wrong, and what is accepted.
    pub message: String,
}

impl Problem {
    pub(super) fn of_file(file: &Path, message: String) -> Self {
        Self { severity: Severity::Error, file: file.into(), line: 0, column: 0, message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        for number in [self.line, self.column].iter().take_while(|number| **number > 0) {
            write!(f, ":{number}")?;
        }
        let warning = if self.severity == Severity::Warning { "warning: " } else { "" };
        write!(f, ": {warning}{}", self.message)
    }
}

/// The problems of one zone.
#[derive(Debug, Default)]
pub(super) struct Problems {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    more: usize,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        let list = match problem.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < MOST {
            list.push(problem);
        } else {
            self.more += 1;
        }
    }

    pub(super) const fn is_good(&self) -> bool {
        self.errors.is_empty()
    }

    /// The warnings of a good zone, and how many more there are.
    pub(super) fn warnings(self) -> Vec<Problem> {
        and_more(self.warnings, self.more)
    }

    /// The errors, and how many problems more there are.
    pub(super) fn errors(self) -> Vec<Problem> {
        and_more(self.errors, self.more)
    }
}

fn and_more(mut list: Vec<Problem>, more: usize) -> Vec<Problem> {
    if let Some(last) = list.last().filter(|_| more > 0) {
        let message = format!("and {more} problems more");
        list.push(Problem { line: 0, column: 0, message, ..last.clone() });
    }
    list
}
