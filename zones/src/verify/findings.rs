//! What was found, bounded: some of each kind, the rest as a number.

use std::mem::{Discriminant, discriminant};

use rhumb_wire::{Name, Type};

use super::defect::Defect;
use crate::contents::Contents;
use crate::contents::node::Node;

/// Findings of one kind that are told one by one.
const MOST: usize = 10;

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The record that is to blame, or that is nearest to what is; none for a number of findings.
    pub record: Option<Pointer>,
    /// What it is.
    pub defect: Defect,
}

/// Names a record of a zone by what it says, so that its line can be found when it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// The owner.
    pub owner: Name,
    /// The type; none for the first record of that owner.
    pub rtype: Option<Type>,
    /// How its RDATA begins.
    pub begins: Box<[u8]>,
}

/// The findings so far.
#[derive(Debug)]
pub(super) struct Findings<'c> {
    contents: &'c Contents,
    kept: Vec<Finding>,
    kinds: Vec<(Discriminant<Defect>, usize)>,
}

impl<'c> Findings<'c> {
    pub(super) const fn new(contents: &'c Contents) -> Self {
        Self { contents, kept: Vec::new(), kinds: Vec::new() }
    }

    /// Adds one about a record of `node` whose RDATA begins with `begins`.
    pub(super) fn add(&mut self, node: Node<'_>, rtype: Option<Type>, begins: &[u8], defect: Defect) {
        let kind = discriminant(&defect);
        let count = match self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => count,
            None => &mut self.kinds.push_mut((kind, 0)).1,
        };
        *count += 1;
        if *count <= MOST {
            let owner = self.contents.owner(node).as_ref().to_name();
            let record = Some(Pointer { owner, rtype, begins: begins.into() });
            self.kept.push(Finding { record, defect });
        }
    }

    /// All of them, behind the last of each kind how many more there are.
    pub(super) fn finish(self) -> Vec<Finding> {
        let Self { mut kept, kinds, .. } = self;
        for (kind, count) in kinds.into_iter().filter(|(_, count)| *count > MOST) {
            let last = kept.iter().rposition(|finding| discriminant(&finding.defect) == kind);
            let Some((at, finding)) = last.and_then(|at| Some((at, kept.get(at)?))) else { continue };
            let like = Box::new(finding.defect.clone());
            kept.insert(at + 1, Finding { record: None, defect: Defect::More { count: count - MOST, like } });
        }
        kept
    }
}
