//! Where a value stands, and what is wrong with it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error as ThisError;

/// The most errors one reading keeps; what comes after is counted, not stored.
const MOST_ERRORS: usize = 1000;

/// The place of a value in a file. Lines and columns count from 1, columns in characters.
///
/// The built-in default has no file on disk: its places carry the words `built-in default`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePlace {
    /// The file, as it was named to [`load`](crate::load) or [`parse`](crate::parse).
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for FilePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Something wrong, or worth a look, in a configuration; shown as `file:line:column: key.path: what is wrong, what is accepted`.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{place}: {}{}{message}", key, if key.is_empty() { "" } else { ": " })]
pub struct ConfigFinding {
    /// Where the value stands.
    pub place: FilePlace,
    /// The way to the value, such as `listen[0].port`; empty when the whole file is meant.
    pub key: String,
    /// What is wrong and what is accepted instead; or what comes of it.
    pub message: String,
}

/// Why a configuration is refused; shown one error a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// All mistakes in the order of their places. Never empty.
    pub errors: Vec<ConfigFinding>,
    /// What is worth a look beside them, in the order of the places. What depends on the configuration as a whole is not said where a part
    /// of it is missing.
    pub warnings: Vec<ConfigFinding>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl IntoIterator for ConfigErrors {
    type Item = ConfigFinding;
    type IntoIter = std::vec::IntoIter<ConfigFinding>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

/// Collects errors or warnings up to a bound, so that a hostile file cannot fill the memory with them.
#[derive(Debug, Default)]
pub(crate) struct ProblemCollector {
    errors: Vec<ConfigFinding>,
    left_out: usize,
}

impl ProblemCollector {
    pub(crate) fn push(&mut self, error: ConfigFinding) {
        if self.is_full() {
            self.left_out = self.left_out.saturating_add(1);
        } else {
            self.errors.push(error);
        }
    }

    /// Whether further errors are only counted; loops over hostile input stop here.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The errors by place, with a last line that says how many were left out.
    pub(crate) fn finish(self) -> Vec<ConfigFinding> {
        let mut errors = self.errors;
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        if self.left_out > 0
            && let Some(last) = errors.last()
        {
            let message = format!("at least {} further ones are not shown", self.left_out);
            errors.push(ConfigFinding { place: last.place.clone(), key: String::new(), message });
        }
        errors
    }
}
