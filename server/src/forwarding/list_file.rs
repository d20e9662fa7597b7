//! A file of upstreams as last read: a list of our own form, or a `resolv.conf`.
//!
//! A file with any good upstream gives its good ones, and each bad line is warned of. A file with none, or that
//! cannot be read, changes nothing: the last good list stays, and its state says why.

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rhumb_config::UpstreamServer;
use rhumb_config::upstream_list::{MOST_BYTES, parse_list, parse_resolv_conf};

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
    /// It is missing, or not ours to read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is a folder, a pipe or a device.
    #[error("is not a file")]
    NotAFile,
    /// It is larger than a list may be.
    #[error("is larger than {} KiB", MOST_BYTES / 1024)]
    TooLarge,
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
}

impl ListFile {
    /// A file not yet read: an empty list.
    pub(crate) fn new(path: PathBuf, kind: ListFormat) -> Self {
        let state = ListFileState::Kept { why: "not read yet".into(), since: SystemTime::now() };
        Self { path, kind, last_good: Arc::default(), state, bad_lines: Vec::new() }
    }

    /// The path as configured.
    pub(crate) fn path(&self) -> &Path {
        &self.path
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
        match self.read() {
            Ok((upstreams, bad_lines)) => self.accept(upstreams, bad_lines),
            Err(unusable) => self.keep(&unusable),
        }
    }

    fn read(&self) -> Result<rhumb_config::upstream_list::Parsed, UnusableList> {
        let text = read_bounded(&self.path)?;
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

/// The text of a file of at most [`MOST_BYTES`]; bytes that are no UTF-8 become characters that no address has.
fn read_bounded(path: &Path) -> Result<String, UnusableList> {
    // A pipe in the file's place must not hold the reader.
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(UnusableList::NotAFile);
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES {
        return Err(UnusableList::TooLarge);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
