//! Answers to the queries that one read brought.

use rhumb_net::stream::OutgoingMessages;
use tokio::sync::mpsc;

use super::services::StreamServices;
use crate::listen::answer::MessageAnswer;
use crate::listen::answer_batch::AnswerBatch;
use crate::query::{MessageSource, QueryClient};
use crate::recursion::ReplyPath;

/// The answers to one read.
pub(super) struct StreamAnswers<'a, F> {
    batch: AnswerBatch<'a>,
    client: &'a QueryClient<'a>,
    /// Gives the way for an answer that comes later.
    later: F,
    /// Responses of more than one message.
    sources: Vec<Box<dyn MessageSource>>,
    /// Whether a message was no query.
    dropped: bool,
}

impl<'a, F: FnMut() -> mpsc::Sender<Vec<u8>>> StreamAnswers<'a, F> {
    pub(super) fn new(streams: &'a StreamServices, client: &'a QueryClient<'a>, later: F) -> Self {
        let batch = AnswerBatch::new(&streams.live, &streams.queue, client.transport());
        Self { batch, client, later, sources: Vec::new(), dropped: false }
    }

    /// Answers one message into `outgoing`; whether its answer comes later.
    pub(super) fn answer(&mut self, message: &[u8], outgoing: &mut OutgoingMessages) -> bool {
        let Self { batch, client, later, sources, dropped } = self;
        let mut waits = false;
        outgoing.put(|out| {
            match batch.answer(message, client, out, || ReplyPath::Stream(later())) {
                MessageAnswer::Reply(length) => return Some(length),
                MessageAnswer::Nothing => *dropped = true,
                MessageAnswer::Pending => waits = true,
                MessageAnswer::Messages(source) => {
                    waits = true;
                    sources.push(source);
                }
            }
            None
        });
        waits
    }

    /// Whether a message was no query, and so is no reason to keep the connection.
    pub(super) const fn has_dropped(&self) -> bool {
        self.dropped
    }

    /// Counts how long it took, to be called when the answers are written. Gives the responses that have more than one message.
    pub(super) fn end(self) -> Vec<Box<dyn MessageSource>> {
        self.batch.end();
        self.sources
    }
}
