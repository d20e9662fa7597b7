//! The image of a node: its name below the apex, what it is, its RRsets.
//!
//! ```text
//! length u8 · flags u8 · occluded by u8 · number of sets u16 · name below the apex · [NSEC3 prefix, 8 bytes] · sets …
//! ```

use std::fmt;

use rhumb_wire::Type;

use super::set::StoredRrset;

/// Bytes before the name.
const HEAD: usize = 5;
/// Bytes of the NSEC3 prefix.
pub(crate) const PREFIX: usize = 8;

/// What a node is, found out once when the contents are built.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct NodeFlags(pub(crate) u8);

impl NodeFlags {
    /// NS below the apex: a zone cut.
    pub(crate) const CUT: Self = Self(1);
    pub(crate) const DNAME: Self = Self(2);
    pub(crate) const CNAME: Self = Self(4);
    /// A child named `*`.
    pub(crate) const WILDCARD: Self = Self(8);
    /// Below a cut or a DNAME; `occluded_by` says which.
    pub(crate) const OCCLUDED: Self = Self(16);
    /// The first bytes of the name's NSEC3 hash follow the name.
    pub(crate) const HASHED: Self = Self(32);

    /// Whether one of `other`'s flags is set.
    #[inline]
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn with(self, other: Self, when: bool) -> Self {
        if when { Self(self.0 | other.0) } else { self }
    }
}

/// A node of the tree of names. It may own nothing (an empty non-terminal).
#[derive(Clone, Copy)]
pub(crate) struct ZoneNode<'a> {
    name: &'a [u8],
    rest: &'a [u8],
    flags: NodeFlags,
    occluded_by: u8,
    sets: u16,
}

impl<'a> ZoneNode<'a> {
    /// The node whose image begins `bytes`. Bytes that are none give a node without name and sets.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let nothing = Self { name: &[], rest: &[], flags: NodeFlags(0), occluded_by: 0, sets: 0 };
        let Some((&[length, flags, occluded_by, low, high], rest)) = bytes.split_first_chunk::<HEAD>() else {
            return nothing;
        };
        let Some((name, rest)) = rest.split_at_checked(usize::from(length)) else { return nothing };
        Self { name, rest, flags: NodeFlags(flags), occluded_by, sets: u16::from_le_bytes([low, high]) }
    }

    /// The name below the apex: labels in wire form without the root label, empty for the apex.
    #[inline]
    pub(crate) const fn name(self) -> &'a [u8] {
        self.name
    }

    /// A number that no other node of the same contents has.
    pub(crate) fn identity(self) -> usize {
        self.rest.as_ptr() as usize
    }

    #[inline]
    pub(crate) const fn flags(self) -> NodeFlags {
        self.flags
    }

    /// Labels below the apex of the topmost cut or DNAME above this node.
    #[inline]
    pub(crate) const fn occluded_by(self) -> Option<u8> {
        if self.flags.has(NodeFlags::OCCLUDED) { Some(self.occluded_by) } else { None }
    }

    /// Whether it owns nothing.
    pub(crate) const fn is_empty(self) -> bool {
        self.sets == 0
    }

    /// The first bytes of the name's NSEC3 hash, where the builder noted them.
    pub(crate) fn nsec3_prefix(self) -> Option<u64> {
        let prefix = self.rest.first_chunk::<PREFIX>().filter(|_| self.flags.has(NodeFlags::HASHED))?;
        Some(u64::from_be_bytes(*prefix))
    }

    /// Bytes of its image.
    pub(crate) fn image_length(self) -> usize {
        let mut sets = self.sets();
        while sets.next().is_some() {}
        HEAD + self.name.len() + self.rest.len() - sets.rest.len()
    }

    /// The set of a type, perhaps of signatures alone.
    #[inline]
    pub(crate) fn set(self, rtype: Type) -> Option<StoredRrset<'a>> {
        // They stand in order of type.
        let set = self.sets().find(|set| set.rtype.0 >= rtype.0)?;
        (set.rtype == rtype).then_some(set)
    }

    /// The set that begins so many bytes after the first.
    #[inline]
    pub(crate) fn set_at(self, offset: usize) -> Option<StoredRrset<'a>> {
        StoredRrset::read(self.sets().rest.get(offset..)?).map(|(set, _)| set)
    }

    /// Its sets in order of type, also those that consist of signatures alone.
    #[inline]
    pub(crate) fn sets(self) -> StoredRrsets<'a> {
        let prefix = if self.flags.has(NodeFlags::HASHED) { PREFIX } else { 0 };
        StoredRrsets { rest: self.rest.get(prefix..).unwrap_or(&[]), left: self.sets }
    }
}

impl fmt::Debug for ZoneNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.name.escape_ascii())
    }
}

/// Walks the sets of a node.
#[derive(Clone, Debug)]
pub(crate) struct StoredRrsets<'a> {
    rest: &'a [u8],
    left: u16,
}

impl<'a> StoredRrsets<'a> {
    /// The sets, each with the bytes it is stored in.
    pub(crate) fn with_bytes(mut self) -> impl Iterator<Item = (StoredRrset<'a>, &'a [u8])> {
        std::iter::from_fn(move || {
            let before = self.rest;
            let set = self.next()?;
            Some((set, before.get(..before.len() - self.rest.len())?))
        })
    }
}

impl<'a> Iterator for StoredRrsets<'a> {
    type Item = StoredRrset<'a>;

    #[inline]
    fn next(&mut self) -> Option<StoredRrset<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (set, rest) = StoredRrset::read(self.rest)?;
        self.rest = rest;
        Some(set)
    }
}

impl StoredRrsets<'_> {
    /// How many bytes stand before the set of a type.
    pub(crate) fn offset_of(mut self, rtype: Type) -> Option<usize> {
        let whole = self.rest.len();
        loop {
            let before = whole - self.rest.len();
            if self.next()?.rtype == rtype {
                return Some(before);
            }
        }
    }
}

/// Appends what stands before the sets.
pub(crate) fn write_head(
    out: &mut Vec<u8>,
    name: &[u8],
    flags: NodeFlags,
    occluded_by: Option<u8>,
    sets: u16,
    prefix: Option<[u8; PREFIX]>,
) {
    let flags =
        flags.with(NodeFlags::HASHED, prefix.is_some()).with(NodeFlags::OCCLUDED, occluded_by.is_some());
    let occluded_by = occluded_by.unwrap_or(0);
    let [low, high] = sets.to_le_bytes();
    out.extend_from_slice(&[name.len() as u8, flags.0, occluded_by, low, high]);
    out.extend_from_slice(name);
    out.extend_from_slice(prefix.as_ref().map_or(&[], |prefix| prefix.as_slice()));
}
