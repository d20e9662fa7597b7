//! A message on its way, and the wait for its reply.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use rhumb_wire::Transport;
use tokio::time::Instant;

use super::cookie::SentCookie;
use super::places::QueryPlace;
use super::reply::{DatagramReader, ReadMessage, ReplyReader, SeenDatagrams};
use super::server::RemoteServer;
use crate::network::{ExchangeError, UpstreamTransport};

/// How an attempt ended: what was read, of how many bytes.
pub(super) type AttemptEnd<A> = Result<(ReadMessage<A>, usize), ExchangeError>;

/// One message on its way.
pub(super) struct QueryAttempt<'a, A> {
    pub(super) transport: Transport,
    /// Whether it carries EDNS.
    pub(super) edns: bool,
    /// The cookie in that.
    pub(super) cookie: Option<SentCookie>,
    /// Whether its name is in mixed case.
    pub(super) cased: bool,
    pub(super) sent: Instant,
    /// From when on the query is sent again, or to another server.
    pub(super) retransmit_at: Instant,
    /// Whether that has passed.
    pub(super) overdue: bool,
    pub(super) seen: Arc<SeenDatagrams>,
    /// Its place among the queries to the server.
    pub(super) _place: QueryPlace,
    pub(super) reply: Pin<Box<dyn Future<Output = AttemptEnd<A>> + Send + 'a>>,
}

/// Sends the query of `reader` and waits for its reply.
pub(super) fn transmit<'a, A: Send + 'a>(
    net: &'a impl UpstreamTransport,
    server: Arc<RemoteServer>,
    transport: Transport,
    reader: ReplyReader<'a, A>,
    deadline: Instant,
    seen: Arc<SeenDatagrams>,
) -> Pin<Box<dyn Future<Output = AttemptEnd<A>> + Send + 'a>> {
    if transport.is_datagram() {
        Box::pin(async move {
            let (address, query) = (server.identity().address, reader.query.bytes.clone());
            let mut reader = DatagramReader { reader, server, seen, strays: 0, reply: None };
            let mut accept = |datagram: &[u8]| reader.accept(datagram);
            let length = net.datagram(address, &query, deadline, &mut accept).await?;
            Ok((reader.reply.take().unwrap_or(ReadMessage::Stray), length))
        })
    } else {
        Box::pin(async move {
            let reply = net.stream(server.identity(), transport, &reader.query.bytes, deadline).await?;
            Ok((reader.read(&reply), reply.len()))
        })
    }
}
