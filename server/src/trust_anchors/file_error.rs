//! Why the file of trust anchors is not used.

/// What is wrong with the file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AnchorStateError {
    /// It is another file, or one of another version.
    #[error("is no file of trust anchors of this version")]
    Foreign,
    /// It is not what was written.
    #[error("is damaged")]
    Damaged,
    /// A line cannot be understood, though the file is what was written.
    #[error("line {0} cannot be understood")]
    Line(usize),
}
