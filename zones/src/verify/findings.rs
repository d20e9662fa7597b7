//! What was found, bounded: some of each kind, the rest as a number.

use std::mem::{Discriminant, discriminant};

use rhumb_wire::{DomainName, Type};

use super::defect::ZoneDefect;
use crate::contents::ZoneContents;
use crate::contents::node::ZoneNode;

/// Findings of one kind that are reported one by one.
const MOST: usize = 10;

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFinding {
    /// The record that is to blame, or that is nearest to what is; none for a number of findings.
    pub record: Option<RecordLocator>,
    /// What it is.
    pub defect: ZoneDefect,
}

/// Names a record of a zone by what it says, so that its line can be found when it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordLocator {
    /// The owner.
    pub owner: DomainName,
    /// The type; none for the first record of that owner.
    pub rtype: Option<Type>,
    /// How its RDATA begins.
    pub begins: Box<[u8]>,
}

/// The findings so far.
#[derive(Debug)]
pub(super) struct FindingList<'c> {
    contents: &'c ZoneContents,
    kept: Vec<ZoneFinding>,
    kinds: Vec<(Discriminant<ZoneDefect>, usize)>,
}

impl<'c> FindingList<'c> {
    pub(super) const fn new(contents: &'c ZoneContents) -> Self {
        Self { contents, kept: Vec::new(), kinds: Vec::new() }
    }

    /// Adds one about a record of `node` whose RDATA begins with `begins`.
    pub(super) fn add(&mut self, node: ZoneNode<'_>, rtype: Option<Type>, begins: &[u8], defect: ZoneDefect) {
        let kind = discriminant(&defect);
        let count = match self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => count,
            None => &mut self.kinds.push_mut((kind, 0)).1,
        };
        *count += 1;
        if *count <= MOST {
            let owner = self.contents.owner(node).as_ref().to_name();
            let record = Some(RecordLocator { owner, rtype, begins: begins.into() });
            self.kept.push(ZoneFinding { record, defect });
        }
    }

    /// All of them, behind the last of each kind how many more there are.
    pub(super) fn finish(self) -> Vec<ZoneFinding> {
        let Self { mut kept, kinds, .. } = self;
        for (kind, count) in kinds.into_iter().filter(|(_, count)| *count > MOST) {
            let last = kept.iter().rposition(|finding| discriminant(&finding.defect) == kind);
            let Some((at, finding)) = last.and_then(|at| Some((at, kept.get(at)?))) else { continue };
            let like = Box::new(finding.defect.clone());
            kept.insert(
                at + 1,
                ZoneFinding { record: None, defect: ZoneDefect::More { count: count - MOST, like } },
            );
        }
        kept
    }
}
