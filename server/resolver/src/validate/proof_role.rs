//! Which record of a proof says what, for those who ask.

use rhumb_wire::{DomainName, Type};

/// What an NSEC or NSEC3 record says of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRole {
    /// The owner of the record.
    pub owner: DomainName,
    /// NSEC or NSEC3.
    pub rtype: Type,
    /// The name that it says something of: the one that is denied, its closest encloser, the one below that, the wildcard there.
    pub name: DomainName,
    /// Whether it stands at the name, which exists then; else it covers it, so that it does not exist.
    pub stands: bool,
    /// Whether it leaves out delegations without signatures (RFC 5155 section 6).
    pub opt_out: bool,
}
