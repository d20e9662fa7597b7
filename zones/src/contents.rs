//! The contents of one zone: immutable, shared by reference count.
//!
//! Nodes are images in chunks (`arena`); they are found by the hash of their name below the apex (`index`) and in canonical
//! order (`order`). No node refers to another: what belongs together is found by name. So changed contents can share every
//! chunk and page that the change did not touch.

pub(crate) mod arena;
pub(crate) mod hashed;
pub(crate) mod index;
mod iter;
pub(crate) mod node;
pub(crate) mod order;
pub(crate) mod rdata;
pub(crate) mod ready;
mod rrset;
mod seek;
pub(crate) mod set;

use std::cmp::Ordering;

use rhumb_wire::{Name, NameBuf, NameRef};

use crate::fold;
use crate::hash::NameHash;
use arena::{NodeArena, NodeRef};
use index::NodeIndex;
use node::ZoneNode;
use order::NodeOrder;
use ready::ReadyProofs;
use set::{StoredRrset, TargetLink, is_named};

pub use iter::ZoneRrsets;
pub use rrset::{RrsetRecords, ZoneRecord, ZoneRrset};

/// The contents of one zone.
#[derive(Debug)]
pub struct ZoneContents {
    pub(crate) apex: Name,
    pub(crate) start: NameHash,
    pub(crate) arena: NodeArena,
    pub(crate) names: NodeIndex,
    /// All names in canonical order.
    pub(crate) order: NodeOrder,
    /// The owners of NSEC3 records, in order. They are no names of the zone (RFC 5155 section 7.2.8).
    pub(crate) hashed: NodeOrder,
    /// Labels below the apex of the deepest node.
    pub(crate) depth: usize,
    pub(crate) root: NodeRef,
    pub(crate) serial: u32,
    /// TTL of a denial in seconds (RFC 2308 section 5).
    pub(crate) negative_ttl: u32,
    pub(crate) records: u64,
    pub(crate) denial: DenialChain,
    pub(crate) ready: ReadyProofs,
}

/// How names and types are denied to those who want proof.
#[derive(Debug, Default)]
pub(crate) enum DenialChain {
    /// Not at all: the zone is not signed.
    #[default]
    Unsigned,
    /// By NSEC: the names that own one (RFC 4034 section 4).
    Nsec(NodeOrder),
    /// By NSEC3 (RFC 5155).
    Nsec3(Box<Nsec3Chain>),
}

/// A chain of NSEC3 records.
#[derive(Debug)]
pub(crate) struct Nsec3Chain {
    /// Additional iterations.
    pub(crate) iterations: u16,
    /// The salt.
    pub(crate) salt: Box<[u8]>,
    /// The owners that belong to it, where the zone has others too.
    pub(crate) owners: Option<NodeOrder>,
}

impl ZoneContents {
    /// The apex, in the case it was given.
    pub fn apex(&self) -> NameRef<'_> {
        self.apex.as_ref()
    }

    /// The serial of the SOA.
    pub const fn serial(&self) -> u32 {
        self.serial
    }

    /// The SOA.
    pub fn soa(&self) -> Option<ZoneRrset<'_>> {
        self.find(self.apex(), rhumb_wire::Type::SOA)
    }

    /// The RRset of exactly this owner and type, wherever it lies: glue and occluded records too, wildcards only literally.
    pub fn find(&self, owner: NameRef<'_>, rtype: rhumb_wire::Type) -> Option<ZoneRrset<'_>> {
        let node = self.node_named(self.below_apex(owner)?)?;
        let set = node.set(rtype).filter(|set| set.records > 0)?;
        Some(ZoneRrset::new(self.apex(), node, set))
    }

    /// Number of records, signatures included.
    pub const fn record_count(&self) -> u64 {
        self.records
    }

    /// Whether denials come with proof (NSEC or NSEC3) when asked for.
    pub const fn is_signed(&self) -> bool {
        !matches!(self.denial, DenialChain::Unsigned)
    }

    /// Every RRset, names in canonical order, NSEC3 owners among them.
    pub fn iter(&self) -> ZoneRrsets<'_> {
        ZoneRrsets::new(self)
    }

    /// Bytes these contents hold, those shared with others counted in full.
    pub fn memory(&self) -> usize {
        let denial = match &self.denial {
            DenialChain::Unsigned => 0,
            DenialChain::Nsec(owners) => owners.memory(),
            DenialChain::Nsec3(chain) => {
                size_of::<Nsec3Chain>()
                    + chain.salt.len()
                    + chain.owners.as_ref().map_or(0, NodeOrder::memory)
            }
        };
        let indexes = self.names.memory() + self.order.memory() + self.hashed.memory();
        size_of::<Self>() + self.apex().len() + self.arena.memory() + indexes + denial
    }

    #[inline]
    pub(crate) fn node(&self, at: NodeRef) -> ZoneNode<'_> {
        ZoneNode::new(self.arena.from(at))
    }

    /// What of `name` lies below the apex, without the root label; none for a name that is not in the zone.
    pub(crate) fn below_apex<'n>(&self, name: NameRef<'n>) -> Option<&'n [u8]> {
        below_apex(name, self.apex())
    }

    /// The node with this name below the apex.
    pub(crate) fn node_named(&self, below: &[u8]) -> Option<ZoneNode<'_>> {
        if below.is_empty() {
            return Some(self.node(self.root));
        }
        self.find_hashed(below, crate::hash::of_labels(self.start, below))
    }

    #[inline]
    pub(crate) fn find_hashed(&self, below: &[u8], hash: u32) -> Option<ZoneNode<'_>> {
        self.names.find(hash, |at| Some(self.node(at)).filter(|node| fold::eq(node.name(), below)))
    }

    /// The node that a record of `set`, which `owner` has, points to.
    #[inline]
    pub(crate) fn linked(
        &self,
        link: &TargetLink,
        set: &StoredRrset<'_>,
        owner: ZoneNode<'_>,
    ) -> Option<ZoneNode<'_>> {
        if set.means_owner(link.at) {
            return self.find_hashed(owner.name(), link.hash);
        }
        let is_target =
            |node: &ZoneNode<'_>| is_named(set.image(), link.at, owner.name(), self.apex(), node.name());
        self.names.find(link.hash, |at| Some(self.node(at)).filter(is_target))
    }

    /// The full name of a node.
    pub(crate) fn owner(&self, node: ZoneNode<'_>) -> NameBuf {
        full_name(node.name(), self.apex())
    }

    /// The name of `order` that stands at or before the name `below` the apex in canonical order, the ring closed.
    pub(crate) fn at_or_before(&self, order: &NodeOrder, below: &[u8]) -> Option<NodeRef> {
        let wanted = CanonicalName::new(below);
        order.at_or_before(|at| wanted.order_of(self.node(at).name()))
    }
}

