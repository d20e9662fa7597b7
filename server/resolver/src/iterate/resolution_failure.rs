//! A question that had no answer.

use super::failure::IterationFailure;
use super::question_cost::QuestionCost;
use crate::exchange::AttemptReport;

/// A question that had no answer, and what was tried.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct ResolutionFailure {
    /// Why.
    pub cause: IterationFailure,
    /// Everything that was sent.
    pub attempts: Vec<AttemptReport>,
    /// SERVFAIL, or YXDOMAIN, with the aliases that were followed, where these are the cause.
    pub aliases: Option<Vec<u8>>,
    /// What it took.
    pub cost: QuestionCost,
}
