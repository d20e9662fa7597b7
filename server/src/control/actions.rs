//! What the running server lets others do.

use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;

use rhumb_wire::{Name, Type};
use serde::{Deserialize, Serialize};

use super::explanation::Explanation;
use super::status::{Status, ZoneStatus};

/// A result that may take its time.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The server, as the control socket sees it.
///
/// Each action runs in a task of its own and is never cut off half-way: a client that hangs up, or whose time is over,
/// only misses the result.
pub trait Actions: Send + Sync + 'static {
    /// Reads the configuration again and follows it, or changes nothing and says why.
    fn reload(&self) -> Later<'_, Result<Report, Failure>>;
    /// What a reload would change, in words, one change each. With a path that configuration file is compared, without
    /// one the file the server was started with.
    fn diff(&self, config: Option<PathBuf>) -> Later<'_, Result<Vec<String>, Failure>>;
    /// How the server is.
    fn status(&self) -> Status;
    /// All counters by name; a value that is not finite is left out.
    fn stats(&self) -> Vec<(String, f64)>;
    /// Drops from the cache: everything without a name, else what is owned by the name, a domain name in presentation
    /// form, and with `subtree` what is below it too. Gives the number of entries dropped. Errors: a sentence.
    fn flush(&self, name: Option<&str>, subtree: bool) -> Result<usize, String>;
    /// Every zone.
    fn zones(&self) -> Vec<ZoneStatus>;
    /// Answers a question and tells how. Errors: a sentence.
    fn explain(&self, ask: Explain) -> Later<'_, Result<Explanation, String>>;
    /// Whether the server does its work; else each reason why not.
    fn healthy(&self) -> Result<(), Vec<String>>;
}

/// A reload that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What changed, in words, one change each; empty if nothing did.
    pub changes: Vec<String>,
    /// The number of the configuration now in force, counted up by each reload that succeeds.
    pub serial: u64,
}

/// A reload or a comparison that failed, and so changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Each thing that is wrong, with its place where it has one; never empty.
    pub errors: Vec<String>,
}

/// A question to be answered with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explain {
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    pub rtype: Type,
    /// Whose question it shall be taken for; `None` for a client on this host.
    pub from: Option<IpAddr>,
    /// The address it shall be taken to have been sent to; `None` for any.
    pub to: Option<IpAddr>,
}
