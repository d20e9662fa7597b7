//! A name cut into labels, and the node of its longest suffix that exists.

use super::name_match::NameMatch;
use crate::contents::ZoneContents;
use crate::contents::node::ZoneNode;
use crate::fold;
use crate::hash::NameHash;

/// The label of a wildcard.
pub(super) const WILDCARD: &[u8] = b"\x01*";

/// Why bytes make no [`LabelPath`].
pub(super) enum PathMisfit {
    Labels,
    Bytes,
}

/// A name below the apex, label by label; at most N labels.
pub(super) struct LabelPath<'a, 'n, const N: usize> {
    contents: &'a ZoneContents,
    below: &'n [u8],
    /// Where the labels begin, from the left.
    starts: [u8; N],
    labels: usize,
    /// The hashes of the suffixes of one label, of two, and so on, as far as the zone is deep.
    pub(super) hashes: [NameHash; N],
    pub(super) depth: usize,
}

impl<'a, 'n, const N: usize> LabelPath<'a, 'n, N> {
    /// Errors: more than N labels, or bytes that are not whole labels.
    #[inline]
    pub(super) fn new(contents: &'a ZoneContents, below: &'n [u8]) -> Result<Self, PathMisfit> {
        let mut starts = [0; N];
        let (mut at, mut labels) = (0usize, 0usize);
        while let Some(&length) = below.get(at) {
            *starts.get_mut(labels).ok_or(PathMisfit::Labels)? = at as u8;
            labels += 1;
            at += 1 + usize::from(length);
        }
        if at != below.len() {
            return Err(PathMisfit::Bytes);
        }
        let depth = labels.min(contents.depth);
        let mut hashes = [contents.start; N];
        let mut hash = contents.start;
        let mut end = below.len();
        for (slot, &start) in hashes.iter_mut().zip(starts.iter().take(labels).rev().take(depth)) {
            // The last labels come first.
            let start = usize::from(start);
            hash = hash.label(below.get(start..end).unwrap_or(&[]));
            *slot = hash;
            end = start;
        }
        Ok(Self { contents, below, starts, labels, hashes, depth })
    }

    pub(super) fn find(&self) -> NameMatch<'a> {
        let (depth, node) = self.deepest();
        let above = |depth| self.at(depth).map(|above| (above, self.suffix(depth).len()));
        let length = self.suffix(depth).len();
        self.contents.decide(node, depth == self.labels, length, above, || self.wildcard(depth))
    }

    /// The longest suffix that exists. With a name all its ancestors exist, so the others are found by halving.
    #[inline]
    fn deepest(&self) -> (usize, ZoneNode<'a>) {
        if let Some(node) = self.at(self.depth) {
            return (self.depth, node);
        }
        let (mut low, mut high) = (0, self.depth);
        let mut found = self.contents.node(self.contents.root);
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            match self.at(middle) {
                Some(node) => (low, found) = (middle, node),
                None => high = middle,
            }
        }
        (low, found)
    }

    /// The suffix of so many labels.
    #[inline]
    fn suffix(&self, depth: usize) -> &'n [u8] {
        match self.labels.checked_sub(depth).and_then(|label| self.starts.get(label)) {
            Some(&start) if depth > 0 => self.below.get(usize::from(start)..).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// The node of the suffix of so many labels.
    #[inline]
    fn at(&self, depth: usize) -> Option<ZoneNode<'a>> {
        match depth.checked_sub(1) {
            None => Some(self.contents.node(self.contents.root)),
            Some(index) => {
                let hash = self.hashes.get(index)?.finish();
                self.contents.find_hashed(self.suffix(depth), hash)
            }
        }
    }

    /// The wildcard below the suffix of so many labels.
    fn wildcard(&self, depth: usize) -> Option<ZoneNode<'a>> {
        let above =
            depth.checked_sub(1).and_then(|index| self.hashes.get(index)).unwrap_or(&self.contents.start);
        let suffix = self.suffix(depth);
        let is_wanted = |node: &ZoneNode<'_>| match node.name().split_at_checked(WILDCARD.len()) {
            Some((label, rest)) => label == WILDCARD && fold::eq(rest, suffix),
            None => false,
        };
        let index = &self.contents.names;
        index.find(above.label(WILDCARD).finish(), |at| Some(self.contents.node(at)).filter(is_wanted))
    }
}
