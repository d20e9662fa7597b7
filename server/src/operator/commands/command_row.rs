//! What a command is to the server and to the command line.

use std::io;

use serde_json::Value;

use super::super::admin::ServerAdmin;
use super::super::show::AnswerStreams;
use crate::control::command::{CommandArguments, CommandResult, CommandSpec, LaterResult};

/// Where the server is asked what would become of an update.
pub(crate) const EXPLAIN_UPDATE: &str = "/explain/update";

/// A command with what it does and how its answer is shown.
#[derive(Debug)]
pub(crate) struct OperatorCommand {
    /// What it looks like from outside.
    pub spec: CommandSpec,
    pub(super) run: RunCommand,
    /// Writes its answer as text; by the command line.
    pub show: ShowAnswer,
}

/// What a command does.
#[derive(Debug)]
pub(super) enum RunCommand {
    /// Something that is done at once.
    Now(fn(&ServerAdmin, &CommandArguments) -> CommandResult),
    /// Something that waits.
    Later(for<'a> fn(&'a ServerAdmin, &'a CommandArguments) -> LaterResult<'a, CommandResult>),
}

/// Writes an answer as text. Errors: it is not understood, or cannot be written.
pub(crate) type ShowAnswer = fn(&CommandArguments, Value, &mut AnswerStreams<'_>) -> io::Result<()>;
