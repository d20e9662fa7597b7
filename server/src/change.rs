//! Changes in words, for `rhumb reload`, `rhumb diff` and the log.

use std::fmt;

use rhumb_wire::calendar;

/// How much may be wrong with what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadStrictness {
    /// A zone that cannot be read keeps its contents; one without contents is answered SERVFAIL.
    Lenient,
    /// Nothing may be wrong.
    Strict,
}

/// One change, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeText(pub String);

impl fmt::Display for ChangeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Changes that are logged one by one.
const LOGGED: usize = 200;

/// Logs each change, or the number of those that are more than anybody reads.
pub fn log_changes(changes: &[ChangeText]) {
    for change in changes.iter().take(LOGGED) {
        tracing::info!("{change}");
    }
    if changes.len() > LOGGED {
        tracing::info!("and {} changes more", changes.len() - LOGGED);
    }
}

/// A moment, from its seconds since 1970: `2026-11-29 20:57:00 UTC`.
pub fn utc_time(seconds: u64) -> String {
    let (year, month, day) = calendar::date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Several things in one line; nothing for none.
pub fn joined(items: &[impl fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
