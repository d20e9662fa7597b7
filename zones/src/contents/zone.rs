//! What the contents of a zone consist of, and how nodes are found.

use rhumb_wire::{DomainName, NameBuf, NameRef, Type};

use super::arena::{NodeArena, NodeRef};
use super::index::NodeIndex;
use super::names::{CanonicalName, below_apex, full_name};
use super::node::ZoneNode;
use super::order::NodeOrder;
use super::rrset::ZoneRrset;
use super::set::{StoredRrset, TargetLink, is_named};
use super::soa_timers::SoaTimers;
use crate::fold;
use crate::hash::{self, NameHash};

/// The contents of one zone.
#[derive(Debug)]
pub struct ZoneContents {
    pub(crate) apex: DomainName,
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
    pub(crate) iterations: u16,
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
        self.find(self.apex(), Type::SOA)
    }

    /// The times in its SOA.
    pub fn soa_timers(&self) -> Option<SoaTimers> {
        let mut rdata = Vec::new();
        self.soa()?.records().next()?.rdata(&mut rdata);
        SoaTimers::of_rdata(&rdata)
    }

    /// The RRset of exactly this owner and type, wherever it lies: glue and occluded records too, wildcards only literally.
    pub fn find(&self, owner: NameRef<'_>, rtype: Type) -> Option<ZoneRrset<'_>> {
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

    /// The node of `name`, or else of the nearest ancestor that exists; none for a name that is not in the zone.
    pub(crate) fn nearest(&self, name: NameRef<'_>) -> Option<ZoneNode<'_>> {
        let above = std::iter::successors(Some(name), |name| name.parent());
        above.map_while(|name| self.below_apex(name)).find_map(|below| self.node_named(below))
    }

    /// The node with this name below the apex.
    pub(crate) fn node_named(&self, below: &[u8]) -> Option<ZoneNode<'_>> {
        if below.is_empty() {
            return Some(self.node(self.root));
        }
        self.find_hashed(below, hash::of_labels(self.start, below))
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

/// Places that many answers need.
#[derive(Debug, Default)]
pub(crate) struct ReadyProofs {
    /// Where the SOA begins among the sets of the apex.
    pub(crate) soa: usize,
    /// The NSEC3 that matches the apex, the closest encloser of most names that do not exist.
    pub(crate) apex: Option<NodeRef>,
    /// The NSEC or NSEC3 that shows that there is no wildcard below the apex.
    pub(crate) wildcard: Option<NodeRef>,
}
