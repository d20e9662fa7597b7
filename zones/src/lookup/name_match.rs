//! What a name is in a zone.

use rhumb_wire::NameBuf;

use crate::contents::ZoneContents;
use crate::contents::node::{NodeFlags, ZoneNode};

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
    /// What a name is whose longest existing suffix is `node`, of `length` bytes below the apex.
    #[inline]
    pub(super) fn decide<'a>(
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
