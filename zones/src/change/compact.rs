//! Copies what is alive into a new arena, once enough of the old one is dead.

use crate::contents::arena::{ArenaBuilder, Ref};
use crate::contents::index::Index;
use crate::contents::order::Order;
use crate::contents::ready::Ready;
use crate::contents::{Chain, Contents, Denial, label_offsets};
use crate::hash;

/// The same contents, in an arena of their own if theirs wastes too much.
pub(super) fn if_wasteful(contents: Contents) -> Contents {
    if !contents.arena.is_wasteful() {
        return contents;
    }
    // What fits an arena with gaps fits one without.
    copy(&contents).unwrap_or(contents)
}

/// The same contents in an arena of their own, but for what is found out last. None if no arena holds them.
pub(super) fn copy(old: &Contents) -> Option<Contents> {
    let mut arena = ArenaBuilder::default();
    let (names, hashed) = match &old.denial {
        Denial::Unsigned => (None, None),
        Denial::Nsec(owners) => (Some(owners), None),
        Denial::Nsec3(chain) => (None, chain.owners.as_ref()),
    };
    let (order, names) = nodes(old, &old.order, names, &mut arena)?;
    let (hashed, members) = nodes(old, &old.hashed, hashed, &mut arena)?;
    let denial = match &old.denial {
        Denial::Unsigned => Denial::Unsigned,
        Denial::Nsec(_) => Denial::Nsec(Order::build(&names)),
        Denial::Nsec3(chain) => {
            let owners = chain.owners.is_some().then(|| Order::build(&members));
            Denial::Nsec3(Box::new(Chain { iterations: chain.iterations, salt: chain.salt.clone(), owners }))
        }
    };
    let named = || old.order.iter().map(|at| old.node(at).name());
    let entries: Vec<(u32, Ref)> =
        named().map(|name| hash::of_labels(old.start, name)).zip(order.iter().copied()).collect();
    Some(Contents {
        apex: old.apex.clone(),
        start: old.start,
        arena: arena.finish(),
        names: Index::build(&entries),
        order: Order::build(&order),
        hashed: Order::build(&hashed),
        depth: named().map(|name| label_offsets(name).1).max().unwrap_or(0),
        root: *order.first()?,
        serial: old.serial,
        negative_ttl: old.negative_ttl,
        records: old.records,
        denial,
        ready: Ready::default(),
    })
}

/// Copies the nodes of an order: where they are now, and which of them are in `part` too.
fn nodes(
    old: &Contents,
    order: &Order,
    part: Option<&Order>,
    arena: &mut ArenaBuilder,
) -> Option<(Vec<Ref>, Vec<Ref>)> {
    let (mut all, mut some) = (Vec::with_capacity(order.len()), Vec::new());
    let mut part = part.into_iter().flat_map(Order::iter).peekable();
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
