//! What is found out once, when contents are published, so that no answer has to look for it.

use rhumb_wire::{NameBuf, Type};

use super::hashed::HashPosition;
use super::zone::{DenialChain, ReadyProofs, ZoneContents};
use crate::nsec3;

/// The label of a wildcard.
const WILDCARD: &[u8] = b"\x01*";

impl ZoneContents {
    /// Fills in what is found out once: the last step of building contents.
    pub(crate) fn made_ready(mut self) -> Self {
        let apex = self.node(self.root);
        let soa = apex.sets().offset_of(Type::SOA).unwrap_or(0);
        let (matched, wildcard) = match &self.denial {
            DenialChain::Unsigned => (None, None),
            DenialChain::Nsec(owners) => (None, self.at_or_before(owners, WILDCARD)),
            DenialChain::Nsec3(chain) => {
                let find = |name| {
                    let hash = nsec3::hash(name, chain.iterations, &chain.salt);
                    self.hashed_at_or_before(chain, &HashPosition::of(hash))
                };
                let found = find(self.apex());
                let mut star = NameBuf::new();
                let fits = star.push_label(b"*").and_then(|()| star.finish(self.apex())).is_ok();
                let denied = fits.then(|| find(star.as_ref())).flatten();
                (found.filter(|(_, exact)| *exact).map(|(at, _)| at), denied.map(|(at, _)| at))
            }
        };
        self.ready = ReadyProofs { soa, apex: matched, wildcard };
        self
    }
}
