//! The images of changed nodes.

use rhumb_wire::{NameBuf, NameRef, Type};

use super::name_change::{NameChange, RrsetChange};
use crate::builder::image::{ImageWriter, RrsetParts};
use crate::builder::targets::TargetLinks;
use crate::contents::node::{self, PREFIX};
use crate::contents::set::points;
use crate::contents::{ZoneContents, full_name};

/// Writes nodes, with room that is used for one after the other.
#[derive(Debug)]
pub(super) struct NodeEncoder<'d> {
    base: &'d ZoneContents,
    writer: ImageWriter<'d>,
    links: TargetLinks,
    sets: Vec<u8>,
    node: Vec<u8>,
}

impl<'d> NodeEncoder<'d> {
    pub(super) fn new(base: &'d ZoneContents) -> Self {
        let (writer, links) = (ImageWriter::default(), TargetLinks::default());
        Self { base, writer, links, sets: Vec::new(), node: Vec::new() }
    }

    /// The image of a changed node. None if it has more than an image can hold.
    pub(super) fn node(&mut self, change: &'d NameChange, prefix: Option<[u8; PREFIX]>) -> Option<&[u8]> {
        let mut owner = None;
        let mut count = 0u16;
        self.sets.clear();
        let mut taken = change.sets.iter().filter(|(_, taken)| taken.len() > 0).peekable();
        // What stays is copied as it is: an image refers to nothing but itself and its owner's name, which stays too.
        for (set, bytes) in change.node(self.base).into_iter().flat_map(|node| node.sets().with_bytes()) {
            while let Some((rtype, taken)) = taken.next_if(|(rtype, _)| **rtype < set.rtype) {
                self.set(change, *rtype, taken, &mut owner)?;
                count = count.checked_add(1)?;
            }
            if !change.sets.contains_key(&set.rtype) {
                self.sets.extend_from_slice(bytes);
                count = count.checked_add(1)?;
            } else if let Some((rtype, taken)) = taken.next_if(|(rtype, _)| **rtype == set.rtype) {
                self.set(change, *rtype, taken, &mut owner)?;
                count = count.checked_add(1)?;
            }
        }
        for (rtype, taken) in taken {
            self.set(change, *rtype, taken, &mut owner)?;
            count = count.checked_add(1)?;
        }
        self.node.clear();
        node::write_head(&mut self.node, &change.below, change.flags, change.occluded_by, count, prefix);
        self.node.extend_from_slice(&self.sets);
        Some(&self.node)
    }

    fn set(
        &mut self,
        change: &NameChange,
        rtype: Type,
        taken: &'d RrsetChange,
        owner: &mut Option<NameBuf>,
    ) -> Option<()> {
        let apex = self.base.apex();
        let owner = match owner {
            Some(owner) => owner.as_ref(),
            None if points(rtype) => owner.insert(full_name(&change.below, apex)).as_ref(),
            None => NameRef::ROOT,
        };
        let mut records: Vec<&[u8]> = taken.records.iter().collect();
        let signatures: Vec<&[u8]> = taken.signatures.iter().collect();
        self.links.arrange(rtype, &mut records, owner, apex, self.base.start);
        let (records, signatures) = (records.as_slice(), signatures.as_slice());
        let parts = RrsetParts { rtype, ttl: taken.ttl, records, signatures, links: &self.links };
        self.writer.write(&mut self.sets, owner, &parts)
    }
}
