//! The state of a reading: every error with its place and the way to its key.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::errors::{Collector, ConfigFinding, FilePlace};
use crate::node::{Node, Spot, Value};

/// The state of one reading: which file, where in it, and the errors so far.
pub(crate) struct Reader {
    pub(crate) file: Arc<Path>,
    /// What relative paths are relative to.
    pub(crate) folder: PathBuf,
    pub(crate) errors: Collector,
    pub(crate) warnings: Collector,
    path: String,
}

impl Reader {
    pub(crate) fn new(file: &Path) -> Self {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Reader {
            file: Arc::from(file),
            folder,
            errors: Collector::default(),
            warnings: Collector::default(),
            path: String::new(),
        }
    }

    pub(crate) fn place(&self, spot: Spot) -> FilePlace {
        FilePlace { file: Arc::clone(&self.file), line: spot.line, column: spot.column }
    }

    /// Records an error of the value that is being read.
    pub(crate) fn error(&mut self, spot: Spot, message: impl Into<String>) {
        let error =
            ConfigFinding { place: self.place(spot), key: self.path.clone(), message: message.into() };
        self.errors.push(error);
    }

    /// Records what is accepted and worth a look.
    pub(crate) fn warning(&mut self, spot: Spot, message: impl Into<String>) {
        let warning =
            ConfigFinding { place: self.place(spot), key: self.path.clone(), message: message.into() };
        self.warnings.push(warning);
    }

    /// Records that `node` is not of the accepted form.
    pub(crate) fn wrong(&mut self, node: &Node, accepted: &str) {
        let what = match &node.value {
            Value::Null => "has no value; remove the key or give it one".to_owned(),
            _ => format!("{} is not accepted here", node.describe()),
        };
        self.error(node.spot, format!("{what}; accepted: {accepted}"));
    }

    /// The same where text is accepted.
    pub(crate) fn wrong_text(&mut self, node: &Node, accepted: &str) {
        let quotes = matches!(node.value, Value::Integer(_) | Value::Number(_) | Value::Bool(_));
        let hint = if quotes { " (a number or a truth value needs quotes to be text)" } else { "" };
        self.wrong(node, &format!("{accepted}{hint}"));
    }

    /// Runs `read` with `key` added to the path.
    pub(crate) fn at_key<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.path.len();
        if before > 0 {
            self.path.push('.');
        }
        self.path.extend(key.chars().flat_map(char::escape_debug));
        let value = read(self);
        self.path.truncate(before);
        value
    }

    /// Runs `read` with `[index]` added to the path.
    pub(crate) fn at_index<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.path.len();
        // Writing to a String cannot fail.
        let _ = write!(self.path, "[{index}]");
        let value = read(self);
        self.path.truncate(before);
        value
    }
}
