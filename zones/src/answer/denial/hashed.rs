//! Proofs by NSEC3 (RFC 5155 section 7.2).

use rhumb_wire::{NameBuf, NameRef, Type};

use crate::answer::assembly::{AnswerAssembly, MessageFull};
use crate::answer::position::ChainName;
use crate::answer::proofs::ProvenClaim;
use crate::contents::Nsec3Chain;
use crate::contents::arena::NodeRef;
use crate::contents::hashed::HashPosition;
use crate::contents::node::ZoneNode;
use crate::lookup::NameMatch;
use crate::nsec3;

impl<'z> AnswerAssembly<'z, '_, '_, '_, '_> {
    pub(super) fn prove_by_nsec3(
        &mut self,
        chain: &'z Nsec3Chain,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
        claim: ProvenClaim,
    ) -> Result<(), MessageFull> {
        let name = current.name;
        let Some(shared) = suffix(name, name.len() - found.shared) else { return Ok(()) };
        match claim {
            ProvenClaim::NoType | ProvenClaim::NoDs => self.prove_no_type(chain, current, found.node, shared),
            ProvenClaim::Expanded => {
                let closer = one_below(name, shared);
                let covered = self.covering_nsec3(chain, None, closer);
                self.write_nsec3(current, covered)
            }
            ProvenClaim::NoName => {
                let proven = self.prove_encloser(chain, current, name, shared, Some(found.node))?;
                self.prove_no_wildcard(chain, current, proven)
            }
            ProvenClaim::WildcardNoType => {
                self.prove_encloser(chain, current, name, shared, None)?;
                let wildcard = HashPosition::of_node(found.node);
                let at = wildcard.and_then(|place| self.zone.hashed_at_or_before(chain, &place));
                self.write_nsec3(current, at.filter(|(_, exact)| *exact).map(|(at, _)| at))
            }
        }
    }

    /// The NSEC3 that matches a node. Where it was left out by opt-out, as of a delegation or an empty non-terminal above
    /// one, the closest encloser that has one, and that the chain goes past the rest (RFC 5155 section 7.2.1).
    fn prove_no_type(
        &mut self,
        chain: &'z Nsec3Chain,
        current: &ChainName<'_>,
        node: ZoneNode<'z>,
        name: NameRef<'_>,
    ) -> Result<(), MessageFull> {
        let place = self.place(chain, Some(node), name);
        if let Some((at, true)) = self.zone.hashed_at_or_before(chain, &place) {
            return self.write_nsec3(current, Some(at));
        }
        let above = name.parent().unwrap_or(NameRef::ROOT);
        let encloser = self.write_encloser(chain, current, above, None)?;
        let closer = one_below(name, encloser);
        let node = Some(node).filter(|_| closer.len() == name.len());
        let covered = self.covering_nsec3(chain, node, closer);
        self.write_nsec3(current, covered)
    }

    /// The closest encloser that the chain can prove, and that the name one label longer is not there (RFC 5155
    /// section 7.2.1). `node` is that of `encloser`, where it is known.
    fn prove_encloser<'n>(
        &mut self,
        chain: &'z Nsec3Chain,
        current: &ChainName<'_>,
        name: NameRef<'n>,
        encloser: NameRef<'n>,
        node: Option<ZoneNode<'z>>,
    ) -> Result<NameRef<'n>, MessageFull> {
        let encloser = self.write_encloser(chain, current, encloser, node)?;
        if encloser.len() < name.len() {
            let covered = self.covering_nsec3(chain, None, one_below(name, encloser));
            self.write_nsec3(current, covered)?;
        }
        Ok(encloser)
    }

    /// Writes the NSEC3 that matches `encloser`, or else its nearest ancestor that has one, and says which.
    fn write_encloser<'n>(
        &mut self,
        chain: &'z Nsec3Chain,
        current: &ChainName<'_>,
        encloser: NameRef<'n>,
        mut node: Option<ZoneNode<'z>>,
    ) -> Result<NameRef<'n>, MessageFull> {
        let apex = self.zone.apex().len();
        let mut encloser = encloser;
        while encloser.len() > apex {
            let place = self.place(chain, node.take(), encloser);
            if let Some((at, true)) = self.zone.hashed_at_or_before(chain, &place) {
                self.write_nsec3(current, Some(at))?;
                return Ok(encloser);
            }
            encloser = encloser.parent().unwrap_or(NameRef::ROOT);
        }
        self.write_nsec3(current, self.zone.ready.apex)?;
        Ok(encloser)
    }

    fn prove_no_wildcard(
        &mut self,
        chain: &'z Nsec3Chain,
        current: &ChainName<'_>,
        encloser: NameRef<'_>,
    ) -> Result<(), MessageFull> {
        let ready = self.zone.ready.wildcard.filter(|_| encloser.len() == self.zone.apex().len());
        if ready.is_some() {
            return self.write_nsec3(current, ready);
        }
        let mut wildcard = NameBuf::new();
        if wildcard.push_label(b"*").and_then(|()| wildcard.finish(encloser)).is_err() {
            return Ok(());
        }
        let covered = self.covering_nsec3(chain, None, wildcard.as_ref());
        self.write_nsec3(current, covered)
    }

    fn write_nsec3(&mut self, current: &ChainName<'_>, found: Option<NodeRef>) -> Result<(), MessageFull> {
        match found {
            Some(at) => self.write_denial(current, self.zone.node(at), Type::NSEC3),
            None => Ok(()),
        }
    }

    /// The NSEC3 that covers a name; `node` is its node, where it is known.
    fn covering_nsec3(
        &self,
        chain: &Nsec3Chain,
        node: Option<ZoneNode<'_>>,
        name: NameRef<'_>,
    ) -> Option<NodeRef> {
        let place = self.place(chain, node, name);
        match self.zone.hashed_at_or_before(chain, &place)? {
            // Two names with the same first bits: now all of them count.
            (_, true) if !place.is_whole() => {
                let place = HashPosition::of(nsec3::hash(name, chain.iterations, &chain.salt));
                self.zone.hashed_at_or_before(chain, &place).map(|(at, _)| at)
            }
            (at, _) => Some(at),
        }
    }

    /// The place of a name: noted with its node, or else computed.
    fn place(&self, chain: &Nsec3Chain, node: Option<ZoneNode<'_>>, name: NameRef<'_>) -> HashPosition {
        node.or_else(|| self.zone.below_apex(name).and_then(|below| self.zone.node_named(below)))
            .and_then(HashPosition::of_node)
            .unwrap_or_else(|| HashPosition::of(nsec3::hash(name, chain.iterations, &chain.salt)))
    }
}

/// The name without its first `skipped` bytes, which are whole labels.
fn suffix(name: NameRef<'_>, skipped: usize) -> Option<NameRef<'_>> {
    name.as_bytes().get(skipped..).and_then(|bytes| NameRef::parse(bytes).ok())
}

/// The ancestor of `name`, or itself, that is one label longer than `encloser`: the next closer name (RFC 5155
/// section 1.3).
fn one_below<'n>(name: NameRef<'n>, encloser: NameRef<'_>) -> NameRef<'n> {
    let mut name = name;
    while let Some(parent) = name.parent() {
        if parent.len() <= encloser.len() {
            break;
        }
        name = parent;
    }
    name
}
