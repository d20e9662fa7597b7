//! How much is found out about a zone when its contents are made.

/// What is found out besides the contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FinishDepth {
    /// What keeps them from being served.
    Errors,
    /// And what is doubtful.
    Warnings,
}
