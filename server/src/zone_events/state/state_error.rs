//! Why a version is not kept.

/// Why a version is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It could not be written.
    #[error("the state cannot be written: {0}")]
    Write(String),
    /// What is kept cannot be read.
    #[error("the state cannot be read: {0}")]
    Read(String),
}
