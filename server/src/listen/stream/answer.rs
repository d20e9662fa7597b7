//! Answers to the queries that one read brought.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::Guard;
use rhumb_net::stream::OutgoingMessages;
use tokio::sync::mpsc;

use super::services::StreamServices;
use crate::listen::answer::{AnswerContext, MessageAnswer, answer_message};
use crate::metrics::CounterBlock;
use crate::query::{MessageSource, QueryClient, QueryContext, QueryScratch};
use crate::recursion::ReplyPath;
use crate::snapshot::ServerSnapshot;

thread_local! {
    /// By thread and not by connection: it is used without a pause between.
    static SCRATCH: RefCell<QueryScratch> = RefCell::new(QueryScratch::new());
}

/// What all queries of one read have in common, found out when the first one is there.
pub(super) struct StreamAnswers<'a, F> {
    streams: &'a StreamServices,
    client: &'a QueryClient<'a>,
    /// Gives the way for an answer that comes later.
    later: F,
    begun: Option<Begun>,
    /// Responses of more than one message.
    sources: Vec<Box<dyn MessageSource>>,
    /// How many were answered, or dropped, at once.
    done: u64,
    /// Whether a message was no query.
    dropped: bool,
}

struct Begun {
    at: Instant,
    snapshot: Guard<Arc<ServerSnapshot>>,
    block: Arc<CounterBlock>,
}

impl<'a, F: FnMut() -> mpsc::Sender<Vec<u8>>> StreamAnswers<'a, F> {
    pub(super) fn new(streams: &'a StreamServices, client: &'a QueryClient<'a>, later: F) -> Self {
        Self { streams, client, later, begun: None, sources: Vec::new(), done: 0, dropped: false }
    }

    /// Answers one message into `outgoing`; whether its answer comes later.
    pub(super) fn answer(&mut self, message: &[u8], outgoing: &mut OutgoingMessages) -> bool {
        let Self { streams, client, later, begun, sources, .. } = self;
        let live = &streams.live;
        let Begun { at, snapshot, block } = begun.get_or_insert_with(|| Begun {
            at: Instant::now(),
            snapshot: live.snapshot.load(),
            block: live.metrics.local_block(),
        });
        let context = QueryContext::of(live, snapshot, *at);
        let context = AnswerContext { query: &context, queue: &streams.queue, block };
        let (mut waits, mut dropped) = (false, false);
        let reply_to = || ReplyPath::Stream(later());
        SCRATCH.with_borrow_mut(|scratch| {
            outgoing.put(|out| {
                match answer_message(message, client, &context, scratch, out, reply_to) {
                    MessageAnswer::Reply(length) => return Some(length),
                    MessageAnswer::Nothing => dropped = true,
                    MessageAnswer::Pending => waits = true,
                    MessageAnswer::Messages(source) => {
                        waits = true;
                        sources.push(source);
                    }
                }
                None
            });
        });
        self.done += u64::from(!waits);
        self.dropped |= dropped;
        waits
    }

    /// Whether a message was no query, and so is no reason to keep the connection.
    pub(super) const fn has_dropped(&self) -> bool {
        self.dropped
    }

    /// Counts how long it took, to be called when the answers are written. What waits is observed once it is answered. Gives the
    /// responses that have more than one message.
    pub(super) fn end(self) -> Vec<Box<dyn MessageSource>> {
        if let Some(Begun { at, block, .. }) = self.begun {
            block.duration(self.client.transport(), at.elapsed(), self.done);
        }
        self.sources
    }
}
