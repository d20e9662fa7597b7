//! The network as the resolver sees it: single exchanges, a routing table, randomness.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use rhumb_wire::Transport;
use tokio::time::Instant;

use crate::identity::ServerIdentity;
use crate::session_failure::SessionFailure;
use crate::validate::SignatureCheck;

/// What sends and receives.
pub trait UpstreamTransport: Send + Sync {
    /// Sends `query` in one datagram out of a fresh socket, connected to `to`, with a random source port, and shows
    /// every datagram that comes back to `accept` until it says [`DatagramVerdict::Accept`] (that datagram is the
    /// reply, and its length in bytes the result) or [`DatagramVerdict::GiveUp`], or `deadline` passes. A dropped future closes its socket.
    ///
    /// Errors: all of [`ExchangeError`].
    fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> impl Future<Output = Result<usize, ExchangeError>> + Send;

    /// Sends `query` to `server` over a transport that is no datagram, and gives back the message with its id, without
    /// framing.
    ///
    /// Errors: all of [`ExchangeError`] but `GaveUp`.
    fn stream(
        &self,
        server: &ServerIdentity,
        transport: Transport,
        query: &[u8],
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<u8>, ExchangeError>> + Send;

    /// Whether a session with `server` has been begun that it has not agreed to yet, and there is no other.
    fn is_in_handshake(&self, _server: &ServerIdentity) -> bool {
        false
    }

    /// Whether the routing table knows a way to `to`. Asked before each send, so it has to be quick.
    fn reachable(&self, to: SocketAddr) -> bool;

    /// Whether a signature is right; none where too many wait to be checked. It is checked here unless that is done elsewhere.
    fn check_signature(&self, check: SignatureCheck) -> impl Future<Output = Option<bool>> + Send {
        std::future::ready(Some(check.is_right()))
    }

    /// Sixty-four bits that cannot be foretold.
    fn random(&self) -> u64;
}

/// What is to be done about a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramVerdict {
    /// It is the reply.
    Accept,
    /// It is none: wait on.
    Ignore,
    /// The reply cannot be trusted over UDP: close the socket.
    GiveUp(SpoofSignal),
}

/// Signs that replies are forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SpoofSignal {
    /// A datagram with an id that was never sent (RFC 5452 section 9.1).
    #[error("a datagram with a wrong id")]
    WrongId,
    /// The question came back in other letters than it was sent in.
    #[error("the question came back in another case")]
    WrongCase,
    /// A reply without the cookie that the server gave before, or with another than that of the query (RFC 7873 section 5.3).
    #[error("the cookie is missing or wrong")]
    WrongCookie,
    /// Too many datagrams that are no reply.
    #[error("too many datagrams that are no reply")]
    Strays,
}

/// Why an exchange brought no reply.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The deadline passed.
    #[error("no reply in time")]
    Timeout,
    /// Nothing listens there: ICMP port unreachable, or a reset.
    #[error("connection refused")]
    Refused,
    /// No way there: no route, or ICMP net or host unreachable.
    #[error("unreachable")]
    Unreachable,
    /// Nothing was sent: so many queries are under way as may be.
    #[error("too many queries are under way")]
    Full,
    /// Nothing was sent: so many queries to this server are under way as may be.
    #[error("too many queries to the server are under way")]
    ServerFull,
    /// There is no encrypted session.
    #[error(transparent)]
    Session(SessionFailure),
    /// The server closes connections without a reply.
    #[error("the server closed the connection")]
    Closed,
    /// The response of HTTP is another than 200.
    #[error("HTTP status {0}")]
    HttpStatus(u16),
    /// What came holds no message.
    #[error("the response holds no message")]
    NoMessage,
    /// The same of a connection that others waited for too, one of whom is told so without this: it failed once.
    #[error(transparent)]
    Shared(Box<ExchangeError>),
    /// The datagrams that came were not to be trusted.
    #[error("given up: {0}")]
    GaveUp(SpoofSignal),
    /// Anything else the system or the peer does.
    #[error(transparent)]
    Io(#[from] io::Error),
}
