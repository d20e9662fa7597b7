//! Where answers to clients that waited go.

use std::net::SocketAddr;
use std::sync::Arc;

use rhumb_net::LocalAddress;
use rhumb_net::udp::{DatagramOutbox, DatagramSendError, DatagramSocket};
use tokio::sync::{mpsc, oneshot};

use super::explained_lookups::ExplainedLookups;
use super::tried::TriedServer;
use crate::metrics::DropReason;
use crate::query::{TraceStep, WaitingClient, truncate_waiting};
use crate::snapshot::ServerState;

/// Enough for a response without records, with every option of EDNS and a signature.
pub(super) const SHORT_RESPONSE: usize = 1232;

/// Where an answer goes.
#[derive(Debug)]
pub enum ReplyPath {
    /// Out of the socket the query came in by, from the address that was asked: to the client, or to the proxy that speaks for it.
    Datagram(Arc<DatagramSocket>, Option<Box<ReplyHop>>),
    /// To the connection it came by; an empty one says that there is no answer.
    Stream(mpsc::Sender<Vec<u8>>),
    /// To an operator who wants it explained.
    Explain(oneshot::Sender<ExplainedAnswer>, ExplainedLookups),
    /// To a part of this server that asked.
    Own(oneshot::Sender<Vec<u8>>),
}

/// The way of an answer that does not go to its client directly.
#[derive(Debug, Clone, Copy)]
pub struct ReplyHop {
    /// Where it is sent.
    pub peer: SocketAddr,
    /// The address that it leaves from.
    pub local: LocalAddress,
}

/// The answer to a query, and what was tried to find it.
#[derive(Debug, Clone)]
pub struct ExplainedAnswer {
    /// The message as a client would get it.
    pub message: Vec<u8>,
    /// Each attempt, in order.
    pub tried: Arc<[TriedServer]>,
    /// The links of a chain, where the answer was put together from them.
    pub steps: Vec<TraceStep>,
}

/// Where responses are written, and those wait that leave as datagrams.
#[derive(Debug)]
pub(super) struct ReplyRoom {
    /// Room for the longest message.
    pub(super) bytes: Vec<u8>,
    pub(super) outbox: DatagramOutbox<WaitingClient>,
}

impl ReplyRoom {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; 65_535], outbox: DatagramOutbox::default() }
    }

    /// Sends what waits.
    pub(super) fn send(&mut self, live: &ServerState) {
        self.outbox.send(|datagram, error| {
            let to = (datagram.peer, datagram.local);
            send_shorter(&datagram.socket, &datagram.kept, to, &error, live);
        });
    }
}

/// Sends a response to `client`, truncated where the path does not take all of it. What is not sent is counted.
pub(super) fn send_datagram(
    socket: &DatagramSocket,
    reply: &[u8],
    client: &WaitingClient,
    to: (SocketAddr, LocalAddress),
    live: &ServerState,
) {
    if let Err(error) = socket.send(reply, to.0, &to.1) {
        send_shorter(socket, client, to, &error, live);
    }
}

/// Sends a truncated response in place of one that was not sent because of this error (RFC 9715). That one was counted and held against the
/// rate limit.
#[cold]
fn send_shorter(
    socket: &DatagramSocket,
    client: &WaitingClient,
    (peer, local): (SocketAddr, LocalAddress),
    error: &DatagramSendError,
    live: &ServerState,
) {
    let mut out = [0; SHORT_RESPONSE];
    let is_too_large = matches!(error, DatagramSendError::TooLarge);
    let length = is_too_large.then(|| truncate_waiting(client, &mut out)).flatten();
    let sent = length.and_then(|length| socket.send(out.get(..length)?, peer, &local).ok());
    live.metrics.with_local(|block| match sent {
        Some(()) => block.truncated(),
        None => block.dropped(DropReason::SendFailed),
    });
}
