//! Why something is no domain name.

/// Why bytes or a text are no domain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The bytes end before the root label.
    #[error("the name ends in the middle")]
    Short,
    /// More than 255 bytes in all.
    #[error("a name has at most 255 bytes")]
    TooLong,
    /// A label of more than 63 bytes.
    #[error("a label has at most 63 bytes")]
    LabelTooLong,
    /// Two dots with nothing between.
    #[error("a label is empty")]
    EmptyLabel,
    /// A compression pointer where none may stand, or one that does not point strictly backwards.
    #[error("a compression pointer where none may stand, or one not pointing backwards")]
    Pointer,
    /// A label type other than 00 and 11 (RFC 6891 section 5).
    #[error("a label type that is not in use")]
    LabelType,
    /// A backslash that starts no valid escape.
    #[error("a backslash is followed by one character, or by three digits up to 255")]
    Escape,
}
