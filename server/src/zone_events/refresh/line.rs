//! A connection to a primary, and whether it was still of use when something was asked on it.

use super::connection::{PrimaryConnection, PrimaryConnections};
use super::failure::RefreshFailure;
use crate::snapshot::PrimaryServer;

/// A connection on which one question follows the other.
pub(super) struct PrimaryLine {
    pub(super) connection: PrimaryConnection,
    /// Whether something was asked on it, now and before the last question.
    is_used: bool,
    was_used: bool,
    /// Whether a message of the last answer has come.
    pub(super) is_answered: bool,
}

impl PrimaryLine {
    /// Of a connection that is new, or was used for another zone.
    pub(super) const fn new(connection: PrimaryConnection, is_used: bool) -> Self {
        Self { connection, is_used, was_used: false, is_answered: false }
    }

    /// Something is asked.
    pub(super) const fn note_question(&mut self) {
        (self.was_used, self.is_used, self.is_answered) = (self.is_used, true, false);
    }

    /// Whether it was of no use any more when the last question was asked: there are primaries that close it behind each answer or
    /// each refusal, and such that send more than was asked for. A new one is worth a try.
    pub(super) const fn was_unusable(&self, failure: &RefreshFailure) -> bool {
        use RefreshFailure::{Answer, Closed, Connection};

        matches!(failure, Closed | Connection(_) | Answer) && self.was_used && !self.is_answered
    }

    /// Makes a new one.
    ///
    /// Errors: it cannot be made.
    pub(super) async fn renew(
        &mut self,
        connections: &PrimaryConnections,
        server: &PrimaryServer,
    ) -> Result<(), RefreshFailure> {
        *self = Self::new(connections.connect(server).await?, false);
        Ok(())
    }
}
