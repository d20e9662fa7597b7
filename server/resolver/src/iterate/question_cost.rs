//! What a question took.

/// What was spent on one question, everything that was asked on its behalf included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuestionCost {
    /// Messages sent.
    pub queries: usize,
    /// Bytes of replies read.
    pub received: usize,
    /// Signatures that were checked, good and bad.
    pub signatures: usize,
    /// Names hashed for NSEC3.
    pub hashes: usize,
}
