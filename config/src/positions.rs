//! Which entry of a list stands where, so that errors found late still name index and line.

use std::collections::HashMap;

use crate::errors::FilePlace;
use crate::node::{Node, Spot, numbered};
use crate::reader::FileNumbers;

/// An entry of a list: its index in its file, and where the value in question stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) index: usize,
    pub(crate) value: Spot,
}

/// The entries of the lists by their places.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    keys: HashMap<Spot, Position>,
    zones: HashMap<Spot, Position>,
    forward: HashMap<Spot, Position>,
    stub: HashMap<Spot, Position>,
    upstreams: HashMap<Spot, Position>,
    files: FileNumbers,
}

impl Positions {
    /// From the tree: exact, also when some entries were wrong and are missing in the configuration.
    pub(crate) fn of_tree(root: &Node, files: &FileNumbers) -> Self {
        let mut positions = Positions { files: files.clone(), ..Positions::default() };
        for (index, key) in numbered(root.items("keys")) {
            positions.keys.insert(key.spot, Position { index, value: key.spot_of("secret-file") });
        }
        for (index, zone) in numbered(root.items("zones")) {
            let key = if zone.entry("file").is_some() { "file" } else { "directory" };
            positions.zones.insert(zone.spot, Position { index, value: zone.spot_of(key) });
        }
        for (index, forward) in numbered(root.items("forward")) {
            positions.forward.insert(forward.spot, Position { index, value: forward.spot });
            for (index, upstream) in forward.items("upstreams").iter().enumerate() {
                let key = if upstream.entry("list").is_some() { "list" } else { "resolv-conf" };
                positions.upstreams.insert(upstream.spot, Position { index, value: upstream.spot_of(key) });
            }
        }
        for (index, stub) in numbered(root.items("stub")) {
            positions.stub.insert(stub.spot, Position { index, value: stub.spot });
        }
        positions
    }

    pub(crate) fn key(&self, place: &FilePlace) -> Position {
        self.find(&self.keys, place)
    }

    pub(crate) fn zone(&self, place: &FilePlace) -> Position {
        self.find(&self.zones, place)
    }

    pub(crate) fn forward(&self, place: &FilePlace) -> Position {
        self.find(&self.forward, place)
    }

    pub(crate) fn stub(&self, place: &FilePlace) -> Position {
        self.find(&self.stub, place)
    }

    pub(crate) fn upstream(&self, place: &FilePlace) -> Position {
        self.find(&self.upstreams, place)
    }

    fn find(&self, entries: &HashMap<Spot, Position>, place: &FilePlace) -> Position {
        let spot = self.files.spot(place);
        entries.get(&spot).copied().unwrap_or(Position { index: 0, value: spot })
    }
}
