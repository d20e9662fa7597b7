//! Names below the apex of a zone: wire form without the root label, and their canonical order.

use std::cmp::Ordering;

use rhumb_wire::{NameBuf, NameRef};

use crate::fold;

/// What of `name` lies below `apex`, without the root label.
pub(crate) fn below_apex<'n>(name: NameRef<'n>, apex: NameRef<'_>) -> Option<&'n [u8]> {
    let below = below_bytes(name, apex)?;
    let mut rest = below;
    while let Some(&length) = rest.first() {
        rest = rest.get(1 + usize::from(length)..)?;
    }
    Some(below)
}

/// As [`below_apex`], but what is left may end in the middle of a label.
#[inline]
pub(crate) fn below_bytes<'n>(name: NameRef<'n>, apex: NameRef<'_>) -> Option<&'n [u8]> {
    let start = name.len().checked_sub(apex.len())?;
    let (below, tail) = name.as_bytes().split_at_checked(start)?;
    fold::eq(tail, apex.as_bytes()).then_some(below)
}

/// The full name of what is called `below` in the zone at `apex`.
pub(crate) fn full_name(below: &[u8], apex: NameRef<'_>) -> NameBuf {
    let mut name = NameBuf::new();
    let mut rest = below;
    while let Some((&length, tail)) = rest.split_first() {
        let Some((label, tail)) = tail.split_at_checked(usize::from(length)) else { break };
        // The builder took it from a whole name, so it fits.
        let _ = name.push_label(label);
        rest = tail;
    }
    let _ = name.finish(apex);
    name
}

/// Canonical order of two names below the same apex (RFC 4034 section 6.1).
pub(crate) fn canonical(a: &[u8], b: &[u8]) -> Ordering {
    match (only_label(a), only_label(b)) {
        (Some(x), Some(y)) => fold::cmp(x, y),
        _ => CanonicalName::new(b).order_of(a),
    }
}

/// A name below the apex that many others are compared with.
pub(crate) struct CanonicalName<'n> {
    below: &'n [u8],
    offsets: [u8; 128],
    labels: usize,
    /// How its last label begins: enough to tell most names apart.
    head: u64,
}

impl<'n> CanonicalName<'n> {
    /// A name to be compared with.
    pub(crate) fn new(below: &'n [u8]) -> Self {
        let (offsets, labels) = label_offsets(below);
        let last = labels.checked_sub(1).and_then(|last| offsets.get(last));
        Self { below, offsets, labels, head: last.map_or(0, |&at| fold::head(label_at(below, at))) }
    }

    /// How `other` stands to it in canonical order.
    pub(crate) fn order_of(&self, other: &[u8]) -> Ordering {
        if let Some(label) = only_label(other)
            && let head = fold::head(label)
            && head != self.head
        {
            return head.cmp(&self.head);
        }
        let mine = self.offsets.iter().take(self.labels).rev().map(|&at| label_at(self.below, at));
        if let Some(label) = only_label(other) {
            let last = mine.take(1).next();
            return last.map_or(Ordering::Greater, |last| fold::cmp(label, last).then(1.cmp(&self.labels)));
        }
        let (offsets, labels) = label_offsets(other);
        let theirs = offsets.iter().take(labels).rev().map(|&at| label_at(other, at));
        let unequal = theirs.zip(mine).map(|(x, y)| fold::cmp(x, y)).find(|order| order.is_ne());
        unequal.unwrap_or_else(|| labels.cmp(&self.labels))
    }
}

/// The label of a name that has one, the case that is worth a short way.
#[inline]
fn only_label(below: &[u8]) -> Option<&[u8]> {
    let (&length, label) = below.split_first()?;
    (usize::from(length) == label.len()).then_some(label)
}

/// Offsets of the labels of a name without root label, and their number.
#[inline]
pub(crate) fn label_offsets(below: &[u8]) -> ([u8; 128], usize) {
    let mut offsets = [0; 128];
    let (mut at, mut count) = (0usize, 0usize);
    while let (Some(&length), Some(slot)) = (below.get(at), offsets.get_mut(count)) {
        *slot = at as u8;
        count += 1;
        at += 1 + usize::from(length);
    }
    (offsets, count)
}

/// The label at `offset`, without its length.
fn label_at(below: &[u8], offset: u8) -> &[u8] {
    let tail = below.get(usize::from(offset)..).unwrap_or(&[]);
    match tail.split_first() {
        Some((&length, rest)) => rest.get(..usize::from(length)).unwrap_or(&[]),
        None => &[],
    }
}
