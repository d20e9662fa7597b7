//! One message, and its answer as a value: for transports on which each query has a stream of its own.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::answer::{AnswerContext, MessageAnswer, answer_message};
use super::stream::StreamServices;
use crate::query::{MessageSource, QueryClient, QueryContext, QueryScratch};
use crate::recursion::ReplyPath;

/// How long an answer that waits for others may take: longer than any look-up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest message.
const LARGEST: usize = 65_535;

thread_local! {
    /// By thread and not by query: they are used without a pause between.
    static BUFFERS: RefCell<(QueryScratch, Vec<u8>)> = RefCell::new((QueryScratch::new(), vec![0; LARGEST]));
}

/// What became of a message.
#[derive(Debug)]
pub(super) enum ExchangeAnswer {
    /// The response.
    Message(Vec<u8>),
    /// There is none, which was counted: the message is no query, or one that gets no answer.
    Dropped,
    /// More than one response message.
    Messages(Box<dyn MessageSource>),
    /// Others were asked, and no answer came of it.
    Unanswered,
}

/// Answers one message, at once or when others have been asked.
pub(super) async fn exchange(
    message: &[u8],
    client: &QueryClient<'static>,
    streams: &StreamServices,
) -> ExchangeAnswer {
    let mut later = match answer_now(message, client, streams) {
        Ok(answer) => return answer,
        Err(later) => later,
    };
    match timeout(ANSWER_TIMEOUT, later.recv()).await {
        Ok(Some(message)) if !message.is_empty() => ExchangeAnswer::Message(message),
        _ => ExchangeAnswer::Unanswered,
    }
}

/// The answer, or the way that it comes by.
fn answer_now(
    message: &[u8],
    client: &QueryClient<'static>,
    streams: &StreamServices,
) -> Result<ExchangeAnswer, mpsc::Receiver<Vec<u8>>> {
    let begun = Instant::now();
    let StreamServices { live, queue, .. } = streams;
    let (snapshot, block) = (live.snapshot.load(), live.metrics.local_block());
    let query = QueryContext::of(live, &snapshot, begun);
    let context = AnswerContext { query: &query, queue, block: &block };
    let mut later = None;
    let reply_to = || {
        let (sender, receiver) = mpsc::channel(1);
        later = Some(receiver);
        ReplyPath::Stream(sender)
    };
    let answered = BUFFERS.with_borrow_mut(|(scratch, out)| {
        match answer_message(message, client, &context, scratch, out, reply_to) {
            MessageAnswer::Reply(length) => {
                Some(ExchangeAnswer::Message(out.get(..length).unwrap_or_default().to_vec()))
            }
            MessageAnswer::Nothing => Some(ExchangeAnswer::Dropped),
            MessageAnswer::Messages(source) => Some(ExchangeAnswer::Messages(source)),
            MessageAnswer::Pending => None,
        }
    });
    match (answered, later) {
        (None, Some(later)) => Err(later),
        (answered, _) => {
            block.duration(client.transport(), begun.elapsed(), 1);
            Ok(answered.unwrap_or(ExchangeAnswer::Unanswered))
        }
    }
}
