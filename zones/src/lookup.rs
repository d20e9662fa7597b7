//! One walk that finds what a name is in a zone (RFC 1034 section 4.3.2, RFC 4592, RFC 6672).

mod prefetch;

use rhumb_wire::{NameBuf, NameRef};

use crate::contents::node::{NodeFlags, ZoneNode};
use crate::contents::{ZoneContents, below_bytes};
use crate::fold;
use crate::hash::NameHash;

pub use prefetch::LookupPrefetch;

/// The label of a wildcard.
const WILDCARD: &[u8] = b"\x01*";

/// What a name is in a zone.
#[derive(Clone, Copy, Debug)]
pub struct NameMatch<'a> {
    contents: &'a ZoneContents,
    pub(crate) node: ZoneNode<'a>,
    kind: MatchKind,
    /// Bytes that the name and the node's name have in common at their ends, whole labels: the length of the closest
    /// encloser, the cut or the DNAME's owner, root label included.
    pub(crate) shared: usize,
}

/// How a name was matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKind {
    /// The name exists; it may be an empty non-terminal.
    Exact,
    /// The name does not exist; the wildcard at its closest encloser stands for it.
    Wildcard,
    /// The name is a zone cut.
    AtCut,
    /// The name lies below a zone cut, whether it exists there (glue) or not.
    BelowCut,
    /// The name lies below the owner of a DNAME.
    BelowDname,
    /// The name does not exist, and there is no wildcard.
    NoName,
}

impl NameMatch<'_> {
    /// How the name was matched.
    pub const fn kind(&self) -> MatchKind {
        self.kind
    }

    /// The owner that was matched: the name itself, the wildcard, the cut, the owner of the DNAME; for `NoName` the closest
    /// encloser.
    pub fn owner(&self) -> NameBuf {
        self.contents.owner(self.node)
    }

    /// Whether the matched owner has no records.
    pub const fn is_empty_non_terminal(&self) -> bool {
        self.node.is_empty()
    }
}

impl ZoneContents {
    /// Finds what `name` is here; none if it does not lie in this zone.
    #[inline]
    pub fn lookup(&self, name: NameRef<'_>) -> Option<NameMatch<'_>> {
        let below = below_bytes(name, self.apex())?;
        match below.first() {
            Some(&length) if below.len() == 1 + usize::from(length) => Some(self.lookup_label(below)),
            Some(_) => self.lookup_labels(below),
            None => Some(self.decide(self.node(self.root), true, 0, |_| None, || None)),
        }
    }

    /// One label below the apex: the rule, and nothing to remember on the way.
    #[inline]
    fn lookup_label(&self, below: &[u8]) -> NameMatch<'_> {
        let root = || self.node(self.root);
        match self.find_hashed(below, self.start.label(below).finish()) {
            Some(node) => self.decide(node, true, below.len(), |_| Some((root(), 0)), || None),
            None => self.decide(
                root(),
                false,
                0,
                |_| None,
                || self.find_hashed(WILDCARD, self.start.label(WILDCARD).finish()),
            ),
        }
    }

    #[inline(never)]
    fn lookup_labels(&self, below: &[u8]) -> Option<NameMatch<'_>> {
        // Few labels are the rule: a small array on the stack is quicker to set up.
        match Path::<8>::new(self, below) {
            Err(Misfit::Labels) => self.lookup_many_labels(below),
            path => path.ok().map(|path| path.find()),
        }
    }

    #[cold]
    fn lookup_many_labels(&self, below: &[u8]) -> Option<NameMatch<'_>> {
        Path::<128>::new(self, below).ok().map(|path| path.find())
    }

    /// What a name is whose longest existing suffix is `node`, of `length` bytes below the apex.
    #[inline]
    fn decide<'a>(
        &'a self,
        node: ZoneNode<'a>,
        exact: bool,
        length: usize,
        above: impl FnOnce(usize) -> Option<(ZoneNode<'a>, usize)>,
        wildcard: impl FnOnce() -> Option<ZoneNode<'a>>,
    ) -> NameMatch<'a> {
        let flags = node.flags();
        let (mut node, mut length) = (node, length);
        let kind = if let Some(occluded_by) = node.occluded_by() {
            (node, length) = above(usize::from(occluded_by)).unwrap_or((node, length));
            if node.flags().has(NodeFlags::CUT) { MatchKind::BelowCut } else { MatchKind::BelowDname }
        } else if exact {
            if flags.has(NodeFlags::CUT) { MatchKind::AtCut } else { MatchKind::Exact }
        } else if flags.has(NodeFlags::CUT) {
            MatchKind::BelowCut
        } else if flags.has(NodeFlags::DNAME) {
            MatchKind::BelowDname
        } else if flags.has(NodeFlags::WILDCARD)
            && let Some(wildcard) = wildcard()
        {
            node = wildcard;
            MatchKind::Wildcard
        } else {
            MatchKind::NoName
        };
        NameMatch { contents: self, node, kind, shared: length + self.apex().len() }
    }
}

/// Why bytes make no [`Path`].
enum Misfit {
    Labels,
    Bytes,
}

/// A name below the apex, label by label; at most N labels.
struct Path<'a, 'n, const N: usize> {
    contents: &'a ZoneContents,
    below: &'n [u8],
    /// Where the labels begin, from the left.
    starts: [u8; N],
    labels: usize,
    /// The hashes of the suffixes of one label, of two, and so on, as far as the zone is deep.
    hashes: [NameHash; N],
    depth: usize,
}

impl<'a, 'n, const N: usize> Path<'a, 'n, N> {
    /// Errors: more than N labels, or bytes that are not whole labels.
    #[inline]
    fn new(contents: &'a ZoneContents, below: &'n [u8]) -> Result<Self, Misfit> {
        let mut starts = [0; N];
        let (mut at, mut labels) = (0usize, 0usize);
        while let Some(&length) = below.get(at) {
            *starts.get_mut(labels).ok_or(Misfit::Labels)? = at as u8;
            labels += 1;
            at += 1 + usize::from(length);
        }
        if at != below.len() {
            return Err(Misfit::Bytes);
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

    fn find(&self) -> NameMatch<'a> {
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
