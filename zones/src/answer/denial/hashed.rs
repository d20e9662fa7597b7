//! Proofs by NSEC3 (RFC 5155 section 7.2).

use rhumb_wire::{NameBuf, NameRef, Type};

use super::{Claim, Node};
use crate::answer::put::Current;
use crate::answer::{Assembly, Stop};
use crate::contents::Chain;
use crate::lookup::Match;
use crate::nsec3::{self, HASH};

/// A place in the chain.
#[derive(Clone, Copy)]
struct Place {
    /// The first 64 bits of the hash.
    prefix: u64,
    /// All of it, where it was computed; of a name that exists the builder noted the first bits only.
    whole: Option<[u8; HASH]>,
}

impl<'z> Assembly<'z, '_, '_, '_, '_> {
    pub(super) fn prove_hashed(
        &mut self,
        chain: &'z Chain,
        current: &Current<'_>,
        found: &Match<'z>,
        claim: Claim,
    ) -> Result<(), Stop> {
        let name = current.name;
        match claim {
            Claim::NoType | Claim::NoDs => {
                let skipped = name.len() - found.shared;
                let Some(name) = suffix(name, skipped) else { return Ok(()) };
                if self.put_match(chain, current, name)? {
                    return Ok(());
                }
                // Left out by opt-out, a delegation or an empty non-terminal above one.
                self.prove_encloser(chain, current, name, name.parent().unwrap_or(name)).map(|_| ())
            }
            Claim::Expanded => {
                let Some(encloser) = suffix(name, name.len() - found.shared) else { return Ok(()) };
                self.put_cover(chain, current, one_below(name, encloser))
            }
            Claim::NoName | Claim::WildcardNoType => {
                let Some(encloser) = suffix(name, name.len() - found.shared) else { return Ok(()) };
                let proven = self.prove_encloser(chain, current, name, encloser)?;
                let mut wildcard = NameBuf::new();
                let fits = wildcard.push_label(b"*").and_then(|()| wildcard.finish(proven)).is_ok();
                match claim {
                    _ if !fits => Ok(()),
                    Claim::NoName => self.put_cover(chain, current, wildcard.as_ref()),
                    _ => self.put_match(chain, current, wildcard.as_ref()).map(|_| ()),
                }
            }
        }
    }

    /// The closest encloser that the chain can prove, and that the name one label longer is not there (RFC 5155
    /// section 7.2.1).
    fn prove_encloser<'n>(
        &mut self,
        chain: &'z Chain,
        current: &Current<'_>,
        name: NameRef<'n>,
        encloser: NameRef<'n>,
    ) -> Result<NameRef<'n>, Stop> {
        let apex = self.zone.apex().len();
        let mut encloser = encloser;
        while !self.put_match(chain, current, encloser)? && encloser.len() > apex {
            encloser = encloser.parent().unwrap_or(NameRef::ROOT);
        }
        if encloser.len() < name.len() {
            self.put_cover(chain, current, one_below(name, encloser))?;
        }
        Ok(encloser)
    }

    /// Puts the NSEC3 that matches a name; whether there is one.
    fn put_match(
        &mut self,
        chain: &'z Chain,
        current: &Current<'_>,
        name: NameRef<'_>,
    ) -> Result<bool, Stop> {
        match self.find(chain, self.place(chain, name)) {
            Some((node, true)) => self.put_proof(current, node, Type::NSEC3).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Puts the NSEC3 that covers a name.
    fn put_cover(&mut self, chain: &'z Chain, current: &Current<'_>, name: NameRef<'_>) -> Result<(), Stop> {
        let mut place = self.place(chain, name);
        let mut found = self.find(chain, place);
        if matches!(found, Some((_, true))) && place.whole.is_none() {
            // Two names with the same first bits: now all of them count.
            place = Place::of(nsec3::hash(name, chain.iterations, &chain.salt));
            found = self.find(chain, place);
        }
        match found {
            Some((node, _)) => self.put_proof(current, node, Type::NSEC3),
            None => Ok(()),
        }
    }

    fn place(&self, chain: &Chain, name: NameRef<'_>) -> Place {
        let known = self.zone.below_apex(name).and_then(|below| self.zone.node_named(below));
        match known.and_then(Node::nsec3_prefix) {
            Some(prefix) => Place { prefix, whole: None },
            None => Place::of(nsec3::hash(name, chain.iterations, &chain.salt)),
        }
    }

    /// The owner in the chain at or before a place, and whether it is at it.
    fn find(&self, chain: &'z Chain, place: Place) -> Option<(Node<'z>, bool)> {
        let zone = self.zone;
        let label = place.whole.as_ref().map(nsec3::label);
        let compare = |node: Node<'_>| {
            let order = node.nsec3_prefix().unwrap_or(0).cmp(&place.prefix);
            order.then_with(|| match &label {
                Some(label) => {
                    let digits = node.name().iter().skip(1).map(u8::to_ascii_lowercase);
                    digits.cmp(label.iter().copied())
                }
                None => std::cmp::Ordering::Equal,
            })
        };
        let owners = chain.owners.as_ref().unwrap_or(&zone.hashed);
        let node = zone.node(owners.at_or_before(|at| compare(zone.node(at)))?);
        Some((node, compare(node).is_eq()))
    }
}

impl Place {
    fn of(hash: [u8; HASH]) -> Self {
        let prefix = hash.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        Self { prefix, whole: Some(hash) }
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
