//! An answer of the server as it is read, and where its text goes.

use std::io::{self, Write};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The two streams of a command line.
pub(crate) struct AnswerStreams<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// What went wrong.
    pub err: &'a mut dyn Write,
}

/// Reads an answer. Errors: it is not understood.
pub(super) fn read<T: DeserializeOwned>(answer: Value) -> io::Result<T> {
    let wrong = |error| format!("the server's answer is not understood: {error}");
    serde_json::from_value(answer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, wrong(error)))
}
