//! A copy of the root zone that is at hand (RFC 8806).

use std::fmt;

use crate::question::OutboundQuestion;

/// A copy of the root zone. What it says is believed no more than what the servers of the root say.
pub trait RootCopy: fmt::Debug + Send + Sync {
    /// The reply to a question, as a server of the root would send it; none where the servers are to be asked.
    fn reply(&self, question: &OutboundQuestion) -> Option<Vec<u8>>;

    /// What it said has turned out to be bogus.
    fn is_bogus(&self);
}

/// There is no copy.
impl RootCopy for () {
    fn reply(&self, _: &OutboundQuestion) -> Option<Vec<u8>> {
        None
    }

    fn is_bogus(&self) {}
}
