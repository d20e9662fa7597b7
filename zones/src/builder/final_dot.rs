//! Names that most likely lack the dot at their end, so that the origin was appended, and addresses in the place of names.

use rhumb_wire::{NameRef, Type};

use super::log::RecordLog;
use super::tree::NameEntry;
use crate::contents::ZoneContents;
use crate::contents::node::NodeFlags;
use crate::fault::FaultKind;
use crate::fold;

/// Looks for such names in one zone.
pub(super) struct DotSearch<'z> {
    contents: &'z ZoneContents,
    /// The apex without the root.
    apex: &'z [u8],
    /// Its labels.
    depth: usize,
    /// Whether addresses are the names of this zone.
    is_reverse: bool,
}

impl<'z> DotSearch<'z> {
    pub(super) fn new(contents: &'z ZoneContents) -> Self {
        let apex = contents.apex();
        let (_, labels) = apex.as_bytes().split_last().unwrap_or((&0, &[]));
        let reverse = [b"\x07in-addr\x04arpa".as_slice(), b"\x03ip6\x04arpa"];
        let is_reverse = reverse.iter().any(|reverse| ends_in(labels, reverse));
        Self { contents, apex: labels, depth: apex.label_count(), is_reverse }
    }

    /// Whether an owner ends in the apex twice. That of a zone of one label may delegate a name like its own: `com.com`.
    #[inline]
    pub(super) fn lacks_dot(&self, log: &RecordLog, entry: &NameEntry) -> bool {
        // Most names are not so deep, and are not even read.
        self.depth > 0
            && usize::from(entry.depth) >= self.depth
            && !(self.depth == 1 && entry.is_cut())
            && ends_in(entry.name(log), self.apex)
    }

    /// What is wrong with the target of a record, which nothing in the zone has for its name.
    pub(super) fn fault(&self, rtype: Type, target: NameRef<'_>) -> Option<FaultKind> {
        let Some(below) = self.contents.below_apex(target) else {
            let (_, labels) = target.as_bytes().split_last()?;
            return is_address(labels)
                .then(|| FaultKind::TargetIsAddress { rtype, target: target.to_name() });
        };
        let is_address = !self.is_reverse && is_address(below);
        let lacks_dot = (self.is_reverse && rtype == Type::PTR && !below.is_empty())
            || (self.depth > 0 && ends_in(below, self.apex));
        if !(is_address || lacks_dot) || self.is_known(target) {
            return None;
        }
        let target = target.to_name();
        Some(if is_address {
            FaultKind::TargetIsAddress { rtype, target }
        } else {
            FaultKind::TargetLacksDot { rtype, target }
        })
    }

    /// Whether the zone has the name, or one above it that speaks for it.
    fn is_known(&self, target: NameRef<'_>) -> bool {
        if self.contents.below_apex(target).is_some_and(|below| self.contents.node_named(below).is_some()) {
            return true;
        }
        let nearest = self.contents.nearest(target);
        nearest.is_some_and(|nearest| {
            let hides = nearest.flags().has(NodeFlags::CUT.with(NodeFlags::DNAME, true));
            nearest.occluded_by().is_some() || hides && !nearest.name().is_empty()
        })
    }
}

/// Whether the last labels of `name` are those of `end`, both without the root.
#[inline]
fn ends_in(name: &[u8], end: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(end.len()) else { return false };
    if !name.get(start..).is_some_and(|tail| fold::eq(tail, end)) {
        return false;
    }
    let mut at = 0;
    while let Some(&length) = name.get(at).filter(|_| at < start) {
        at += 1 + usize::from(length);
    }
    at == start
}

/// Whether labels without the root are those of an IPv4 address as it is written.
fn is_address(mut labels: &[u8]) -> bool {
    let mut count = 0;
    while let Some((&length, rest)) = labels.split_first() {
        let Some((label, rest)) = rest.split_at_checked(usize::from(length)) else { return false };
        let number = std::str::from_utf8(label).ok().filter(|_| label.iter().all(u8::is_ascii_digit));
        if count == 4 || number.is_none_or(|number| number.parse::<u8>().is_err()) {
            return false;
        }
        count += 1;
        labels = rest;
    }
    count == 4
}
