//! Addresses of the names that an answer points to.

use rhumb_wire::{MessageSection, Type, name};

use super::assembly::{AnswerAssembly, MessageFull};
use super::position::OwnerPosition;
use crate::contents::node::ZoneNode;
use crate::contents::set::{FIXED, StoredRrset, TargetLink, before_target};
use crate::lookup::MatchKind;

/// Targets looked at for an answer's optional addresses.
const MAX_TARGETS: usize = 32;

impl<'z> AnswerAssembly<'z, '_, '_, '_, '_> {
    /// Adds addresses of the targets of an answer that was written at `at`, as far as there is room.
    #[inline]
    pub(super) fn additional(
        &mut self,
        kind: MatchKind,
        node: ZoneNode<'z>,
        set: &StoredRrset<'z>,
        at: usize,
        owner: OwnerPosition,
    ) {
        if before_target(set.rtype).is_some() {
            self.optional(kind, node, set, at, owner);
        }
    }

    fn optional(
        &mut self,
        kind: MatchKind,
        node: ZoneNode<'z>,
        set: &StoredRrset<'z>,
        at: usize,
        owner: OwnerPosition,
    ) {
        let before = before_target(set.rtype).unwrap_or(0);
        let mut rest = at;
        for (index, link) in set.links().take(MAX_TARGETS).enumerate() {
            let Some((rdata, after)) = record_at(self.w.written(), rest) else { return };
            rest = after;
            let own = set.means_owner(link.at);
            if own && kind == MatchKind::Wildcard {
                continue;
            }
            let Some(target) = self.zone.linked(&link, set, node) else { continue };
            if self.was_linked(index, &link, set, node, target) {
                continue;
            }
            let place = if own { owner.at } else { rdata + before };
            let _ = self.addresses(target, place);
        }
    }

    /// Whether one of the first `count` links of a set leads to `target` too.
    fn was_linked(
        &self,
        count: usize,
        link: &TargetLink,
        set: &StoredRrset<'_>,
        node: ZoneNode<'_>,
        target: ZoneNode<'_>,
    ) -> bool {
        let same = |other: &TargetLink| {
            other.hash == link.hash
                && self.zone.linked(other, set, node).is_some_and(|node| node.identity() == target.identity())
        };
        count > 0 && set.links().take(count).any(|other| same(&other))
    }

    /// Adds the glue of a referral (RFC 9471), whose NS records were written at `at`: what lies at or below the cut must
    /// be there, other addresses may.
    pub(super) fn glue(
        &mut self,
        cut: ZoneNode<'z>,
        set: &StoredRrset<'z>,
        at: usize,
    ) -> Result<(), MessageFull> {
        let zone = self.zone;
        let mut rest = at;
        for link in set.links() {
            let Some((place, after)) = record_at(self.w.written(), rest) else { return Ok(()) };
            rest = after;
            let Some(node) = zone.linked(&link, set, cut) else { continue };
            match self.addresses(node, place) {
                Err(MessageFull) if link.required => return Err(MessageFull),
                Err(MessageFull) => return Ok(()),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn addresses(&mut self, node: ZoneNode<'_>, place: usize) -> Result<(), MessageFull> {
        let owner = OwnerPosition::alone(place);
        for set in node.sets() {
            match set.rtype {
                Type::A | Type::AAAA if set.records > 0 => {
                    self.write_rrset(MessageSection::Additional, node, &set, owner)?;
                }
                rtype if rtype.0 > Type::AAAA.0 => break,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where the RDATA of the record at `at` begins, and where the next record does.
#[inline]
pub(super) fn record_at(message: &[u8], at: usize) -> Option<(usize, usize)> {
    let pointer = message.get(at).is_some_and(|byte| *byte >= 0xc0);
    let owner_end = if pointer { at + 2 } else { name::skip(message, at).ok()? };
    let rdata = owner_end + FIXED - 2;
    let length = message.get(rdata - 2..)?.first_chunk::<2>()?;
    Some((rdata, rdata + usize::from(u16::from_be_bytes(*length))))
}
