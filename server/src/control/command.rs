//! What a control command looks like from outside: its words on the command line, its HTTP request, its arguments.
//!
//! The rows themselves are `operator::commands`; the server of the socket, the command line, its help and the manual page all go
//! by them.

use std::pin::Pin;
use std::time::Duration;

use hyper::Method;
use serde::Serialize;

pub use super::arguments::{ArgumentValue, CommandArguments};

/// A result that may take its time.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a command gives: JSON, or what went wrong.
pub type CommandResult = Result<CommandAnswer, CommandFailure>;

/// One command, as a row of the table.
#[derive(Debug)]
pub struct CommandSpec {
    /// Its words on the command line, such as `zone list`; empty for one that is asked by HTTP alone.
    pub words: &'static str,
    /// Whether it changes something: asked by POST, with its arguments in a body of JSON; else by GET, with them in the query.
    pub changes: bool,
    /// The path of its request.
    pub path: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// What it is given.
    pub arguments: &'static [ArgumentSpec],
    /// How long a client waits for it, in seconds. What has begun is finished all the same.
    pub seconds: u64,
}

impl CommandSpec {
    /// The method of its request.
    pub const fn method(&self) -> Method {
        if self.changes { Method::POST } else { Method::GET }
    }

    /// How long a client waits for it.
    pub const fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// One argument of a command.
#[derive(Debug)]
pub struct ArgumentSpec {
    /// Its name in requests; of an option or a switch on the command line too.
    pub name: &'static str,
    /// What it may be.
    pub kind: ArgumentKind,
    /// Where it stands on the command line.
    pub place: ArgumentPlace,
    /// One line of help.
    pub help: &'static str,
    /// Another argument that has to be given with it.
    pub requires: Option<&'static str>,
}

impl ArgumentSpec {
    /// One that has to be given.
    pub const fn required(name: &'static str, kind: ArgumentKind, help: &'static str) -> Self {
        Self { name, kind, place: ArgumentPlace::Required, help, requires: None }
    }

    /// One behind the command's words that may be left out.
    pub const fn optional(name: &'static str, kind: ArgumentKind, help: &'static str) -> Self {
        Self { name, kind, place: ArgumentPlace::Optional, help, requires: None }
    }

    /// `--name VALUE`.
    pub const fn option(name: &'static str, kind: ArgumentKind, help: &'static str) -> Self {
        Self { name, kind, place: ArgumentPlace::Option, help, requires: None }
    }

    /// `--name`, on or off.
    pub const fn switch(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: ArgumentKind::Switch, place: ArgumentPlace::Option, help, requires: None }
    }

    /// The file of `-c`, which every command takes to find the server by.
    pub const fn configuration(name: &'static str) -> Self {
        Self { name, kind: ArgumentKind::File, place: ArgumentPlace::Configuration, help: "", requires: None }
    }

    /// The same argument, allowed only beside this one.
    pub const fn with(mut self, other: &'static str) -> Self {
        self.requires = Some(other);
        self
    }
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A domain name in presentation form.
    Name,
    /// A record type by mnemonic or as `TYPE65`.
    RecordType,
    /// An IP address.
    Address,
    /// An absolute path.
    File,
    /// Any text of at most 255 characters.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// True or false.
    Switch,
}

/// Where an argument stands on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentPlace {
    /// Behind the words; it has to be given.
    Required,
    /// Behind the words; it may be left out.
    Optional,
    /// `--name`.
    Option,
    /// The value of `-c`.
    Configuration,
}

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
    ) -> Later<'a, CommandResult>;
}
