//! Which of the touched names exist, and what occludes them. What a change does to names around those that were named is
//! found here: empty non-terminals come and go, and below a new cut all is occluded.

use std::ops::Bound;

use super::key::{key, parent, parent_key};
use super::name_change::{NameChange, NameChanges, occlusion_below};
use crate::contents::ZoneContents;
use crate::contents::arena::NodeRef;
use crate::contents::node::NodeFlags;

/// The label of a wildcard.
const WILDCARD: &[u8] = b"\x01*";
/// The same at the end of a key.
const WILDCARD_KEY: &[u8] = b"*\0";

/// Completes `names`: in the end each says whether its name exists, its flags and what occludes it.
pub(super) fn find_affected(base: &ZoneContents, names: &mut NameChanges) {
    add_ancestors(base, names);
    decide_existence(base, names);
    find_occlusion(base, names);
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
    let is_new = |change: &&NameChange| change.base.is_none() && change.owns_any(base);
    let new: Vec<Box<[u8]>> = names.values().filter(is_new).map(|change| change.below.clone()).collect();
    for below in new {
        let mut above = parent(&below);
        while !above.is_empty() {
            let key = key(above);
            match names.get(&key) {
                Some(change) if change.base.is_some() => break,
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
        let Some((key, change)) = names.range::<[u8], _>((Bound::Unbounded, end)).next_back() else { return };
        let exists = key.is_empty()
            || change.owns_any(base)
            || next.as_ref().is_some_and(|next| next.starts_with(key))
            || change.base.is_some() && has_others_below(base, names, change, key);
        let key = key.clone();
        let (below, was) = (change.below.clone(), change.base.is_some());
        if was != exists {
            // The parent may be empty now, or it gets or loses its wildcard.
            let wildcard = below.starts_with(WILDCARD);
            touch_parent(base, names, &below, |empty| wildcard || empty && !exists);
        }
        if let Some(change) = names.get_mut(&key) {
            change.exists = exists;
        }
        if exists {
            next = Some(key.clone());
        }
        upper = Some(key);
    }
}

/// Whether the contents have a name below this one that is not touched, and so stays.
fn has_others_below(base: &ZoneContents, names: &NameChanges, change: &NameChange, above: &[u8]) -> bool {
    let below = base.beyond(&change.below).map(|at| key(base.node(at).name()));
    below.take_while(|key| key.starts_with(above)).any(|key| !names.contains_key(&key))
}

/// From the apex downwards: flags, and occlusion as it follows from the parents.
fn find_occlusion(base: &ZoneContents, names: &mut NameChanges) {
    let mut lower: Option<Box<[u8]>> = None;
    loop {
        let start = lower.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let Some((key, change)) = names.range::<[u8], _>((start, Bound::Unbounded)).next() else { return };
        let key = key.clone();
        if change.exists {
            let occluded_by = inherited(base, names, change, &key);
            let flags =
                change.own_flags(base).with(NodeFlags::WILDCARD, has_wildcard(base, names, change, &key));
            let node = change.node(base);
            let before = node.map(|node| occlusion_below(node.name(), node.flags(), node.occluded_by()));
            let now = occlusion_below(&change.below, flags, occluded_by);
            if before.is_some_and(|before| before != now) {
                let above = change.below.clone();
                touch_below(base, names, &above, &key);
            }
            if let Some(change) = names.get_mut(&key) {
                (change.flags, change.occluded_by) = (flags, occluded_by);
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
fn inherited(base: &ZoneContents, names: &NameChanges, change: &NameChange, key: &[u8]) -> Option<u8> {
    if key.is_empty() {
        return None;
    }
    if let Some(parent) = names.get(parent_key(key)) {
        return parent.occlusion_below();
    }
    let node = base.node_named(parent(&change.below))?;
    occlusion_below(node.name(), node.flags(), node.occluded_by())
}

fn has_wildcard(base: &ZoneContents, names: &NameChanges, change: &NameChange, key: &[u8]) -> bool {
    match names.get(&*[key, WILDCARD_KEY].concat()) {
        Some(wildcard) => wildcard.exists,
        None => change.node(base).is_some_and(|node| node.flags().has(NodeFlags::WILDCARD)),
    }
}
