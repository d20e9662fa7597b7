//! Proofs of denial for zones signed offline: which NSEC or NSEC3 records go into the authority section.
//!
//! RFC 4035 section 3.1.3 and RFC 5155 section 7.2. Only what a proof needs is added, each record once. A chain that
//! is broken gives an incomplete proof, never a failure.

mod hashed;

use rhumb_wire::{MessageSection, NameBuf, Type, name};

use super::assembly::{AnswerAssembly, MessageFull};
use super::position::{ChainName, QUESTION_AT};
use super::proofs::ProvenClaim;
use crate::contents::node::ZoneNode;
use crate::contents::order::NodeOrder;
use crate::contents::{DenialChain, ZoneContents};
use crate::lookup::{MatchKind, NameMatch};

impl<'z> AnswerAssembly<'z, '_, '_, '_, '_> {
    /// Notes a positive answer that a wildcard gave: that no closer name exists is to be shown.
    pub(super) fn note_expansion(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) {
        if found.kind() == MatchKind::Wildcard
            && self.proves()
            && let Some(proofs) = &mut self.proofs
            && let Some(slot) = proofs.expanded.iter_mut().find(|slot| slot.is_none())
        {
            *slot = Some((self.zone, current.at));
        }
    }

    /// Shows what was noted. To be called when all answers are written, before anything goes into the additional section.
    #[inline]
    pub(super) fn prove_expansions(&mut self) -> Result<(), MessageFull> {
        if self.proofs.is_none() { Ok(()) } else { self.prove_noted() }
    }

    fn prove_noted(&mut self) -> Result<(), MessageFull> {
        let Some(proofs) = &mut self.proofs else { return Ok(()) };
        if matches!(proofs.expanded.first(), Some(None)) {
            return Ok(());
        }
        let expanded = std::mem::take(&mut proofs.expanded);
        let (zone, local) = (self.zone, self.local);
        let mut name = NameBuf::new();
        for (in_zone, at) in expanded.into_iter().flatten() {
            if name::expand(self.w.written(), at, &mut name).is_err() {
                continue;
            }
            self.zone = in_zone;
            self.local = self.asked.name.is_at_or_below(in_zone.apex());
            let current = ChainName { name: name.as_ref(), at, is_question: at == QUESTION_AT };
            if let Some(found) = in_zone.lookup(current.name) {
                self.prove(&current, &found, ProvenClaim::Expanded)?;
            }
        }
        (self.zone, self.local) = (zone, local);
        Ok(())
    }

    /// NODATA.
    pub(super) fn prove_no_data(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
    ) -> Result<(), MessageFull> {
        let claim = match found.kind() {
            MatchKind::Wildcard => ProvenClaim::WildcardNoType,
            MatchKind::AtCut => ProvenClaim::NoDs,
            _ => ProvenClaim::NoType,
        };
        self.prove(current, found, claim)
    }

    /// NXDOMAIN.
    pub(super) fn prove_no_name(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
    ) -> Result<(), MessageFull> {
        self.prove(current, found, ProvenClaim::NoName)
    }

    /// A referral to a zone that is not signed.
    pub(super) fn prove_no_ds(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
    ) -> Result<(), MessageFull> {
        self.prove(current, found, ProvenClaim::NoDs)
    }

    fn prove(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
        claim: ProvenClaim,
    ) -> Result<(), MessageFull> {
        if !self.asked.dnssec_ok {
            return Ok(());
        }
        let zone = self.zone;
        match &zone.denial {
            DenialChain::Unsigned => Ok(()),
            DenialChain::Nsec(owners) => self.prove_by_nsec(zone, owners, current, found, claim),
            DenialChain::Nsec3(chain) => self.prove_by_nsec3(chain, current, found, claim),
        }
    }

    /// By NSEC.
    fn prove_by_nsec(
        &mut self,
        zone: &'z ZoneContents,
        owners: &'z NodeOrder,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
        claim: ProvenClaim,
    ) -> Result<(), MessageFull> {
        let name = current.name.as_bytes();
        let apex = zone.apex().len();
        let Some(below) = name.get(..name.len() - apex) else { return Ok(()) };
        match claim {
            ProvenClaim::Expanded => self.write_covering(zone, owners, current, below),
            ProvenClaim::NoType | ProvenClaim::NoDs => self.write_matching(zone, owners, current, found.node),
            ProvenClaim::WildcardNoType => {
                self.write_matching(zone, owners, current, found.node)?;
                self.write_covering(zone, owners, current, below)
            }
            ProvenClaim::NoName => {
                self.write_covering(zone, owners, current, below)?;
                if found.shared == apex
                    && let Some(at) = zone.ready.wildcard
                {
                    return self.write_nsec(current, zone.node(at));
                }
                let mut wildcard = [0; 256];
                let encloser = found.node.name();
                let length = encloser.len() + 2;
                if let Some((star, rest)) = wildcard.get_mut(..length).and_then(|w| w.split_at_mut_checked(2))
                {
                    star.copy_from_slice(b"\x01*");
                    rest.copy_from_slice(encloser);
                }
                self.write_covering(zone, owners, current, wildcard.get(..length).unwrap_or(&[]))
            }
        }
    }

    /// The NSEC of a node; of an empty non-terminal the one before it, which says that it is one.
    fn write_matching(
        &mut self,
        zone: &'z ZoneContents,
        owners: &NodeOrder,
        current: &ChainName<'_>,
        node: ZoneNode<'z>,
    ) -> Result<(), MessageFull> {
        if node.set(Type::NSEC).is_some() {
            return self.write_nsec(current, node);
        }
        self.write_covering(zone, owners, current, node.name())
    }

    /// The NSEC at or before a name.
    fn write_covering(
        &mut self,
        zone: &'z ZoneContents,
        owners: &NodeOrder,
        current: &ChainName<'_>,
        below: &[u8],
    ) -> Result<(), MessageFull> {
        match zone.at_or_before(owners, below) {
            Some(at) => self.write_nsec(current, zone.node(at)),
            None => Ok(()),
        }
    }

    fn write_nsec(&mut self, current: &ChainName<'_>, node: ZoneNode<'z>) -> Result<(), MessageFull> {
        self.write_denial(current, node, Type::NSEC)
    }

    fn write_denial(
        &mut self,
        current: &ChainName<'_>,
        node: ZoneNode<'z>,
        rtype: Type,
    ) -> Result<(), MessageFull> {
        let Some(set) = node.set(rtype).filter(|set| set.records > 0) else { return Ok(()) };
        if !self.proofs.as_mut().is_some_and(|proofs| proofs.note(node)) {
            return Ok(());
        }
        self.write_with_owner(MessageSection::Authority, current, node, &set)
    }
}
