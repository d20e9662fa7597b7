//! Places in a chain of NSEC3 records (RFC 5155 section 7.1).

use std::cmp::Ordering;

use super::arena::NodeRef;
use super::node::ZoneNode;
use super::zone::{Nsec3Chain, ZoneContents};
use crate::nsec3::{self, HASH};

/// A place in a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashPosition {
    /// The first 64 bits of the hash.
    prefix: u64,
    /// All of it, where it was computed; of a name that exists the builder noted the first bits only.
    whole: Option<[u8; HASH]>,
}

impl HashPosition {
    /// That of a hash.
    pub(crate) fn of(hash: [u8; HASH]) -> Self {
        Self { prefix: hash.first_chunk().map_or(0, |head| u64::from_be_bytes(*head)), whole: Some(hash) }
    }

    /// That of a name's node, as far as the builder noted it.
    pub(crate) fn of_node(node: ZoneNode<'_>) -> Option<Self> {
        node.nsec3_prefix().map(|prefix| Self { prefix, whole: None })
    }

    /// Whether all of the hash counts.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// How the owner of an NSEC3 record stands to it.
    fn compare(&self, owner: ZoneNode<'_>) -> Ordering {
        let order = owner.nsec3_prefix().unwrap_or(0).cmp(&self.prefix);
        order.then_with(|| match &self.whole {
            Some(hash) => {
                let digits = owner.name().iter().skip(1).map(u8::to_ascii_lowercase);
                digits.cmp(nsec3::label(hash))
            }
            None => Ordering::Equal,
        })
    }
}

impl ZoneContents {
    /// The owner in the chain at or before a place, the ring closed, and whether it is at it.
    pub(crate) fn hashed_at_or_before(
        &self,
        chain: &Nsec3Chain,
        place: &HashPosition,
    ) -> Option<(NodeRef, bool)> {
        let owners = chain.owners.as_ref().unwrap_or(&self.hashed);
        let key = |at| self.node(at).nsec3_prefix().unwrap_or(0);
        let at = owners.at_or_before_spread(place.prefix, key, |at| place.compare(self.node(at)))?;
        Some((at, place.compare(self.node(at)).is_eq()))
    }
}
