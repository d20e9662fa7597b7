//! Asking a server that is down whether it is back.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::context::LookupContext;
use super::limits;
use super::reply::ReadAnswer;
use super::report::AttemptReport;
use super::server::RemoteServer;
use super::server_exchange::{ExchangeProgress, RetryLimits, RetryPace, ServerExchange};
use crate::network::UpstreamTransport;
use crate::question::OutboundQuestion;

/// Asks `question` of `server` and waits for any believable reply, for at most [`limits::PROBE_TIMEOUT`]: whether one came.
/// The server is up from then on, whatever the reply says.
pub async fn probe(
    net: &impl UpstreamTransport,
    server: &Arc<RemoteServer>,
    question: &OutboundQuestion,
) -> bool {
    let now = Instant::now();
    let observer = &mut |_: &AttemptReport| {};
    let budget = (limits::PROBE_TIMEOUT, limits::PROBE_SENDS, usize::from(u16::MAX));
    let mut context = LookupContext::new(net, question, observer, now, budget);
    let anything = |_: &[u8], _: &OutboundQuestion| Ok(ReadAnswer { answer: (), substantial: false });
    let retry = RetryLimits { pace: RetryPace::Doubling, sends: limits::SENDS_EACH };
    let mut exchange = ServerExchange::new(Arc::clone(server), &anything, retry, now);
    if !exchange.send(&mut context, now) {
        return false;
    }
    let deadline = context.deadline();
    let wait = async {
        while exchange.is_outstanding() {
            match poll_fn(|cx| exchange.poll_progress(cx, &mut context, false)).await {
                ExchangeProgress::Answer(..) | ExchangeProgress::Refused(_) => return true,
                ExchangeProgress::Unusable(_) | ExchangeProgress::Failed => return false,
                ExchangeProgress::Resent => {}
            }
        }
        false
    };
    let answered = timeout_at(deadline, wait).await.unwrap_or(false);
    if answered {
        server.probe_answered();
    } else {
        server.failed(server.identity().transport, Instant::now());
    }
    answered
}
