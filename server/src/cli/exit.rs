//! How a command ends, and what it says on its way out.

use std::io;
use std::process::ExitCode;

use serde::Serialize;

use crate::operator::show::{AnswerStreams, plain};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandExit {
    /// It did what it should: exit status 0.
    Good,
    /// The operation failed: exit status 1.
    Failed,
    /// Wrong usage or a bad configuration: exit status 2.
    Wrong,
}

impl CommandExit {
    /// The same, after a value was written as JSON.
    pub(super) fn and_json(self, value: &impl Serialize, streams: &mut AnswerStreams<'_>) -> Self {
        match json(streams, value) {
            Self::Good => self,
            unwritten => unwritten,
        }
    }
}

impl From<CommandExit> for ExitCode {
    fn from(exit: CommandExit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Writes lines to standard error.
pub(super) fn complain(streams: &mut AnswerStreams<'_>, lines: impl IntoIterator<Item = impl AsRef<str>>) {
    for line in lines {
        // A standard error that cannot be written to has no reader.
        let _ = writeln!(streams.err, "{}", plain(line.as_ref()));
    }
}

/// Writes what went wrong.
pub(super) fn fail(
    streams: &mut AnswerStreams<'_>,
    lines: impl IntoIterator<Item = impl AsRef<str>>,
) -> CommandExit {
    complain(streams, lines);
    CommandExit::Failed
}

/// Ends after writing to standard output. A reader that hung up has seen enough.
pub(super) fn written(streams: &mut AnswerStreams<'_>, result: io::Result<()>) -> CommandExit {
    match result.and_then(|()| streams.out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => fail(streams, [error.to_string()]),
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(streams, [format!("standard output: {error}")])
        }
        _ => CommandExit::Good,
    }
}

/// Writes a value as JSON.
pub(super) fn json(streams: &mut AnswerStreams<'_>, value: &impl Serialize) -> CommandExit {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let result = writeln!(streams.out, "{text}");
    written(streams, result)
}
