//! The reading of a configuration from its text.

use std::fs::Metadata;
use std::path::Path;

use crate::advice;
use crate::config::Config;
use crate::conflicts;
use crate::environment::fill_in_tree;
use crate::errors::ConfigFinding;
use crate::file::{self, NodeBudget};
use crate::include::Includer;
use crate::key_list::KeyList;
use crate::kind::Kind;
use crate::kinds::Sub;
use crate::node::{Spot, Value};
use crate::positions::Positions;
use crate::reader::Reader;
use crate::references;
use crate::section::Section;

/// What a reading gave: when there are errors, the configuration lacks what was wrong.
pub(crate) struct Reading {
    pub(crate) config: Config,
    pub(crate) errors: Vec<ConfigFinding>,
    pub(crate) warnings: Vec<ConfigFinding>,
    pub(crate) positions: Positions,
}

/// Reads `text` as the content of `file`. With what the file is on disk, `found`, the files that it includes are read too.
pub(crate) fn read(text: &str, file: &Path, found: Option<Metadata>) -> Reading {
    let mut reader = Reader::new(file, found.clone());
    let mut nodes = NodeBudget::default();
    let mut config = None;
    let mut positions = Positions::default();
    match file::read(text, &mut nodes) {
        Err(refusal) => reader.error(refusal.spot, refusal.message),
        Ok(root) if matches!(root.value, Value::Null) => reader.error(
            Spot::START,
            "the file is empty; write `{}` for a server that has the defaults, no zones and no upstreams",
        ),
        Ok(mut root) => {
            fill_in_tree(&mut root, &mut reader);
            if let Some(found) = found {
                Includer::new(&mut reader, &mut nodes, text.len(), &found, lists()).read_into(&mut root);
            }
            config = Sub::<Config>::new().read(&root, &mut reader);
            references::report(&root, &mut reader);
            if let Some(config) = &config {
                conflicts::report(config, &root, &mut reader);
                advice::report(config, &root, &mut reader);
            }
            positions = Positions::of_tree(&root, &reader.numbers);
        }
    }
    let mut config = config.unwrap_or_else(Config::draft);
    config.file = Some(file.to_owned());
    reader.folder_of(Spot::START).clone_into(&mut config.folder);
    config.sources = std::mem::take(&mut reader.sources);
    reader.warn_of_open_secrets();
    Reading { config, errors: reader.errors.finish(), warnings: reader.warnings.finish(), positions }
}

/// The keys of the first level that hold lists.
fn lists() -> Vec<String> {
    let mut keys = Vec::new();
    Sub::<Config>::new().list_keys(&mut KeyList::new(&mut keys));
    // What is within the entries of a list has a path such as `zones[].name`.
    let within = keys.into_iter().filter_map(|key| Some(key.path.split_once("[].")?.0.to_owned()));
    let mut lists: Vec<String> = within.filter(|list| !list.contains('.')).collect();
    lists.dedup();
    lists.push("include".to_owned());
    lists
}
