//! Which of the touched names exist, and what covers them. What a change does to names around those that were named is
//! found here: empty non-terminals come and go, and below a new cut all is covered.

use std::ops::Bound;

use super::draft::{NameChange, NameChanges, passed_on};
use super::key::{key, parent, parent_key};
use crate::contents::ZoneContents;
use crate::contents::arena::NodeRef;
use crate::contents::node::NodeFlags;

/// The label of a wildcard.
const WILDCARD: &[u8] = b"\x01*";
/// The same at the end of a key.
const WILDCARD_KEY: &[u8] = b"*\0";

/// Completes `names`: in the end each draft says whether its name exists, its flags and its cover.
pub(super) fn settle(base: &ZoneContents, names: &mut NameChanges) {
    add_ancestors(base, names);
    decide_existence(base, names);
    find_covers(base, names);
}

/// Adds every name of the contents that is not among `names` yet.
pub(super) fn touch_all(base: &ZoneContents, names: &mut NameChanges) {
    base.order.iter().for_each(|at| touch(base, names, at));
}

fn touch(base: &ZoneContents, names: &mut NameChanges, at: NodeRef) {
    let below = base.node(at).name();
    names.entry(key(below)).or_insert_with(|| NameChange::new(base, below, Some(at)));
}

/// Adds the parent of a name, if it is a name of the contents that is not among `names` yet.
fn touch_parent(base: &ZoneContents, names: &mut NameChanges, below: &[u8], when: impl Fn(bool) -> bool) {
    if let Some(at) = base.reference(parent(below))
        && when(base.node(at).is_empty())
    {
        touch(base, names, at);
    }
}

/// Adds the names between those that are new and what is there.
fn add_ancestors(base: &ZoneContents, names: &mut NameChanges) {
    let is_new = |draft: &&NameChange| draft.base.is_none() && draft.owns_any(base);
    let new: Vec<Box<[u8]>> = names.values().filter(is_new).map(|draft| draft.below.clone()).collect();
    for below in new {
        let mut above = parent(&below);
        while !above.is_empty() {
            let key = key(above);
            match names.get(&key) {
                Some(draft) if draft.base.is_some() => break,
                Some(_) => {}
                None if base.reference(above).is_some() => break,
                None => {
                    names.insert(key, NameChange::new(base, above, None));
                }
            }
            above = parent(above);
        }
    }
}

/// A name exists that owns something or has something that exists below it. So the lowest names come first.
fn decide_existence(base: &ZoneContents, names: &mut NameChanges) {
    let mut upper: Option<Box<[u8]>> = None;
    // The first behind the current name that exists: if this one does not lie below it, none does.
    let mut next: Option<Box<[u8]>> = None;
    loop {
        let end = upper.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let Some((key, draft)) = names.range::<[u8], _>((Bound::Unbounded, end)).next_back() else { return };
        let exists = key.is_empty()
            || draft.owns_any(base)
            || next.as_ref().is_some_and(|next| next.starts_with(key))
            || draft.base.is_some() && has_others_below(base, names, draft, key);
        let key = key.clone();
        let (below, was) = (draft.below.clone(), draft.base.is_some());
        if was != exists {
            // The parent may be empty now, or it gets or loses its wildcard.
            let wildcard = below.starts_with(WILDCARD);
            touch_parent(base, names, &below, |empty| wildcard || empty && !exists);
        }
        if let Some(draft) = names.get_mut(&key) {
            draft.exists = exists;
        }
        if exists {
            next = Some(key.clone());
        }
        upper = Some(key);
    }
}

/// Whether the contents have a name below this one that is not touched, and so stays.
fn has_others_below(base: &ZoneContents, names: &NameChanges, draft: &NameChange, above: &[u8]) -> bool {
    let below = base.beyond(&draft.below).map(|at| key(base.node(at).name()));
    below.take_while(|key| key.starts_with(above)).any(|key| !names.contains_key(&key))
}

/// From the apex downwards: flags, and covers as the parents pass them on.
fn find_covers(base: &ZoneContents, names: &mut NameChanges) {
    let mut lower: Option<Box<[u8]>> = None;
    loop {
        let start = lower.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let Some((key, draft)) = names.range::<[u8], _>((start, Bound::Unbounded)).next() else { return };
        let key = key.clone();
        if draft.exists {
            let cover = inherited(base, names, draft, &key);
            let flags =
                draft.own_flags(base).with(NodeFlags::WILDCARD, has_wildcard(base, names, draft, &key));
            let node = draft.node(base);
            let before = node.map(|node| passed_on(node.name(), node.flags(), node.cover()));
            let now = passed_on(&draft.below, flags, cover);
            if before.is_some_and(|before| before != now) {
                let above = draft.below.clone();
                touch_below(base, names, &above, &key);
            }
            if let Some(draft) = names.get_mut(&key) {
                (draft.flags, draft.cover) = (flags, cover);
            }
        }
        lower = Some(key);
    }
}

fn touch_below(base: &ZoneContents, names: &mut NameChanges, above: &[u8], above_key: &[u8]) {
    for at in base.beyond(above) {
        let below = base.node(at).name();
        let key = key(below);
        if !key.starts_with(above_key) {
            return;
        }
        names.entry(key).or_insert_with(|| NameChange::new(base, below, Some(at)));
    }
}

/// What the parent passes on. A parent that is not touched passes on what it did.
fn inherited(base: &ZoneContents, names: &NameChanges, draft: &NameChange, key: &[u8]) -> Option<u8> {
    if key.is_empty() {
        return None;
    }
    if let Some(parent) = names.get(parent_key(key)) {
        return parent.passes_on();
    }
    let node = base.node_named(parent(&draft.below))?;
    passed_on(node.name(), node.flags(), node.cover())
}

fn has_wildcard(base: &ZoneContents, names: &NameChanges, draft: &NameChange, key: &[u8]) -> bool {
    match names.get(&*[key, WILDCARD_KEY].concat()) {
        Some(wildcard) => wildcard.exists,
        None => draft.node(base).is_some_and(|node| node.flags().has(NodeFlags::WILDCARD)),
    }
}
