//! What a control command gives, and the server that runs it.

use std::pin::Pin;

use serde::Serialize;

pub use super::arguments::{ArgumentValue, CommandArguments};
pub use super::command_spec::{ArgumentKind, ArgumentPlace, ArgumentSpec, CommandSpec};

/// A result that may take its time.
pub type LaterResult<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a command gives: JSON, or what went wrong.
pub type CommandResult = Result<CommandAnswer, CommandFailure>;

/// What a command gave, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandAnswer(pub(super) Vec<u8>);

impl CommandAnswer {
    /// `value` as JSON. Errors: it cannot be written as such.
    pub fn new(value: &impl Serialize) -> CommandResult {
        serde_json::to_vec(value)
            .map(Self)
            .map_err(|error| CommandFailure::new(format!("the answer cannot be written: {error}")))
    }
}

/// Why a command failed: it has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandFailure {
    /// Each thing that is wrong, with its place where it has one; never empty.
    pub errors: Vec<String>,
    /// Whether the server itself is not well, rather than what was asked for.
    pub unhealthy: bool,
}

impl CommandFailure {
    /// One error.
    pub fn new(error: impl Into<String>) -> Self {
        Self { errors: vec![error.into()], unhealthy: false }
    }
}

impl From<Vec<String>> for CommandFailure {
    fn from(errors: Vec<String>) -> Self {
        Self { errors, unhealthy: false }
    }
}

/// The server, as the control socket sees it.
pub trait ControlService: Send + Sync + 'static {
    /// The commands there are.
    fn commands(&self) -> Vec<&'static CommandSpec>;

    /// Runs one of them, in a task of its own that is never cut off half-way: a client that hangs up, or whose time is over, only
    /// misses the result.
    fn run<'a>(
        &'a self,
        command: &'static CommandSpec,
        given: &'a CommandArguments,
    ) -> LaterResult<'a, CommandResult>;
}
