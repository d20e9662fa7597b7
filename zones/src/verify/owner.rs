//! The names of a zone one after the other, and what the zone has to say about each.

use rhumb_wire::Type;

use crate::contents::arena::NodeRef;
use crate::contents::node::{NodeFlags, ZoneNode};
use crate::contents::{ZoneContents, label_offsets};

/// What a name is to the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeAuthority {
    /// All of its records are authoritative.
    Authoritative,
    /// A zone cut: of its records only DS and NSEC are (RFC 4035 section 2.2).
    Delegation,
    /// Below a cut or a DNAME: none is.
    Occluded,
    /// The owner of NSEC3 records.
    Nsec3Owner,
}

/// A name of the zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnerNode<'c> {
    pub(super) at: NodeRef,
    pub(super) node: ZoneNode<'c>,
    pub(super) authority: NodeAuthority,
}

impl<'c> OwnerNode<'c> {
    /// All names in canonical order, those of empty non-terminals too, without the owners of NSEC3 records.
    pub(super) fn all(contents: &'c ZoneContents) -> impl Iterator<Item = Self> {
        contents.order.iter().map(|at| Self::at(contents, at))
    }

    /// The name that stands at `at`.
    pub(super) fn at(contents: &'c ZoneContents, at: NodeRef) -> Self {
        let node = contents.node(at);
        let authority = if node.occluded_by().is_some() {
            NodeAuthority::Occluded
        } else if node.flags().has(NodeFlags::CUT) {
            NodeAuthority::Delegation
        } else {
            NodeAuthority::Authoritative
        };
        Self { at, node, authority }
    }

    /// Whether its records of this type are authoritative.
    pub(super) const fn is_authoritative(self, rtype: Type) -> bool {
        match self.authority {
            NodeAuthority::Authoritative | NodeAuthority::Nsec3Owner => true,
            NodeAuthority::Delegation => matches!(rtype, Type::DS | Type::NSEC),
            NodeAuthority::Occluded => false,
        }
    }

    /// Whether it is the apex.
    pub(super) const fn is_apex(self) -> bool {
        self.node.name().is_empty()
    }

    /// Whether it has records of this type.
    pub(super) fn has(self, rtype: Type) -> bool {
        self.node.sets().any(|set| set.rtype == rtype && set.records > 0)
    }

    /// The types that a bitmap has to list, in order; RRSIG too if they are `signed`.
    pub(super) fn listed(self, signed: bool) -> impl Iterator<Item = Type> {
        let of_parent = move |rtype| rtype == Type::NS || self.is_authoritative(rtype);
        let present = self.node.sets().filter(move |set| set.records > 0 && of_parent(set.rtype));
        let mut types = present.map(|set| set.rtype).peekable();
        let mut signature = signed.then_some(Type::RRSIG);
        std::iter::from_fn(move || {
            let comes_first = |rrsig: &Type| types.peek().is_none_or(|next| next.0 > rrsig.0);
            if signature.as_ref().is_some_and(comes_first) { signature.take() } else { types.next() }
        })
    }

    /// Number of labels below the apex, a leading asterisk not counted (RFC 4034 section 3.1.3).
    pub(super) fn labels(self) -> usize {
        let name = self.node.name();
        label_offsets(name).1 - usize::from(name.starts_with(b"\x01*"))
    }
}
