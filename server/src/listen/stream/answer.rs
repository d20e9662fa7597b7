//! Answers to the queries that one read brought.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::Guard;
use rhumb_net::stream::Outgoing;
use rhumb_wire::Rcode;
use rhumb_wire::edns::ExtendedError;
use tokio::sync::mpsc;

use super::Streams;
use crate::metrics::DropReason;
use crate::query::{QueryClient, QueryContext, QueryOutcome, QueryScratch, count, fail_waiting, respond};
use crate::recursion::ReplyTo;
use crate::snapshot::Snapshot;

thread_local! {
    /// By thread and not by connection: it is used without a pause between.
    static SCRATCH: RefCell<QueryScratch> = RefCell::new(QueryScratch::new());
}

/// What all queries of one read have in common, found out when the first one is there.
pub(super) struct StreamAnswers<'a, F> {
    streams: &'a Streams,
    client: &'a QueryClient<'a>,
    /// Gives the way for an answer that comes later.
    later: F,
    begun: Option<(Instant, Guard<Arc<Snapshot>>)>,
    /// How many were answered, or dropped, at once.
    done: u64,
}

enum Answered {
    Reply(usize),
    Later,
    Nothing,
}

impl<'a, F: FnMut() -> mpsc::Sender<Vec<u8>>> StreamAnswers<'a, F> {
    pub(super) fn new(streams: &'a Streams, client: &'a QueryClient<'a>, later: F) -> Self {
        Self { streams, client, later, begun: None, done: 0 }
    }

    /// Answers one message into `outgoing`; whether its answer comes later.
    pub(super) fn answer(&mut self, message: &[u8], outgoing: &mut Outgoing) -> bool {
        let Self { streams, client, later, begun, .. } = self;
        let live = &streams.live;
        let (begun, snapshot) = begun.get_or_insert_with(|| (Instant::now(), live.snapshot.load()));
        let context = QueryContext::of(live, snapshot, *begun);
        let mut waits = false;
        SCRATCH.with_borrow_mut(|scratch| {
            outgoing.put(|out| {
                let answered = catch_unwind(AssertUnwindSafe(|| {
                    answer_into(streams, client, later, message, &context, scratch, out)
                }));
                match answered {
                    Ok(Answered::Reply(length)) => return Some(length),
                    Ok(Answered::Nothing) => {}
                    Ok(Answered::Later) => waits = true,
                    Err(_) => {
                        *scratch = QueryScratch::new();
                        live.metrics.with_local(|block| {
                            block.panic();
                            block.dropped(DropReason::Panic);
                        });
                    }
                }
                None
            });
        });
        self.done += u64::from(!waits);
        waits
    }

    /// Counts how long it took, to be called when the answers are written. What waits is observed once it is answered.
    pub(super) fn end(self) {
        if let Some((begun, _)) = self.begun {
            let (transport, took) = (self.client.transport(), begun.elapsed());
            self.streams.live.metrics.with_local(|block| block.duration(transport, took, self.done));
        }
    }
}

fn answer_into(
    streams: &Streams,
    client: &QueryClient<'_>,
    later: &mut impl FnMut() -> mpsc::Sender<Vec<u8>>,
    message: &[u8],
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> Answered {
    let live = &streams.live;
    let outcome = respond(message, client, context, scratch, out);
    live.metrics.with_local(|block| count(block, client, message, &outcome, scratch, context.snapshot));
    if let Some(job) = scratch.prefetch.take() {
        // Renewing ahead of time is a favour; without room it is left undone.
        let _ = streams.door.enter(job, ReplyTo::Nobody);
    }
    match outcome {
        QueryOutcome::Reply(length) => Answered::Reply(length),
        QueryOutcome::Drop(_) => Answered::Nothing,
        QueryOutcome::Wait(job) => match streams.door.enter(job, ReplyTo::Stream(later())) {
            Ok(()) => Answered::Later,
            Err(job) => {
                live.metrics.with_local(|block| {
                    block.dropped(DropReason::QueueFull);
                    block.response(Rcode::SERVFAIL.0);
                });
                let error = (ExtendedError::Other, "too many queries wait");
                fail_waiting(&job, Rcode::SERVFAIL, error, out).map_or(Answered::Nothing, Answered::Reply)
            }
        },
    }
}
