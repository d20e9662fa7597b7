//! Which names failed, in the log: each once in a while, and never so many that they hide everything else.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rhumb_resolver::{AttemptReport, OutboundQuestion};
use rhumb_wire::Rcode;
use tokio::time::Instant;

use super::tried::{TriedServer, tried};

/// A name that was logged is not logged again for so long.
const FORGET: Duration = Duration::from_mins(10);
/// Names that are remembered.
const NAMES: usize = 1024;
/// Lines in one [`PERIOD`].
const LINES: u32 = 10;
const PERIOD: Duration = Duration::from_mins(1);
/// Attempts that a line names.
const ATTEMPTS: usize = 4;

/// Look-ups that failed. Shared by all of them.
#[derive(Debug, Default)]
pub(super) struct FailureLog {
    hasher: RandomState,
    memory: Mutex<FailureMemory>,
}

#[derive(Debug, Default)]
struct FailureMemory {
    /// When a name was logged, by its hash.
    logged: HashMap<u64, Instant>,
    period: Option<Instant>,
    lines: u32,
    /// Names that were not logged because too many were.
    left_out: u64,
}

impl FailureLog {
    /// A look-up ended in a response without an answer for this reason, after these attempts.
    pub(super) fn failed(
        &self,
        question: &OutboundQuestion,
        rcode: Rcode,
        cause: &str,
        attempts: &[AttemptReport],
    ) {
        let name = self.hasher.hash_one(&question.name);
        let line = self.memory.lock().unwrap_or_else(PoisonError::into_inner).admit(name, Instant::now());
        let Some(left_out) = line else { return };
        let more =
            if left_out > 0 { format!("; {left_out} other names failed before") } else { String::new() };
        let answer = if rcode == Rcode::NOERROR { "an empty answer".to_owned() } else { rcode.to_string() };
        tracing::warn!(
            "{answer} for {} {}: {cause}{}{more}",
            question.name,
            question.qtype,
            in_words(&tried(attempts))
        );
    }
}

impl FailureMemory {
    /// Whether the name gets a line now; then, how many got none since the last one.
    fn admit(&mut self, name: u64, now: Instant) -> Option<u64> {
        let fresh = |at: &Instant| now.saturating_duration_since(*at) < FORGET;
        if self.logged.get(&name).is_some_and(fresh) {
            return None;
        }
        if self.logged.len() >= NAMES {
            self.logged.retain(|_, at| fresh(at));
        }
        if self.period.is_none_or(|began| now.saturating_duration_since(began) >= PERIOD) {
            (self.period, self.lines) = (Some(now), 0);
        }
        if self.lines >= LINES || self.logged.len() >= NAMES {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        self.logged.insert(name, now);
        Some(std::mem::take(&mut self.left_out))
    }
}

/// What was tried, in words.
fn in_words(tried: &[TriedServer]) -> String {
    let mut words = String::new();
    for TriedServer { upstream, transport, outcome, .. } in tried.iter().take(ATTEMPTS) {
        // Writing to a String cannot fail.
        let _ = write!(words, "; {upstream} over {transport}: {outcome}");
    }
    let more = tried.len().saturating_sub(ATTEMPTS);
    if more > 0 {
        let _ = write!(words, "; {more} attempts more");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_logged_once_in_ten_minutes() {
        let (mut memory, zero) = (FailureMemory::default(), Instant::now());
        for (seconds, name, line) in [
            (0, 1, Some(0)),
            (1, 1, None),
            (1, 2, Some(0)),
            (599, 1, None),
            (600, 1, Some(0)),
            (600, 2, None),
            (602, 2, Some(0)),
        ] {
            assert_eq!(memory.admit(name, zero + Duration::from_secs(seconds)), line, "{name} at {seconds}");
        }
    }

    #[test]
    fn a_flood_of_names_gets_ten_lines_a_minute_and_says_what_is_left_out() {
        let (mut memory, zero) = (FailureMemory::default(), Instant::now());
        let lines = (0..5000).filter(|name| memory.admit(*name, zero).is_some()).count();
        assert_eq!(lines, 10);
        assert_eq!(memory.admit(5000, zero + PERIOD), Some(4990));
        assert_eq!(memory.admit(5001, zero + PERIOD), Some(0));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut memory, zero) = (FailureMemory::default(), Instant::now());
        for minute in 0..2000 {
            for name in 0..20 {
                let _ = memory.admit(minute * 20 + name, zero + PERIOD * u32::try_from(minute).unwrap());
                assert!(memory.logged.len() <= NAMES);
            }
        }
    }

    #[test]
    fn attempts_are_named() {
        let tried = |number: usize| TriedServer {
            upstream: format!("192.0.2.{number}:53"),
            transport: "udp",
            outcome: "timed out".to_owned(),
            ms: 1.0,
        };
        assert_eq!(in_words(&[]), "");
        assert_eq!(in_words(&[tried(1)]), "; 192.0.2.1:53 over udp: timed out");
        let many: Vec<TriedServer> = (0..6).map(tried).collect();
        assert!(in_words(&many).ends_with("; 192.0.2.3:53 over udp: timed out; 2 attempts more"));
    }
}
