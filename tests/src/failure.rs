//! What a test ends with.

use std::fmt;

/// How a test ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for was seen.
    Passed,
    /// It could not be run here; the reason.
    Skipped(String),
}

/// Why a test failed, in words for the person who reads the run.
pub struct Failure(String);

/// What each test returns.
pub type Verdict = Result<Outcome, Failure>;

impl Failure {
    /// A failure with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Says what was being done when something went wrong.
pub trait Context<T> {
    /// The value, or a failure that begins with `text`.
    fn context(self, text: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, text: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("{text}: {error}")))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, text: impl fmt::Display) -> Result<T, Failure> {
        self.ok_or_else(|| Failure(text.to_string()))
    }
}

/// Ends the test as failed, with a formatted text.
#[macro_export]
macro_rules! fail {
    ($($text:tt)+) => { return Err($crate::Failure::new(format!($($text)+))) };
}

/// Ends the test as skipped, with a formatted reason.
#[macro_export]
macro_rules! skip {
    ($($text:tt)+) => { return Ok($crate::Outcome::Skipped(format!($($text)+))) };
}

/// Fails the test, with a formatted text, unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => { if !$condition { $crate::fail!($($text)+); } };
}

/// Fails the test unless both sides are equal; the text says what was compared.
#[macro_export]
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $($text:tt)+) => {
        match (&$left, &$right) {
            (left, right) => if left != right {
                $crate::fail!("{}: found {:?}, expected {:?}", format!($($text)+), left, right);
            }
        }
    };
}
