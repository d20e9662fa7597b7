//! `include:`: further files of a configuration, read from disk and put together with the one that names them.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::environment::fill_in_tree;
use crate::file::{self, NodeBudget};
use crate::include_path::IncludePath;
use crate::merge::merge;
use crate::node::{YamlContent, YamlNode, YamlPlace};
use crate::reader::ConfigReader;
use crate::text::{self, MOST_BYTES, TextError};

/// The most files that one configuration is made of.
const MOST_FILES: usize = 1000;
/// How deep a file may be included.
const MOST_DEPTH: usize = 8;

/// Device and inode: the same for every path that leads to a file.
type FileIdentity = (u64, u64);

/// Reads included files into the tree of the file that includes them.
pub(crate) struct IncludeReader<'r> {
    reader: &'r mut ConfigReader,
    nodes: &'r mut NodeBudget,
    /// Bytes that the files may have, those read before taken away.
    bytes: usize,
    /// The files that were read, and where they are included.
    read: Vec<(FileIdentity, YamlPlace)>,
    /// The files that include the one being read, and this one.
    open: Vec<FileIdentity>,
    /// The keys of the first level that hold lists.
    lists: Vec<String>,
}

impl<'r> IncludeReader<'r> {
    /// `length` is how many bytes the first file has, and `found` what it is; `lists` are the keys of the first level that hold
    /// lists.
    pub(crate) fn new(
        reader: &'r mut ConfigReader,
        nodes: &'r mut NodeBudget,
        length: usize,
        found: &Metadata,
        lists: Vec<String>,
    ) -> Self {
        let own = identity(found);
        let bytes = MOST_BYTES.saturating_sub(length);
        Self { reader, nodes, bytes, read: vec![(own, YamlPlace::START)], open: vec![own], lists }
    }

    /// Reads what `root` includes into it: lists are joined, sections are joined key by key.
    pub(crate) fn read_into(&mut self, root: &mut YamlNode) {
        let named: Vec<(YamlPlace, IncludePath)> = root
            .items("include")
            .iter()
            .filter_map(|item| {
                // A value of another form is reported when the key is read.
                let YamlContent::Text(text) = &item.value else { return None };
                let folder = self.reader.folder_of(item.spot);
                Some((item.spot, IncludePath::read(text, folder).ok()?))
            })
            .collect();
        for (spot, path) in named {
            for file in self.matching(spot, path) {
                if let Some(tree) = self.read_file(spot, &file) {
                    merge(root, tree, &self.lists);
                }
            }
        }
    }

    /// The files that a path stands for, in the order of their names.
    fn matching(&mut self, spot: YamlPlace, path: IncludePath) -> Vec<PathBuf> {
        let (folder, pattern) = match path {
            IncludePath::File(path) => return vec![path],
            IncludePath::Pattern(folder, pattern) => (folder, pattern),
        };
        let listed = fs::read_dir(&folder).map(|entries| {
            let names = entries.flatten().map(|entry| entry.file_name());
            names.filter(|name| pattern.covers(name)).collect::<BTreeSet<_>>()
        });
        self.reader.sources.folders.push((folder.clone(), pattern));
        match listed {
            Ok(names) => names.iter().map(|name| folder.join(name)).collect(),
            Err(error) => {
                self.refuse(spot, format!("the folder `{}` cannot be read: {error}", folder.display()));
                Vec::new()
            }
        }
    }

    fn refuse(&mut self, spot: YamlPlace, message: String) {
        self.reader.at_key("include", |reader| reader.error(spot, message));
    }

    /// The tree of an included file, with what that includes; `None` when an error was recorded or there is nothing in it.
    fn read_file(&mut self, spot: YamlPlace, path: &Path) -> Option<YamlNode> {
        let shown = path.display();
        self.reader.sources.files.push(path.to_owned());
        if self.read.len() >= MOST_FILES {
            let message =
                format!("a configuration is made of at most {MOST_FILES} files; `{shown}` is one more");
            self.refuse(spot, message);
            return None;
        }
        if self.open.len() > MOST_DEPTH {
            let message = format!("files may include others {MOST_DEPTH} levels deep; `{shown}` is deeper");
            self.refuse(spot, message);
            return None;
        }
        // What it is comes first: a circle is reported as one, whatever the file has.
        let known = fs::metadata(path).ok().map(|found| identity(&found));
        if let Some(earlier) = known.and_then(|own| self.read.iter().find(|(read, _)| *read == own)) {
            let message = if known.is_some_and(|own| self.open.contains(&own)) {
                format!("`{shown}` is being read already: files that include each other make a circle")
            } else {
                let place = self.reader.place(earlier.1);
                format!("`{shown}` is included twice; the first time at {place}")
            };
            self.refuse(spot, message);
            return None;
        }
        let (text, found) = match text::of_file(path, self.bytes) {
            Ok(read) => read,
            Err(TextError::File(error)) => {
                self.refuse(spot, format!("`{shown}` {error}"));
                return None;
            }
            Err(TextError::Text(refusal)) => {
                let index = self.reader.add_file(path, None);
                self.reader.error(refusal.spot.in_file(index), refusal.message);
                return None;
            }
        };
        self.bytes -= text.len().min(self.bytes);
        self.tree(spot, path, &text, found)
    }

    fn tree(&mut self, spot: YamlPlace, path: &Path, text: &str, found: Metadata) -> Option<YamlNode> {
        let own = identity(&found);
        let index = self.reader.add_file(path, Some(found));
        self.read.push((own, spot));
        let mut root = match file::read(text, self.nodes) {
            Ok(root) => root,
            Err(refusal) => {
                self.reader.error(refusal.spot.in_file(index), refusal.message);
                return None;
            }
        };
        root.set_file(index);
        match root.value {
            YamlContent::Section(_) => {}
            // Only comments.
            YamlContent::Null => return None,
            _ => {
                self.reader.wrong(&root, "keys, as in any configuration");
                return None;
            }
        }
        fill_in_tree(&mut root, self.reader);
        self.open.push(own);
        self.read_into(&mut root);
        self.open.pop();
        Some(root)
    }
}

fn identity(found: &Metadata) -> FileIdentity {
    (found.dev(), found.ino())
}
