//! Where nodes are, for those who change them.

use super::arena::NodeRef;
use super::names::canonical;
use super::zone::ZoneContents;
use crate::fold;

impl ZoneContents {
    /// Where the node with this name below the apex is.
    pub(crate) fn reference(&self, below: &[u8]) -> Option<NodeRef> {
        let hash = crate::hash::of_labels(self.start, below);
        self.names.find(hash, |at| Some(at).filter(|at| fold::eq(self.node(*at).name(), below)))
    }

    /// Where the node of this owner of NSEC3 records is.
    pub(crate) fn hashed_reference(&self, below: &[u8]) -> Option<NodeRef> {
        let compare = |at: NodeRef| canonical(self.node(at).name(), below);
        self.hashed.at_or_before(compare).filter(|at| compare(*at).is_eq())
    }

    /// The names that come behind the one called `below` in canonical order.
    pub(crate) fn beyond(&self, below: &[u8]) -> impl Iterator<Item = NodeRef> + '_ {
        self.order.beyond(|at| canonical(self.node(at).name(), below))
    }
}
