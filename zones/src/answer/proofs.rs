//! What has to be shown of names that do not exist, or lack a type.

use super::request::MAX_LINKS;
use crate::contents::ZoneContents;
use crate::contents::node::ZoneNode;

/// Records remembered, so that none is added twice: as many as a proof has at most, for each of a few zones of a chain.
const REMEMBERED: usize = 16;

/// The proofs that stand in the message, and those that are still to come.
#[derive(Debug, Default)]
pub(super) struct DenialProofs<'z> {
    /// Names for which a wildcard of a zone stood, by where they are in the message. Their proofs go into the
    /// authority section, and so wait until the last answer is written.
    pub(super) expanded: [Option<(&'z ZoneContents, usize)>; MAX_LINKS as usize + 1],
    /// Where their node's name is stored: enough to know it by.
    known: [usize; REMEMBERED],
    count: usize,
}

impl DenialProofs<'_> {
    /// Whether this node is new.
    pub(super) fn note(&mut self, node: ZoneNode<'_>) -> bool {
        let identity = node.identity();
        if self.known.iter().take(self.count).any(|known| *known == identity) {
            return false;
        }
        if let Some(slot) = self.known.get_mut(self.count) {
            *slot = identity;
            self.count += 1;
        }
        true
    }
}

/// What is to be shown of a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProvenClaim {
    /// It exists and lacks the type.
    NoType,
    /// Neither it nor a wildcard exists.
    NoName,
    /// It does not exist; a wildcard stood for it.
    Expanded,
    /// It does not exist; the wildcard that stands for it lacks the type.
    WildcardNoType,
    /// It is a delegation without DS.
    NoDs,
}
