//! Writes changed nodes into an arena that continues the old one.

use rhumb_wire::Type;

use super::encode::NodeEncoder;
use super::name_change::{NameChange, NameChanges};
use crate::builder::denial::ChainParameters;
use crate::contents::ZoneContents;
use crate::contents::arena::{ArenaBuilder, NodeArena, NodeRef};
use crate::contents::node::{PREFIX, ZoneNode};
use crate::contents::order::edit::OrderEdit;

/// A name whose node changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChangedNode<'d> {
    /// The name below the apex.
    pub(super) below: &'d [u8],
    /// Its node before; none for a new name.
    pub(super) old: Option<NodeRef>,
    /// Its node from now on; none for a name that goes.
    pub(super) new: Option<NodeRef>,
    /// Whether what is left of it covers names by NSEC: it owns one in authoritative data.
    pub(super) denies: bool,
}

impl<'d> ChangedNode<'d> {
    /// What becomes of it in the orders.
    pub(super) const fn edit(&self) -> OrderEdit<'d> {
        OrderEdit { name: self.below, node: self.new }
    }
}

/// The arena being continued.
#[derive(Debug)]
pub(super) struct ArenaExtender<'d> {
    base: &'d ZoneContents,
    encoder: NodeEncoder<'d>,
    arena: ArenaBuilder,
    records: u64,
}

impl<'d> ArenaExtender<'d> {
    pub(super) fn new(base: &'d ZoneContents) -> Self {
        let arena = ArenaBuilder::continuing(&base.arena);
        Self { base, encoder: NodeEncoder::new(base), arena, records: base.records }
    }

    /// The owners of NSEC3 records. None once the arena is full.
    pub(super) fn hashed(&mut self, changes: &'d NameChanges) -> Option<Vec<ChangedNode<'d>>> {
        let mut changed = Vec::with_capacity(changes.len());
        for change in changes.values() {
            let prefix = crate::nsec3::prefix_of_label(&change.below).map(u64::to_be_bytes);
            self.change(change, prefix, &mut changed)?;
        }
        Some(changed)
    }

    /// The names of the zone, with their NSEC3 prefixes as `chain` asks for; `kept` says that those noted are still
    /// good. None once the arena is full.
    pub(super) fn names(
        &mut self,
        changes: &'d NameChanges,
        chain: Option<&ChainParameters>,
        kept: bool,
    ) -> Option<Vec<ChangedNode<'d>>> {
        let mut changed = Vec::with_capacity(changes.len());
        for change in changes.values() {
            let chain = chain.filter(|_| change.exists && change.occluded_by.is_none());
            let noted = change.node(self.base).filter(|_| kept).and_then(ZoneNode::nsec3_prefix);
            let prefix = chain.map(|chain| {
                noted.map_or_else(|| chain.prefix(&change.below, self.base.apex()), u64::to_be_bytes)
            });
            self.change(change, prefix, &mut changed)?;
        }
        Some(changed)
    }

    /// The arena, and how many records the zone has.
    pub(super) fn finish(self) -> (NodeArena, u64) {
        (self.arena.finish(), self.records)
    }

    /// Notes a name among those that change, unless it stays as it was.
    fn change(
        &mut self,
        change: &'d NameChange,
        prefix: Option<[u8; PREFIX]>,
        changed: &mut Vec<ChangedNode<'d>>,
    ) -> Option<()> {
        let base = self.base;
        for taken in change.sets.values() {
            self.records = (self.records + taken.len() as u64).saturating_sub(taken.was as u64);
        }
        let (below, old) = (&*change.below, change.base);
        let length = old.map_or(0, |at| base.node(at).image_length());
        let mut new = None;
        if change.exists {
            let image = self.encoder.node(change, prefix)?;
            let before = old.and_then(|at| base.arena.from(at).get(..length));
            if before == Some(image) {
                return Some(());
            }
            new = Some(self.arena.push(image)?);
        } else if old.is_none() {
            return Some(());
        }
        let denies = change.occluded_by.is_none() && change.count(base, Type::NSEC) > 0;
        changed.push(ChangedNode { below, old, new, denies });
        self.arena.discard(length);
        Some(())
    }
}
