//! Addresses of the names that an answer points to.

use rhumb_wire::{NameBuf, NameRef, Section, Type, name};

use super::put::Owner;
use super::{Assembly, FIXED, Stop};
use crate::contents::node::Node;
use crate::contents::set::Set;

/// Targets looked at for an answer's optional addresses.
const MAX_TARGETS: usize = 32;

/// How much of the RDATA stands before the target.
const fn before_target(rtype: Type) -> Option<usize> {
    match rtype {
        Type::NS => Some(0),
        Type::MX | Type::SVCB | Type::HTTPS => Some(2),
        Type::SRV => Some(6),
        _ => None,
    }
}

impl<'z> Assembly<'z, '_, '_, '_, '_> {
    /// Adds addresses of the targets of an answer that was put at `at`, as far as there is room.
    pub(super) fn additional(&mut self, set: &Set<'_>, at: usize, owner: Owner) {
        let Some(skipped) = before_target(set.rtype) else { return };
        let mut seen = [0; MAX_TARGETS];
        let mut name = NameBuf::new();
        let mut rest = at;
        for index in 0..(set.records as usize).min(MAX_TARGETS) {
            let Some((rdata, after)) = record_at(self.w.written(), rest) else { return };
            rest = after;
            let mut place = rdata + skipped;
            if name::expand(self.w.written(), place, &mut name).is_err() {
                return;
            }
            // The root as target of SVCB and HTTPS means the owner itself (RFC 9460 section 2.5).
            if name.as_ref().is_root() && matches!(set.rtype, Type::SVCB | Type::HTTPS) {
                place = owner.at;
                if name::expand(self.w.written(), place, &mut name).is_err() {
                    return;
                }
            }
            let Some(node) = self.target(name.as_ref()) else { continue };
            let identity = node.identity();
            if seen.iter().take(index).any(|other| *other == identity) {
                continue;
            }
            if let Some(slot) = seen.get_mut(index) {
                *slot = identity;
            }
            let _ = self.addresses(node, place);
        }
    }

    /// Adds the glue of a referral (RFC 9471), whose NS records were put at `at`: what lies at or below the cut must
    /// be there, other addresses may.
    pub(super) fn glue(&mut self, cut: Node<'z>, set: &Set<'z>, at: usize) -> Result<(), Stop> {
        let zone = self.zone;
        let mut rest = at;
        for (stored, link, required) in set.links() {
            let Some((place, after)) = record_at(self.w.written(), rest) else { return Ok(()) };
            rest = after;
            let Some(node) = zone.linked(link, set, stored, cut) else { continue };
            match self.addresses(node, place) {
                Err(Stop) if required => return Err(Stop),
                Err(Stop) => return Ok(()),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// The node of a target in this zone, glue too.
    fn target(&self, name: NameRef<'_>) -> Option<Node<'z>> {
        let zone = self.zone;
        zone.node_named(zone.below_apex(name)?)
    }

    fn addresses(&mut self, node: Node<'_>, place: usize) -> Result<(), Stop> {
        let owner = Owner::alone(place);
        for set in node.sets().filter(|set| matches!(set.rtype, Type::A | Type::AAAA) && set.records > 0) {
            self.put(Section::Additional, node, &set, owner)?;
        }
        Ok(())
    }
}

/// Where the RDATA of the record at `at` begins, and where the next record does.
fn record_at(message: &[u8], at: usize) -> Option<(usize, usize)> {
    let pointer = message.get(at).is_some_and(|byte| *byte >= 0xc0);
    let owner_end = if pointer { at + 2 } else { name::skip(message, at).ok()? };
    let rdata = owner_end + FIXED - 2;
    let length = message.get(rdata - 2..)?.first_chunk::<2>()?;
    Some((rdata, rdata + usize::from(u16::from_be_bytes(*length))))
}
