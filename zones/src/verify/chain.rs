//! The chain of NSEC records (RFC 4034 section 4, RFC 4035 section 2.3).

use rhumb_wire::{NameRef, Type};

use super::defect::ZoneDefect;
use super::findings::FindingList;
use super::owner::{NodeAuthority, OwnerNode};
use super::types::difference;
use crate::contents::set::RecordImages;
use crate::contents::{ZoneContents, full_name};
use crate::fold;

/// Follows the chain from name to name.
#[derive(Debug)]
pub(super) struct NsecVerifier<'c> {
    contents: &'c ZoneContents,
    /// The last name, and where its NSEC leads to; nowhere if it has none.
    last: Option<(OwnerNode<'c>, Option<NameRef<'c>>)>,
}

impl<'c> NsecVerifier<'c> {
    pub(super) const fn new(contents: &'c ZoneContents) -> Self {
        Self { contents, last: None }
    }

    /// Looks at the next name in canonical order. Gives whether it was found to lack its NSEC.
    pub(super) fn look(&mut self, owner: OwnerNode<'c>, findings: &mut FindingList<'c>) -> bool {
        let node = owner.node;
        let nsec = node.sets().find(|set| set.rtype == Type::NSEC && set.records > 0);
        if owner.authority == NodeAuthority::Occluded {
            if nsec.is_some() {
                findings.add(node, Some(Type::NSEC), &[], ZoneDefect::OccludedNsec);
            }
            return false;
        }
        if !node.sets().any(|set| set.records > 0) {
            return false;
        }
        self.link(owner, findings);
        let Some(nsec) = nsec else {
            findings.add(node, None, &[], ZoneDefect::NoNsec);
            self.last = Some((owner, None));
            return true;
        };
        if nsec.records > 1 {
            findings.add(node, Some(Type::NSEC), &[], ZoneDefect::SeveralNsec);
        }
        let Some((_, rdata)) = RecordImages::new(nsec.image()).next() else { return false };
        let next = NameRef::parse(rdata).ok();
        let bitmap = next.and_then(|next| rdata.get(next.len()..)).unwrap_or(&[]);
        if owner.listed(false).all(|rtype| rtype == Type::NSEC) {
            findings.add(node, Some(Type::NSEC), &[], ZoneDefect::NsecAlone);
        } else if let Some(difference) = difference(bitmap, owner.listed(true)) {
            findings.add(node, Some(Type::NSEC), &[], ZoneDefect::bitmap(Type::NSEC, difference));
        }
        self.last = Some((owner, next));
        false
    }

    /// The last name leads back to the apex.
    pub(super) fn close(&mut self, findings: &mut FindingList<'c>) {
        let contents = self.contents;
        if let Some(first) = OwnerNode::all(contents).next() {
            self.link(first, findings);
        }
    }

    /// The NSEC before has to lead to `owner`.
    fn link(&self, owner: OwnerNode<'c>, findings: &mut FindingList<'c>) {
        let Some((last, Some(next))) = self.last else { return };
        let leads = self.contents.below_apex(next).is_some_and(|below| fold::eq(below, owner.node.name()));
        if !leads {
            findings.add(
                last.node,
                Some(Type::NSEC),
                &[],
                ZoneDefect::WrongNext {
                    next: next.to_name(),
                    follows: full_name(owner.node.name(), self.contents.apex()).as_ref().to_name(),
                },
            );
        }
    }
}
