//! The reading of a configuration from its text.

use std::fs::Metadata;
use std::path::Path;

use crate::advice;
use crate::config::ServerConfig;
use crate::conflicts;
use crate::environment::fill_in_tree;
use crate::errors::ConfigFinding;
use crate::file::{self, NodeBudget};
use crate::include::IncludeReader;
use crate::key_list::KeyList;
use crate::kind::ValueKind;
use crate::kinds::SectionKind;
use crate::node::{YamlContent, YamlPlace};
use crate::positions::ListPositions;
use crate::reader::ConfigReader;
use crate::references;
use crate::section::ConfigSection;

/// What a reading gave: when there are errors, the configuration lacks what was wrong.
pub(crate) struct ConfigReading {
    pub(crate) config: ServerConfig,
    pub(crate) errors: Vec<ConfigFinding>,
    pub(crate) warnings: Vec<ConfigFinding>,
    pub(crate) positions: ListPositions,
}

/// Reads `text` as the content of `file`. With what the file is on disk, `found`, the files that it includes are read too.
pub(crate) fn read(text: &str, file: &Path, found: Option<Metadata>) -> ConfigReading {
    let mut reader = ConfigReader::new(file, found.clone());
    let mut nodes = NodeBudget::default();
    let mut config = None;
    let mut positions = ListPositions::default();
    match file::read(text, &mut nodes) {
        Err(refusal) => reader.error(refusal.spot, refusal.message),
        Ok(root) if matches!(root.value, YamlContent::Null) => reader.error(
            YamlPlace::START,
            "the file is empty; write `{}` for a server that has the defaults, no zones and no upstreams",
        ),
        Ok(mut root) => {
            fill_in_tree(&mut root, &mut reader);
            if let Some(found) = found {
                IncludeReader::new(&mut reader, &mut nodes, text.len(), &found, lists()).read_into(&mut root);
            }
            config = SectionKind::<ServerConfig>::new().read(&root, &mut reader);
            references::report(&root, &mut reader);
            if let Some(config) = &config {
                conflicts::report(config, &root, &mut reader);
                // Of a part of a configuration it would say what is not so.
                if reader.errors.is_empty() {
                    advice::report(config, &root, &mut reader);
                }
            }
            positions = ListPositions::of_tree(&root, &reader.numbers);
        }
    }
    let mut config = config.unwrap_or_else(ServerConfig::draft);
    config.file = Some(file.to_owned());
    reader.folder_of(YamlPlace::START).clone_into(&mut config.folder);
    config.sources = std::mem::take(&mut reader.sources);
    reader.warn_of_open_secrets();
    ConfigReading { config, errors: reader.errors.finish(), warnings: reader.warnings.finish(), positions }
}

/// The keys of the first level that hold lists.
fn lists() -> Vec<String> {
    let mut keys = Vec::new();
    SectionKind::<ServerConfig>::new().list_keys(&mut KeyList::new(&mut keys));
    // What is within the entries of a list has a path such as `zones[].name`.
    let within = keys.into_iter().filter_map(|key| Some(key.path.split_once("[].")?.0.to_owned()));
    let mut lists: Vec<String> = within.filter(|list| !list.contains('.')).collect();
    lists.dedup();
    lists.push("include".to_owned());
    lists
}
