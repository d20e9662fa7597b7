//! The state of a reading: every error with its place and the way to its key.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config_sources::ConfigSources;
use crate::errors::{ConfigFinding, FilePlace, ProblemCollector};
use crate::node::{YamlContent, YamlNode, YamlPlace};

/// A file that is read.
struct SourceFile {
    path: Arc<Path>,
    /// What relative paths in it are relative to.
    folder: PathBuf,
    /// What it was when it was read; none if it was not read from disk.
    found: Option<Metadata>,
}

/// The numbers of files, by their paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileNumbers(HashMap<Arc<Path>, u16>);

impl FileNumbers {
    /// A place as nodes have it.
    pub(crate) fn spot(&self, place: &FilePlace) -> YamlPlace {
        let file = self.0.get(&place.file).copied().unwrap_or(0);
        YamlPlace { line: place.line, column: place.column, file }
    }
}

/// The state of one reading: which files, where in them, and the errors so far.
pub(crate) struct ConfigReader {
    /// The first is the configuration's own, the others are included.
    files: Vec<SourceFile>,
    pub(crate) numbers: FileNumbers,
    pub(crate) sources: ConfigSources,
    pub(crate) errors: ProblemCollector,
    pub(crate) warnings: ProblemCollector,
    /// The first secret of each file: where it stands, and its key.
    secrets: Vec<(YamlPlace, String)>,
    path: String,
}

impl ConfigReader {
    /// Reads `file`; `found` is what it is on disk, if it was read from there.
    pub(crate) fn new(file: &Path, found: Option<Metadata>) -> Self {
        let mut reader = ConfigReader {
            files: Vec::new(),
            numbers: FileNumbers::default(),
            sources: ConfigSources { files: vec![file.to_owned()], folders: Vec::new() },
            errors: ProblemCollector::default(),
            warnings: ProblemCollector::default(),
            secrets: Vec::new(),
            path: String::new(),
        };
        reader.add_file(file, found);
        reader
    }

    /// The number of a further file.
    pub(crate) fn add_file(&mut self, path: &Path, found: Option<Metadata>) -> u16 {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let path: Arc<Path> = Arc::from(path);
        // Far fewer are read.
        let number = u16::try_from(self.files.len()).unwrap_or(u16::MAX);
        self.numbers.0.insert(Arc::clone(&path), number);
        self.files.push(SourceFile { path, folder, found });
        number
    }

    /// The file that this place is in.
    fn file_of(&self, spot: YamlPlace) -> Option<&SourceFile> {
        self.files.get(usize::from(spot.file)).or_else(|| self.files.first())
    }

    /// What relative paths at this place are relative to.
    pub(crate) fn folder_of(&self, spot: YamlPlace) -> &Path {
        self.file_of(spot).map_or(Path::new("."), |file| &file.folder)
    }

    pub(crate) fn place(&self, spot: YamlPlace) -> FilePlace {
        let file = self.file_of(spot).map_or_else(|| Arc::from(Path::new("")), |file| Arc::clone(&file.path));
        FilePlace { file, line: spot.line, column: spot.column }
    }

    /// Where another value stands, seen from `spot`: `line 3`, or `FILE line 3`.
    pub(crate) fn line_seen_from(&self, spot: YamlPlace, other: YamlPlace) -> String {
        if spot.file == other.file {
            return format!("line {}", other.line);
        }
        let place = self.place(other);
        format!("{} line {}", place.file.display(), place.line)
    }

    /// Notes that the value that is being read is a secret. One from the environment does not stand in the file.
    pub(crate) fn secret(&mut self, node: &YamlNode) {
        let known = self.secrets.iter().any(|(spot, _)| spot.file == node.spot.file);
        if !known && !node.filled {
            self.secrets.push((node.spot, self.path.clone()));
        }
    }

    /// Warns of each file with secrets that every user can read.
    pub(crate) fn warn_of_open_secrets(&mut self) {
        for (spot, key) in std::mem::take(&mut self.secrets) {
            let found = self.file_of(spot).and_then(|file| file.found.as_ref());
            let mode = found.map_or(0, |found| found.permissions().mode() & 0o7777);
            if mode & 0o004 != 0 {
                let message = format!(
                    "this file holds secrets and can be read by every user (mode {mode:04o}); chmod 640 and the server's group \
                     keep it closed"
                );
                self.at_key(&key, |reader| reader.warning(spot, message));
            }
        }
    }

    /// Records an error of the value that is being read.
    pub(crate) fn error(&mut self, spot: YamlPlace, message: impl Into<String>) {
        let error =
            ConfigFinding { place: self.place(spot), key: self.path.clone(), message: message.into() };
        self.errors.push(error);
    }

    /// Records what is accepted and worth a look.
    pub(crate) fn warning(&mut self, spot: YamlPlace, message: impl Into<String>) {
        let warning =
            ConfigFinding { place: self.place(spot), key: self.path.clone(), message: message.into() };
        self.warnings.push(warning);
    }

    /// Records that `node` is not of the accepted form.
    pub(crate) fn wrong(&mut self, node: &YamlNode, accepted: &str) {
        let what = match &node.value {
            YamlContent::Null => "has no value; remove the key or give it one".to_owned(),
            _ => format!("{} is not accepted here", node.describe()),
        };
        self.error(node.spot, format!("{what}; accepted: {accepted}"));
    }

    /// The same where text is accepted.
    pub(crate) fn wrong_text(&mut self, node: &YamlNode, accepted: &str) {
        let quotes =
            matches!(node.value, YamlContent::Integer(_) | YamlContent::Number(_) | YamlContent::Bool(_));
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
