//! Reads typed values out of the tree and collects every error with its place and key path.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::errors::{Collector, Error, Place};
use crate::kinds::Kind;
use crate::nearest::nearest;
use crate::node::{Entry, Node, Spot, Value, shown};
use crate::section::{Keys, Section};

/// The state of one reading: which file, where in it, and the errors so far.
pub(crate) struct Reader {
    pub(crate) file: Arc<Path>,
    /// What relative paths are relative to.
    pub(crate) folder: PathBuf,
    pub(crate) errors: Collector,
    path: String,
}

impl Reader {
    pub(crate) fn new(file: &Path) -> Self {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Reader { file: Arc::from(file), folder, errors: Collector::default(), path: String::new() }
    }

    pub(crate) fn place(&self, spot: Spot) -> Place {
        Place { file: Arc::clone(&self.file), line: spot.line, column: spot.column }
    }

    /// Records an error of the value that is being read.
    pub(crate) fn error(&mut self, spot: Spot, message: impl Into<String>) {
        let error = Error { place: self.place(spot), key: self.path.clone(), message: message.into() };
        self.errors.push(error);
    }

    /// Records that `node` is not of the accepted form.
    pub(crate) fn wrong(&mut self, node: &Node, accepted: &str) {
        let what = match &node.value {
            Value::Null => "has no value; remove the key or give it one".to_owned(),
            _ => format!("{} is not accepted here", node.describe()),
        };
        self.error(node.spot, format!("{what}; accepted: {accepted}"));
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

    /// Reads a section: each known key once, every other key refused, the required ones present.
    ///
    /// The draft comes back even when keys were wrong; it keeps its defaults there.
    pub(crate) fn draft<S: Section>(&mut self, node: &Node) -> Option<S::Draft> {
        let Value::Section(entries) = &node.value else {
            self.wrong(node, &format!("a section of keys; {}", S::ABOUT));
            return None;
        };
        let mut keys = SectionReader {
            reader: self,
            entries,
            draft: S::draft(),
            offered: Vec::new(),
            later: Vec::new(),
        };
        S::keys(&mut keys);
        let SectionReader { draft, offered, later, .. } = keys;
        self.unknown_keys(entries, &offered, &later);
        self.required_keys(node, S::ONE_OF);
        Some(draft)
    }

    fn unknown_keys(&mut self, entries: &[Entry], offered: &[&'static str], later: &[&'static str]) {
        for entry in entries {
            if self.errors.is_full() {
                return;
            }
            if offered.iter().chain(later).any(|known| *known == entry.key) {
                continue;
            }
            let near = nearest(&entry.key, offered);
            let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            let message =
                format!("unknown key {}{hint}; accepted: {}", shown(&entry.key), offered.join(", "));
            self.at_key(&entry.key, |reader| reader.error(entry.spot, message));
        }
    }

    /// Exactly one of the groups has to be given, and that one in full.
    fn required_keys(&mut self, node: &Node, one_of: &[&[&'static str]]) {
        let begun: Vec<_> =
            one_of.iter().filter(|group| group.iter().any(|key| node.entry(key).is_some())).collect();
        match begun.as_slice() {
            [] if one_of.is_empty() => {}
            [] => {
                let groups: Vec<_> = one_of.iter().map(|group| in_words(group)).collect();
                self.error(node.spot, format!("{} is missing", groups.join(", or ")));
            }
            [group] => {
                for key in group.iter().filter(|key| node.entry(key).is_none()) {
                    self.error(node.spot, format!("`{key}` is missing"));
                }
            }
            [..] => {
                let groups: Vec<_> = begun.iter().map(|group| in_words(group)).collect();
                self.error(
                    node.spot,
                    format!("{} exclude each other; give one of them", groups.join(" and ")),
                );
            }
        }
    }
}

fn in_words(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" with ")
}

/// Walks the keys of a section and takes each from the file.
struct SectionReader<'a, D> {
    reader: &'a mut Reader,
    entries: &'a [Entry],
    draft: D,
    offered: Vec<&'static str>,
    /// Keys that a later version offers.
    later: Vec<&'static str>,
}

impl<'a, D> SectionReader<'a, D> {
    /// The first entry of a key; further ones are errors.
    fn take(&mut self, name: &'static str) -> Option<&'a Entry> {
        let entries = self.entries;
        let mut given = entries.iter().filter(|entry| entry.key == name);
        let first = given.next()?;
        for again in given {
            let message = format!("given twice; the first is on line {}", first.spot.line);
            self.reader.at_key(name, |reader| reader.error(again.spot, message));
        }
        Some(first)
    }
}

impl<D> Keys<D> for SectionReader<'_, D> {
    fn key<K: Kind>(&mut self, name: &'static str, _: &str, kind: K, slot: fn(&mut D) -> &mut K::Out) {
        self.offered.push(name);
        let Some(entry) = self.take(name) else { return };
        if let Some(value) = self.reader.at_key(name, |reader| kind.read(&entry.value, reader)) {
            *slot(&mut self.draft) = value;
        }
    }

    fn not_offered(&mut self, name: &'static str, why: &str) {
        self.later.push(name);
        let Some(entry) = self.take(name) else { return };
        self.reader
            .at_key(name, |reader| reader.error(entry.spot, format!("not offered by this version: {why}")));
    }
}
