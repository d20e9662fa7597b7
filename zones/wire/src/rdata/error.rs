//! Why RDATA is refused.

use crate::name::NameError;

/// Why RDATA does not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RdataError {
    /// It ends before the type's last field does.
    #[error("RDATA is too short for its type")]
    Short,
    /// Bytes are left after the type's last field.
    #[error("RDATA is longer than its type allows")]
    Trailing,
    /// A name in it.
    #[error("a name in RDATA: {0}")]
    Name(#[from] NameError),
    /// A field has a value or an order that its type forbids.
    #[error("a field of RDATA breaks the rules of its type")]
    Field,
    /// The expanded form has more than 65535 bytes.
    #[error("RDATA grows over 65535 bytes once its names are expanded")]
    TooLong,
}