impl<'a> IntoIterator for &'a ZoneContents {
    type Item = ZoneRrset<'a>;
    type IntoIter = ZoneRrsets<'a>;

    fn into_iter(self) -> ZoneRrsets<'a> {
        self.iter()
    }
}

/// What of `name` lies below `apex`, without the root label.
pub(crate) fn below_apex<'n>(name: NameRef<'n>, apex: NameRef<'_>) -> Option<&'n [u8]> {
    let below = below_bytes(name, apex)?;
    let mut rest = below;
    while let Some(&length) = rest.first() {
        rest = rest.get(1 + usize::from(length)..)?;
    }
    Some(below)
}

/// As [`below_apex`], but what is left may end in the middle of a label.
#[inline]
pub(crate) fn below_bytes<'n>(name: NameRef<'n>, apex: NameRef<'_>) -> Option<&'n [u8]> {
    let start = name.len().checked_sub(apex.len())?;
    let (below, tail) = name.as_bytes().split_at_checked(start)?;
    fold::eq(tail, apex.as_bytes()).then_some(below)
}

/// The full name of what is called `below` in the zone at `apex`.
pub(crate) fn full_name(below: &[u8], apex: NameRef<'_>) -> NameBuf {
    let mut name = NameBuf::new();
    let mut rest = below;
    while let Some((&length, tail)) = rest.split_first() {
        let Some((label, tail)) = tail.split_at_checked(usize::from(length)) else { break };
        // The builder took it from a whole name, so it fits.
        let _ = name.push_label(label);
        rest = tail;
    }
    let _ = name.finish(apex);
    name
}

/// Canonical order of two names below the same apex (RFC 4034 section 6.1).
pub(crate) fn canonical(a: &[u8], b: &[u8]) -> Ordering {
    match (only_label(a), only_label(b)) {
        (Some(x), Some(y)) => fold::cmp(x, y),
        _ => CanonicalName::new(b).order_of(a),
    }
}

/// A name below the apex that many others are compared with.
pub(crate) struct CanonicalName<'n> {
    below: &'n [u8],
    offsets: [u8; 128],
    labels: usize,
    /// How its last label begins: enough to tell most names apart.
    head: u64,
}

impl<'n> CanonicalName<'n> {
    /// A name to be compared with.
    pub(crate) fn new(below: &'n [u8]) -> Self {
        let (offsets, labels) = label_offsets(below);
        let last = labels.checked_sub(1).and_then(|last| offsets.get(last));
        Self { below, offsets, labels, head: last.map_or(0, |&at| fold::head(label_at(below, at))) }
    }

    /// How `other` stands to it in canonical order.
    pub(crate) fn order_of(&self, other: &[u8]) -> Ordering {
        if let Some(label) = only_label(other)
            && let head = fold::head(label)
            && head != self.head
        {
            return head.cmp(&self.head);
        }
        let mine = self.offsets.iter().take(self.labels).rev().map(|&at| label_at(self.below, at));
        if let Some(label) = only_label(other) {
            let last = mine.take(1).next();
            return last.map_or(Ordering::Greater, |last| fold::cmp(label, last).then(1.cmp(&self.labels)));
        }
        let (offsets, labels) = label_offsets(other);
        let theirs = offsets.iter().take(labels).rev().map(|&at| label_at(other, at));
        let unequal = theirs.zip(mine).map(|(x, y)| fold::cmp(x, y)).find(|order| order.is_ne());
        unequal.unwrap_or_else(|| labels.cmp(&self.labels))
    }
}

/// The label of a name that has one, the case that is worth a short way.
#[inline]
fn only_label(below: &[u8]) -> Option<&[u8]> {
    let (&length, label) = below.split_first()?;
    (usize::from(length) == label.len()).then_some(label)
}

/// Offsets of the labels of a name without root label, and their number.
#[inline]
pub(crate) fn label_offsets(below: &[u8]) -> ([u8; 128], usize) {
    let mut offsets = [0; 128];
    let (mut at, mut count) = (0usize, 0usize);
    while let (Some(&length), Some(slot)) = (below.get(at), offsets.get_mut(count)) {
        *slot = at as u8;
        count += 1;
        at += 1 + usize::from(length);
    }
    (offsets, count)
}

/// The label at `offset`, without its length.
fn label_at(below: &[u8], offset: u8) -> &[u8] {
    let tail = below.get(usize::from(offset)..).unwrap_or(&[]);
    match tail.split_first() {
        Some((&length, rest)) => rest.get(..usize::from(length)).unwrap_or(&[]),
        None => &[],
    }
}
