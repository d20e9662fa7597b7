//! What is to be proven, and what proofs show.

use rhumb_wire::{NameRef, Type};

/// What is to be proven of a name.
#[derive(Clone, Copy, Debug)]
pub struct DenialClaim<'c> {
    /// The name.
    pub name: NameRef<'c>,
    /// The type that was asked for.
    pub rtype: Type,
    /// The zone whose keys signed the proofs.
    pub zone: NameRef<'c>,
}

/// What proofs show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialVerdict {
    /// What was to be shown.
    Proven {
        /// Whether the name is a delegation.
        delegation: bool,
    },
    /// That there may be a delegation without signatures (RFC 5155 section 6).
    OptOut,
    /// Nothing, for the zone asks for too much work (RFC 9276).
    TooManyIterations,
    /// Nothing.
    Unproven,
}
