//! Changes in words, for `rhumb reload`, `rhumb diff` and the log.

use std::fmt;

/// One change, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change(pub String);

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Several things in one line; nothing for none.
pub fn joined(items: &[impl fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
