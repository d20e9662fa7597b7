//! Which entry of a list stands where, so that errors found late still name index and line.

use std::collections::HashMap;

use crate::errors::FilePlace;
use crate::node::{Node, Spot};

/// An entry of a list: its index in the file, and where the value in question stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) index: usize,
    pub(crate) value: Spot,
}

/// The entries of the lists by their places.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    zones: HashMap<Spot, Position>,
    forward: HashMap<Spot, Position>,
    upstreams: HashMap<Spot, Position>,
}

impl Positions {
    /// From the tree: exact, also when some entries were wrong and are missing in the configuration.
    pub(crate) fn of_file(root: &Node) -> Self {
        let mut positions = Positions::default();
        for (index, zone) in root.items("zones").iter().enumerate() {
            let key = if zone.entry("file").is_some() { "file" } else { "directory" };
            positions.zones.insert(zone.spot, Position { index, value: zone.spot_of(key) });
        }
        for (index, forward) in root.items("forward").iter().enumerate() {
            positions.forward.insert(forward.spot, Position { index, value: forward.spot });
            for (index, upstream) in forward.items("upstreams").iter().enumerate() {
                let key = if upstream.entry("list").is_some() { "list" } else { "resolv-conf" };
                positions.upstreams.insert(upstream.spot, Position { index, value: upstream.spot_of(key) });
            }
        }
        positions
    }

    pub(crate) fn zone(&self, place: &FilePlace) -> Position {
        find(&self.zones, place)
    }

    pub(crate) fn forward(&self, place: &FilePlace) -> Position {
        find(&self.forward, place)
    }

    pub(crate) fn upstream(&self, place: &FilePlace) -> Position {
        find(&self.upstreams, place)
    }
}

fn spot(place: &FilePlace) -> Spot {
    Spot { line: place.line, column: place.column }
}

fn find(entries: &HashMap<Spot, Position>, place: &FilePlace) -> Position {
    let spot = spot(place);
    entries.get(&spot).copied().unwrap_or(Position { index: 0, value: spot })
}
