//! What the queries of one read have in common.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::Guard;
use rhumb_wire::Transport;

use super::answer::{AnswerContext, MessageAnswer, answer_message};
use crate::metrics::CounterBlock;
use crate::query::{QueryClient, QueryContext, QueryScratch};
use crate::recursion::{ReplyPath, ResolveQueue};
use crate::snapshot::{ServerSnapshot, ServerState};

thread_local! {
    /// By thread and not by connection: it is used without a pause between.
    static SCRATCH: RefCell<QueryScratch> = RefCell::new(QueryScratch::new());
}

/// Answers queries by one snapshot, which is looked up when the first one is there.
pub(super) struct AnswerBatch<'a> {
    live: &'a ServerState,
    queue: &'a ResolveQueue,
    transport: Transport,
    begun: Option<Begun>,
    /// How many were answered, or dropped, at once.
    done: u64,
}

struct Begun {
    at: Instant,
    snapshot: Guard<Arc<ServerSnapshot>>,
    block: Arc<CounterBlock>,
}

impl<'a> AnswerBatch<'a> {
    pub(super) const fn new(live: &'a ServerState, queue: &'a ResolveQueue, transport: Transport) -> Self {
        Self { live, queue, transport, begun: None, done: 0 }
    }

    /// Answers one message into `out`.
    #[inline]
    pub(super) fn answer(
        &mut self,
        message: &[u8],
        client: &QueryClient<'_>,
        out: &mut [u8],
        reply_to: impl FnOnce() -> ReplyPath,
    ) -> MessageAnswer {
        let Self { live, queue, begun, .. } = self;
        let Begun { at, snapshot, block } = begun.get_or_insert_with(|| Begun {
            at: Instant::now(),
            snapshot: live.snapshot.load(),
            block: live.metrics.local_block(),
        });
        let query = QueryContext::of(live, snapshot, *at);
        let context = AnswerContext { query: &query, queue, block };
        let answer = SCRATCH
            .with_borrow_mut(|scratch| answer_message(message, client, &context, scratch, out, reply_to));
        self.done += u64::from(matches!(answer, MessageAnswer::Reply(_) | MessageAnswer::Nothing));
        answer
    }

    /// Counts how long it took, to be called when the answers are written. What waits is observed once it is answered.
    pub(super) fn end(self) {
        if let Some(Begun { at, block, .. }) = self.begun {
            block.duration(self.transport, at.elapsed(), self.done);
        }
    }
}
