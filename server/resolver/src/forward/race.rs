//! The messages under way for one question: several upstreams may be listened to, each over one socket at a time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::Instant;

use super::judge::{Judge, Reader, Reading, Sighted};
use super::upstream::{Transport, Upstream};
use crate::network::{ExchangeError, Network};

/// What a message sent came to: what was read, of how many bytes.
pub(super) type Landing = Result<(Reading, usize), ExchangeError>;

/// One message under way.
pub(super) struct Flight<'a> {
    /// Which of the question's upstreams it went to.
    pub(super) slot: usize,
    pub(super) transport: Transport,
    /// Whether it carries EDNS.
    pub(super) edns: bool,
    /// Whether its name is in mixed case.
    pub(super) cased: bool,
    pub(super) sent: Instant,
    /// From when on another upstream is asked as well.
    pub(super) patience: Instant,
    /// Whether that has come about.
    pub(super) overdue: bool,
    pub(super) sighted: Arc<Sighted>,
    pub(super) landing: Pin<Box<dyn Future<Output = Landing> + Send + 'a>>,
}

/// All that is under way.
#[derive(Default)]
pub(super) struct Race<'a>(pub(super) Vec<Flight<'a>>);

impl<'a> Race<'a> {
    /// Waits for the first one to land, and takes it out; for ever if there is none.
    pub(super) async fn landed(&mut self) -> (Flight<'a>, Landing) {
        poll_fn(|context| {
            for (index, flight) in self.0.iter_mut().enumerate() {
                if let Poll::Ready(landing) = flight.landing.as_mut().poll(context) {
                    return Poll::Ready((self.0.swap_remove(index), landing));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Whether a reply may still come without anybody else being asked.
    pub(super) fn is_hopeful(&self) -> bool {
        self.0.iter().any(|flight| !flight.overdue)
    }

    /// When the first patience ends; none if all have ended.
    pub(super) fn patience(&self) -> Option<Instant> {
        self.0.iter().filter(|flight| !flight.overdue).map(|flight| flight.patience).min()
    }

    /// No longer listens to what was sent to `slot`.
    pub(super) fn drop_slot(&mut self, slot: usize) {
        self.0.retain(|flight| flight.slot != slot);
    }
}

/// One exchange over either transport.
pub(super) fn exchange<'a>(
    net: &'a impl Network,
    upstream: Arc<Upstream>,
    transport: Transport,
    reader: Reader<'a>,
    deadline: Instant,
    sighted: Arc<Sighted>,
) -> Pin<Box<dyn Future<Output = Landing> + Send + 'a>> {
    let address = upstream.address();
    match transport {
        Transport::Tcp => Box::pin(async move {
            let reply = net.tcp(address, &reader.query.bytes, deadline).await?;
            Ok((reader.read(&reply), reply.len()))
        }),
        Transport::Udp => Box::pin(async move {
            let query = reader.query.bytes.clone();
            let mut judge = Judge { reader, upstream, sighted, strays: 0, reply: None };
            let reply = net.udp(address, &query, deadline, &mut |datagram| judge.hear(datagram)).await?;
            Ok((judge.reply.take().unwrap_or(Reading::Stray), reply.len()))
        }),
    }
}
