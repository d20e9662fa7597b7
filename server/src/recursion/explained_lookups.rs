//! What look-ups did that an operator wants explained.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use rhumb_resolver::iterate::{ResolutionEvent, ResolutionStep};
use rhumb_resolver::{AttemptReport, OutboundQuestion};

/// One look-up.
#[derive(Debug, Clone)]
pub struct ExplainedLookup {
    /// What was asked.
    pub question: OutboundQuestion,
    /// What was done.
    pub steps: Vec<ResolutionStep>,
}

/// Where the look-ups for one explanation leave what they did. Each is equal to itself alone, so that no look-up for clients is part of one.
#[derive(Debug, Clone, Default)]
pub struct ExplainedLookups(Arc<Mutex<Vec<ExplainedLookup>>>);

impl ExplainedLookups {
    /// Keeps what a look-up did.
    pub(super) fn add(&self, question: &OutboundQuestion, steps: Vec<ResolutionStep>) {
        let lookup = ExplainedLookup { question: question.clone(), steps };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(lookup);
    }

    /// Keeps what upstreams were asked.
    pub(super) fn add_attempts(&self, question: &OutboundQuestion, attempts: &[AttemptReport]) {
        let step = |attempt: &AttemptReport| ResolutionStep {
            depth: 0,
            event: ResolutionEvent::Query {
                name: question.name.clone(),
                rtype: question.qtype,
                attempt: attempt.clone(),
            },
        };
        self.add(question, attempts.iter().map(step).collect());
    }

    /// What they did, in the order in which they ended.
    pub fn take(&self) -> Vec<ExplainedLookup> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PartialEq for ExplainedLookups {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ExplainedLookups {}

impl Hash for ExplainedLookups {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}
