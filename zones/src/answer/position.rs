//! Names in the message being written, by where they stand.

use rhumb_wire::{NameRef, header};

/// Where the question's name stands.
pub(super) const QUESTION_AT: usize = header::LENGTH;

/// The name of the chain at hand.
pub(super) struct ChainName<'n> {
    pub(super) name: NameRef<'n>,
    /// Where it begins in the message.
    pub(super) at: usize,
    /// Whether it is the question's, written out in full.
    pub(super) is_question: bool,
}

impl<'n> ChainName<'n> {
    pub(super) const fn question(name: NameRef<'n>) -> Self {
        Self { name, at: QUESTION_AT, is_question: true }
    }
}

/// The owner of records, as it stands in the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnerPosition {
    pub(super) at: usize,
    /// Where a name ends that is written out in full and has its last `shared` bytes in common with the stored owner.
    pub(super) end: usize,
    pub(super) shared: usize,
}

impl OwnerPosition {
    /// The name at this offset, whose records have no names in their RDATA.
    pub(super) const fn alone(at: usize) -> Self {
        Self { at, end: 0, shared: 0 }
    }
}
