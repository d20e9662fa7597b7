//! A file of upstreams as last read: a list of our own form, or a `resolv.conf`.
//!
//! A file with any good upstream gives its good ones, and each bad line is warned of. A file with none, or that
//! cannot be read, changes nothing: the last good list stays, and its state says why.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rhumb_config::upstream_list::{self, parse_list, parse_resolv_conf};
use rhumb_config::{FileError, UpstreamServer};
use rhumb_watch::{OpenWriters, WriterState};

/// The form of a file of upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ListFormat {
    /// One upstream a line, `#` comments.
    List,
    /// The `nameserver` lines of resolv.conf(5).
    ResolvConf,
}

/// Why a file gives no list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnusableList {
    /// It is missing, or no regular file, or not ours to read, or too large.
    #[error(transparent)]
    File(#[from] FileError),
    /// It may be half of what it is to be.
    #[error("is being written: a program has it open")]
    Open,
    /// Nothing in it claims to be an upstream.
    #[error("names no upstream")]
    Empty,
    /// What claims to be an upstream is none; the first such line and what is wrong with it.
    #[error("names no usable upstream (line {line}: {what})")]
    Garbage {
        /// The line, from 1.
        line: u32,
        /// What is wrong with it.
        what: String,
    },
}

/// Whether the list in force is what the file says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListFileState {
    /// It is.
    Ok,
    /// It is the last good one; empty if there never was a good one.
    Kept {
        /// What is wrong with the file.
        why: String,
        /// Since when it is so.
        since: SystemTime,
    },
}

/// What reading the file again brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListRefresh {
    /// Another list than before.
    Changed,
    /// The same upstreams in the same order.
    Same,
    /// Nothing usable, for this reason; the list is as before.
    KeptLastGood(String),
}

/// A file of upstreams and the list last read from it.
#[derive(Clone, Debug)]
pub(crate) struct ListFile {
    path: PathBuf,
    kind: ListFormat,
    last_good: Arc<[(UpstreamServer, u32)]>,
    state: ListFileState,
    /// Wrong lines of the last good read: numbers from 1, and what is wrong.
    bad_lines: Vec<(u32, String)>,
    missing: bool,
}

impl ListFile {
    /// A file not yet read: an empty list.
    pub(crate) fn new(path: PathBuf, kind: ListFormat) -> Self {
        let state = ListFileState::Kept { why: "not read yet".into(), since: SystemTime::now() };
        Self { path, kind, last_good: Arc::default(), state, bad_lines: Vec::new(), missing: false }
    }

    /// The path as configured.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a resolv.conf.
    pub(crate) fn is_resolv_conf(&self) -> bool {
        matches!(self.kind, ListFormat::ResolvConf)
    }

    /// The list in force, each upstream with its line in the file, from 1. Empty until the first good read.
    pub(crate) fn upstreams(&self) -> &Arc<[(UpstreamServer, u32)]> {
        &self.last_good
    }

    /// Whether the list in force is what the file says now.
    pub(crate) fn state(&self) -> &ListFileState {
        &self.state
    }

    /// Lines of the list in force that were passed over: numbers from 1, and what is wrong.
    pub(crate) fn bad_lines(&self) -> &[(u32, String)] {
        &self.bad_lines
    }

    /// Reads the file again (up to 1 MiB; it may block on a slow mount). The log is told what is new: bad lines, a
    /// file that has become unusable, and one that is usable again.
    pub(crate) fn refresh(&mut self) -> ListRefresh {
        let read = self.read();
        self.take_over(read)
    }

    /// The same, but a file that is being written is not usable.
    pub(crate) fn refresh_closed(&mut self, writers: &OpenWriters) -> ListRefresh {
        let read = self.read();
        // Asked after reading, so that a writer that came meanwhile is seen.
        let open = writers.state(&self.path) == WriterState::Open;
        self.take_over(if open { Err(UnusableList::Open) } else { read })
    }

    fn take_over(&mut self, read: Result<upstream_list::ParsedUpstreams, UnusableList>) -> ListRefresh {
        match read {
            Ok((upstreams, bad_lines)) => self.accept(upstreams, bad_lines),
            Err(unusable) => self.keep(&unusable),
        }
    }

    /// Whether the file was not there when it was last read.
    pub(crate) fn is_missing(&self) -> bool {
        self.missing
    }

    fn read(&self) -> Result<upstream_list::ParsedUpstreams, UnusableList> {
        let text = upstream_list::read(&self.path)?;
        let (upstreams, bad_lines) = match self.kind {
            ListFormat::List => parse_list(&text),
            ListFormat::ResolvConf => parse_resolv_conf(&text),
        };
        if !upstreams.is_empty() {
            return Ok((upstreams, bad_lines));
        }
        Err(match bad_lines.into_iter().next() {
            Some((line, what)) => UnusableList::Garbage { line, what },
            None => UnusableList::Empty,
        })
    }

    fn accept(
        &mut self,
        upstreams: Vec<(UpstreamServer, u32)>,
        bad_lines: Vec<(u32, String)>,
    ) -> ListRefresh {
        if bad_lines != self.bad_lines {
            for (line, what) in &bad_lines {
                tracing::warn!("{}:{line}: {what}; the line is passed over", self.path.display());
            }
        }
        self.bad_lines = bad_lines;
        self.missing = false;
        if matches!(self.state, ListFileState::Kept { .. }) && !self.last_good.is_empty() {
            tracing::info!("{}: usable again, {} upstreams", self.path.display(), upstreams.len());
        }
        self.state = ListFileState::Ok;
        let addresses =
            |list: &[(UpstreamServer, u32)]| list.iter().map(|(address, _)| address.clone()).collect();
        let (before, now): (Vec<_>, Vec<_>) = (addresses(&self.last_good), addresses(&upstreams));
        if self.last_good.iter().ne(upstreams.iter()) {
            self.last_good = upstreams.into();
        }
        if before == now { ListRefresh::Same } else { ListRefresh::Changed }
    }

    fn keep(&mut self, unusable: &UnusableList) -> ListRefresh {
        let why = unusable.to_string();
        self.missing = matches!(unusable, UnusableList::File(error) if error.is_missing());
        let (told, since) = match &self.state {
            ListFileState::Kept { why: before, since } => (*before == why, *since),
            ListFileState::Ok => (false, SystemTime::now()),
        };
        if !told {
            match self.last_good.len() {
                0 => tracing::warn!("{} {why}: no upstream from it until it does", self.path.display()),
                count => tracing::warn!("{} {why}: its last {count} upstreams stay", self.path.display()),
            }
        }
        self.state = ListFileState::Kept { why: why.clone(), since };
        ListRefresh::KeptLastGood(why)
    }
}
