//! Copies the nodes in use into a new arena, once enough of the old one is unused.

use crate::contents::ReadyProofs;
use crate::contents::arena::{ArenaBuilder, NodeRef};
use crate::contents::index::NodeIndex;
use crate::contents::order::NodeOrder;
use crate::contents::{DenialChain, Nsec3Chain, ZoneContents, label_offsets};
use crate::hash;

/// The same contents, in an arena of their own if theirs wastes too much.
pub(super) fn if_wasteful(contents: ZoneContents) -> ZoneContents {
    if !contents.arena.is_wasteful() {
        return contents;
    }
    // What fits an arena with gaps fits one without.
    copy(&contents).unwrap_or(contents)
}

/// The same contents in an arena of their own, but for what is found out last. None if no arena holds them.
pub(super) fn copy(old: &ZoneContents) -> Option<ZoneContents> {
    let mut arena = ArenaBuilder::default();
    let (names, hashed) = match &old.denial {
        DenialChain::Unsigned => (None, None),
        DenialChain::Nsec(owners) => (Some(owners), None),
        DenialChain::Nsec3(chain) => (None, chain.owners.as_ref()),
    };
    let (order, names) = nodes(old, &old.order, names, &mut arena)?;
    let (hashed, members) = nodes(old, &old.hashed, hashed, &mut arena)?;
    let denial = match &old.denial {
        DenialChain::Unsigned => DenialChain::Unsigned,
        DenialChain::Nsec(_) => DenialChain::Nsec(NodeOrder::build(names)),
        DenialChain::Nsec3(chain) => {
            let owners = chain.owners.is_some().then(|| NodeOrder::build(members));
            DenialChain::Nsec3(Box::new(Nsec3Chain {
                iterations: chain.iterations,
                salt: chain.salt.clone(),
                owners,
            }))
        }
    };
    let named = || old.order.iter().map(|at| old.node(at).name());
    let entries: Vec<(u32, NodeRef)> =
        named().map(|name| hash::of_labels(old.start, name)).zip(order.iter().copied()).collect();
    Some(ZoneContents {
        apex: old.apex.clone(),
        start: old.start,
        arena: arena.finish(),
        names: NodeIndex::build(&entries),
        order: NodeOrder::build(order.iter().copied()),
        hashed: NodeOrder::build(hashed),
        depth: named().map(|name| label_offsets(name).1).max().unwrap_or(0),
        root: *order.first()?,
        serial: old.serial,
        negative_ttl: old.negative_ttl,
        records: old.records,
        denial,
        ready: ReadyProofs::default(),
    })
}

/// Copies the nodes of an order: where they are now, and which of them are in `part` too.
fn nodes(
    old: &ZoneContents,
    order: &NodeOrder,
    part: Option<&NodeOrder>,
    arena: &mut ArenaBuilder,
) -> Option<(Vec<NodeRef>, Vec<NodeRef>)> {
    let (mut all, mut some) = (Vec::with_capacity(order.len()), Vec::new());
    let mut part = part.into_iter().flat_map(NodeOrder::iter).peekable();
    for at in order.iter() {
        let image = old.arena.from(at).get(..old.node(at).image_length())?;
        let new = arena.push(image)?;
        all.push(new);
        if part.next_if_eq(&at).is_some() {
            some.push(new);
        }
    }
    Some((all, some))
}
