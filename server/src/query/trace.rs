//! What was decided on the way of one query, for `rhumb explain`.

use serde::Serialize;

/// One decision, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which step of the pipeline.
    pub step: &'static str,
    /// What it found or decided.
    pub what: String,
}
