//! Which entry of a list stands where, so that errors found late still name index and line.

use std::collections::HashMap;

use crate::errors::FilePlace;
use crate::node::{YamlNode, YamlPlace, numbered};
use crate::reader::FileNumbers;

/// An entry of a list: its index in its file, and where the value in question stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListPosition {
    pub(crate) index: usize,
    pub(crate) value: YamlPlace,
}

/// The entries of the lists by their places.
#[derive(Debug, Default)]
pub(crate) struct ListPositions {
    keys: HashMap<YamlPlace, ListPosition>,
    zones: HashMap<YamlPlace, ListPosition>,
    forward: HashMap<YamlPlace, ListPosition>,
    stub: HashMap<YamlPlace, ListPosition>,
    upstreams: HashMap<YamlPlace, ListPosition>,
    files: FileNumbers,
}

impl ListPositions {
    /// From the tree: exact, also when some entries were wrong and are missing in the configuration.
    pub(crate) fn of_tree(root: &YamlNode, files: &FileNumbers) -> Self {
        let mut positions = ListPositions { files: files.clone(), ..ListPositions::default() };
        for (index, key) in numbered(root.items("keys")) {
            positions.keys.insert(key.spot, ListPosition { index, value: key.spot_of("secret-file") });
        }
        for (index, zone) in numbered(root.items("zones")) {
            let key = ["file", "directory", "primaries"].into_iter().find(|key| zone.entry(key).is_some());
            let value = zone.spot_of(key.unwrap_or("name"));
            positions.zones.insert(zone.spot, ListPosition { index, value });
        }
        for (index, forward) in numbered(root.items("forward")) {
            positions.forward.insert(forward.spot, ListPosition { index, value: forward.spot });
            for (index, upstream) in forward.items("upstreams").iter().enumerate() {
                let key = if upstream.entry("list").is_some() { "list" } else { "resolv-conf" };
                positions
                    .upstreams
                    .insert(upstream.spot, ListPosition { index, value: upstream.spot_of(key) });
            }
        }
        for (index, stub) in numbered(root.items("stub")) {
            positions.stub.insert(stub.spot, ListPosition { index, value: stub.spot });
        }
        positions
    }

    pub(crate) fn key(&self, place: &FilePlace) -> ListPosition {
        self.find(&self.keys, place)
    }

    pub(crate) fn zone(&self, place: &FilePlace) -> ListPosition {
        self.find(&self.zones, place)
    }

    pub(crate) fn forward(&self, place: &FilePlace) -> ListPosition {
        self.find(&self.forward, place)
    }

    pub(crate) fn stub(&self, place: &FilePlace) -> ListPosition {
        self.find(&self.stub, place)
    }

    pub(crate) fn upstream(&self, place: &FilePlace) -> ListPosition {
        self.find(&self.upstreams, place)
    }

    fn find(&self, entries: &HashMap<YamlPlace, ListPosition>, place: &FilePlace) -> ListPosition {
        let spot = self.files.spot(place);
        entries.get(&spot).copied().unwrap_or(ListPosition { index: 0, value: spot })
    }
}
