//! One message answered: the same for every transport, apart from how messages are framed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rhumb_wire::Rcode;
use rhumb_wire::edns::ExtendedError;

use crate::metrics::{Block, DropReason};
use crate::query::{
    MessageSource, QueryClient, QueryContext, QueryOutcome, QueryScratch, count, fail_waiting, respond,
};
use crate::recursion::{Door, ReplyTo};

/// What answering needs beside the message and its client.
pub(super) struct AnswerContext<'a, 'm> {
    pub(super) query: &'a QueryContext<'m>,
    pub(super) door: &'a Door,
    pub(super) block: &'a Block,
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
    reply_to: impl FnOnce() -> ReplyTo,
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
    reply_to: impl FnOnce() -> ReplyTo,
) -> MessageAnswer {
    let AnswerContext { query, door, block } = context;
    let outcome = respond(message, client, query, scratch, out);
    count(block, client, message, &outcome, scratch, query.snapshot);
    match outcome {
        QueryOutcome::Reply(length) => {
            if let Some(job) = scratch.prefetch.take() {
                // Renewing ahead of time is a favour; without room it is left undone.
                let _ = door.enter(job, ReplyTo::Nobody);
            }
            MessageAnswer::Reply(length)
        }
        QueryOutcome::Messages(source) => MessageAnswer::Messages(source),
        QueryOutcome::Drop(_) => MessageAnswer::Nothing,
        QueryOutcome::Wait(job) => match door.enter(job, reply_to()) {
            Ok(()) => MessageAnswer::Pending,
            Err(job) => {
                block.dropped(DropReason::QueueFull);
                let error = (ExtendedError::Other, "too many queries wait");
                let Some(length) = fail_waiting(&job, Rcode::SERVFAIL, error, out) else {
                    return MessageAnswer::Nothing;
                };
                block.response(Rcode::SERVFAIL.0);
                MessageAnswer::Reply(length)
            }
        },
    }
}
