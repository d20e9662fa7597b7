//! From changed names to contents that share with the old ones all that the change did not touch.

use rhumb_wire::Type;

use super::affected::{find_affected, touch_all};
use super::extend::{ArenaExtender, ChangedNode};
use super::faults::{self, fault};
use super::name_change::NameChanges;
use super::{chain, compact};
use crate::contents::ReadyProofs;
use crate::contents::order::NodeOrder;
use crate::contents::order::edit::OrderEdit;
use crate::contents::set::RecordImages;
use crate::contents::{DenialChain, ZoneContents, canonical, label_offsets};
use crate::fault::{FaultKind, ZoneFault};
use crate::hash;

/// The contents of `base` with these changes. Errors: see [`super::ZoneChange::finish`].
pub(super) fn publish(
    base: &ZoneContents,
    names: &mut NameChanges,
    hashed: &mut NameChanges,
) -> Result<ZoneContents, Vec<ZoneFault>> {
    for change in hashed.values_mut() {
        change.exists = change.owns_any(base);
    }
    let parameters = chain::parameters_after(base, names, hashed);
    let kept = parameters == chain::parameters(base);
    if !kept {
        // Every name has its hash noted.
        touch_all(base, names);
    }
    find_affected(base, names);
    let faults = faults::errors(base, names);
    if !faults.is_empty() {
        return Err(faults);
    }
    let too_large = || vec![fault(base.apex(), FaultKind::TooLarge)];
    let mut extender = ArenaExtender::new(base);
    let hashed = extender.hashed(hashed).ok_or_else(too_large)?;
    let names = extender.names(names, parameters.as_ref(), kept).ok_or_else(too_large)?;
    let (arena, records) = extender.finish();
    let there = || names.iter().filter_map(|name| Some((name.below, name.new?)));
    let mut contents = ZoneContents {
        apex: base.apex.clone(),
        start: base.start,
        arena,
        names: base.names.clone(),
        order: edited(base, &base.order, &names, |_| true),
        hashed: edited(base, &base.hashed, &hashed, |_| true),
        depth: there().map(|(below, _)| label_offsets(below).1).fold(base.depth, usize::max),
        root: there().find(|(below, _)| below.is_empty()).map_or(base.root, |(_, root)| root),
        serial: base.serial,
        negative_ttl: base.negative_ttl,
        records,
        denial: DenialChain::Unsigned,
        ready: ReadyProofs::default(),
    };
    for name in &names {
        contents.names.change(hash::of_labels(base.start, name.below), name.old, name.new);
    }
    contents.denial = match parameters {
        Some(parameters) => DenialChain::Nsec3(Box::new(chain::chain(base, &contents, parameters, &hashed))),
        None => by_nsec(base, &names),
    };
    (contents.serial, contents.negative_ttl) = soa_numbers(&contents);
    Ok(compact::if_wasteful(contents).made_ready())
}

/// The order with the changed names in their places; those that `keep` does not want are left out.
fn edited(
    base: &ZoneContents,
    order: &NodeOrder,
    changed: &[ChangedNode<'_>],
    keep: impl Fn(&ChangedNode<'_>) -> bool,
) -> NodeOrder {
    let edits: Vec<OrderEdit<'_>> = changed
        .iter()
        .map(|name| OrderEdit { name: name.below, node: name.new.filter(|_| keep(name)) })
        .collect();
    order.edited(&edits, |at, below| canonical(base.node(at).name(), below))
}

/// Denial by the NSEC records there are. Contents with a chain of NSEC3 kept no list of them; where the chain is gone, all
/// names that could own one are among the changed.
fn by_nsec(base: &ZoneContents, names: &[ChangedNode<'_>]) -> DenialChain {
    let owners = match &base.denial {
        DenialChain::Nsec(owners) => edited(base, owners, names, |name| name.denies),
        _ => edited(base, &NodeOrder::default(), names, |name| name.denies),
    };
    if owners.is_empty() { DenialChain::Unsigned } else { DenialChain::Nsec(owners) }
}

/// The serial of the SOA, and its TTL cut to its minimum.
fn soa_numbers(contents: &ZoneContents) -> (u32, u32) {
    let soa = contents.node(contents.root).set(Type::SOA);
    let Some((ttl, (_, rdata))) =
        soa.and_then(|set| Some((set.ttl(), RecordImages::new(set.image()).next()?)))
    else {
        return (contents.serial, contents.negative_ttl);
    };
    let words = rdata.last_chunk::<20>().map_or(&[][..], |numbers| numbers.as_chunks::<4>().0);
    let word = |at: usize| words.get(at).map_or(0, |word| u32::from_be_bytes(*word));
    (word(0), ttl.min(word(4)))
}
