//! What a control command looks like from outside: its words on the command line, its HTTP request, its arguments.
//!
//! The rows themselves are `operator::commands`; the server of the socket, the command line, its help and the manual page all go
//! by them.

use std::time::Duration;

use hyper::Method;

/// One command, as a row of the table.
#[derive(Debug)]
pub struct CommandSpec {
    /// Its words on the command line, such as `zone list`; empty for one that is asked by HTTP alone.
    pub words: &'static str,
    /// Whether it takes the full right, as whatever changes something does: asked by POST, with its arguments in a body of JSON; else
    /// by GET, with them in the query.
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
    /// Another argument beside which it need not be given.
    pub unless: Option<&'static str>,
}

impl ArgumentSpec {
    /// One that has to be given.
    pub const fn required(name: &'static str, kind: ArgumentKind, help: &'static str) -> Self {
        Self { name, kind, place: ArgumentPlace::Required, help, requires: None, unless: None }
    }

    /// One behind the command's words that may be left out.
    pub const fn optional(name: &'static str, kind: ArgumentKind, help: &'static str) -> Self {
        Self { name, kind, place: ArgumentPlace::Optional, help, requires: None, unless: None }
    }

    /// `--name VALUE`.
    pub const fn option(name: &'static str, kind: ArgumentKind, help: &'static str) -> Self {
        Self { name, kind, place: ArgumentPlace::Option, help, requires: None, unless: None }
    }

    /// `--name`, on or off.
    pub const fn switch(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            kind: ArgumentKind::Switch,
            place: ArgumentPlace::Option,
            help,
            requires: None,
            unless: None,
        }
    }

    /// The file of `-c`, which every command takes to find the server by.
    pub const fn configuration(name: &'static str) -> Self {
        Self {
            name,
            kind: ArgumentKind::File,
            place: ArgumentPlace::Configuration,
            help: "",
            requires: None,
            unless: None,
        }
    }

    /// The same argument, which need not be given beside this one.
    pub const fn unless(mut self, other: &'static str) -> Self {
        self.unless = Some(other);
        self
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
    /// An upstream as the configuration writes it.
    Upstream,
    /// An absolute path.
    File,
    /// What a file holds, in Base64.
    Contents,
    /// A file that the command line reads, for another row to be asked with what it holds.
    LocalFile,
    /// Any text of at most 255 characters.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A serial of a zone (RFC 1982).
    Serial,
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
