//! All of a zone in canonical order.

use std::cmp::Ordering;
use std::iter::Peekable;

use super::arena::NodeRef;
use super::names::canonical;
use super::node::{StoredRrsets, ZoneNode};
use super::rrset::ZoneRrset;
use super::zone::ZoneContents;

type Refs<'a> = Peekable<Box<dyn Iterator<Item = NodeRef> + Send + 'a>>;

/// Walks the RRsets of a zone, names in canonical order.
pub struct ZoneRrsets<'a> {
    contents: &'a ZoneContents,
    names: Refs<'a>,
    hashed: Refs<'a>,
    current: Option<(ZoneNode<'a>, StoredRrsets<'a>)>,
}

impl<'a> ZoneRrsets<'a> {
    pub(super) fn new(contents: &'a ZoneContents) -> Self {
        let names: Box<dyn Iterator<Item = NodeRef> + Send> = Box::new(contents.order.iter());
        let hashed: Box<dyn Iterator<Item = NodeRef> + Send> = Box::new(contents.hashed.iter());
        Self { contents, names: names.peekable(), hashed: hashed.peekable(), current: None }
    }

    /// The next node of either tree. The owner of an NSEC3 record may also be an ordinary name: two nodes, one after
    /// the other.
    fn next_node(&mut self) -> Option<ZoneNode<'a>> {
        let contents = self.contents;
        match (self.names.peek(), self.hashed.peek()) {
            (Some(&name), Some(&hashed)) => {
                let order = canonical(contents.node(name).name(), contents.node(hashed).name());
                if order == Ordering::Greater { self.hashed.next() } else { self.names.next() }
            }
            (Some(_), None) => self.names.next(),
            (None, _) => self.hashed.next(),
        }
        .map(|at| contents.node(at))
    }
}

impl ZoneContents {
    /// Every RRset, names in canonical order, NSEC3 owners among them.
    pub fn iter(&self) -> ZoneRrsets<'_> {
        ZoneRrsets::new(self)
    }
}

impl<'a> IntoIterator for &'a ZoneContents {
    type Item = ZoneRrset<'a>;
    type IntoIter = ZoneRrsets<'a>;

    fn into_iter(self) -> ZoneRrsets<'a> {
        self.iter()
    }
}

impl<'a> Iterator for ZoneRrsets<'a> {
    type Item = ZoneRrset<'a>;

    fn next(&mut self) -> Option<ZoneRrset<'a>> {
        loop {
            if let Some((node, sets)) = &mut self.current
                && let Some(set) = sets.next()
            {
                return Some(ZoneRrset::new(self.contents.apex(), *node, set));
            }
            let node = self.next_node()?;
            self.current = Some((node, node.sets()));
        }
    }
}

impl std::fmt::Debug for ZoneRrsets<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rrsets").field("current", &self.current).finish_non_exhaustive()
    }
}
