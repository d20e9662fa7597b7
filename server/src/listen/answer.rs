//! One message answered: the same for every transport, apart from how messages are framed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::metrics::{CounterBlock, DropReason};
use crate::query::{
    MessageSource, QueryClient, QueryContext, QueryOutcome, QueryScratch, count, log_answer, respond,
};
use crate::recursion::{ReplyPath, ResolveQueue};

/// What answering needs beside the message and its client.
pub(super) struct AnswerContext<'a, 'm> {
    pub(super) query: &'a QueryContext<'m>,
    pub(super) queue: &'a ResolveQueue,
    pub(super) block: &'a CounterBlock,
}

/// What became of a message.
#[derive(Debug)]
pub(super) enum MessageAnswer {
    /// A response of so many bytes stands in the buffer.
    Reply(usize),
    /// Nothing is sent, which was counted.
    Nothing,
    /// More than one response message, to be made as the transport takes them.
    Messages(Box<dyn MessageSource>),
    /// The response comes by the way that `reply_to` gave.
    Pending,
}

/// Answers `message` into `out`, counts it, and passes on what has to wait, whose response goes where `reply_to` says. A panic
/// is counted and ends the message alone.
#[inline]
pub(super) fn answer_message(
    message: &[u8],
    client: &QueryClient<'_>,
    context: &AnswerContext<'_, '_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
    reply_to: impl FnOnce() -> ReplyPath,
) -> MessageAnswer {
    let answer = || answer_unguarded(message, client, context, scratch, out, reply_to);
    catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| {
        context.block.panic();
        context.block.dropped(DropReason::Panic);
        *scratch = QueryScratch::new();
        MessageAnswer::Nothing
    })
}

#[inline]
fn answer_unguarded(
    message: &[u8],
    client: &QueryClient<'_>,
    context: &AnswerContext<'_, '_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
    reply_to: impl FnOnce() -> ReplyPath,
) -> MessageAnswer {
    let AnswerContext { query, queue, block } = context;
    let outcome = respond(message, client, query, scratch, out);
    count(block, client, message, &outcome, scratch);
    if let Some(one_in) = query.snapshot.settings.query_log {
        log_answer(one_in, message, client, &outcome, query, scratch, out);
    }
    match outcome {
        QueryOutcome::Reply(length) => {
            if let Some(work) = scratch.prefetch.take() {
                queue.renew(work);
            }
            MessageAnswer::Reply(length)
        }
        QueryOutcome::Messages(source) => MessageAnswer::Messages(source),
        QueryOutcome::Drop(_) => MessageAnswer::Nothing,
        QueryOutcome::Wait(waiting) => {
            queue.enter(*waiting, reply_to());
            MessageAnswer::Pending
        }
    }
}
