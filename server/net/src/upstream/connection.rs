//! A connection to a server, for queries that UDP cannot carry.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::local::canonical;
use crate::stream::{MessageStream, PushError, StreamError, StreamTimeouts};

/// A connection that carries messages behind their lengths, over TCP where nothing else is said.
#[derive(Debug)]
pub struct UpstreamConnection<S = TcpStream> {
    messages: MessageStream<S>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum StreamSendError {
    /// It does not fit a stream, or too much waits already.
    #[error(transparent)]
    Push(#[from] PushError),
    /// The connection failed.
    #[error(transparent)]
    Write(#[from] StreamError),
}

impl UpstreamConnection {
    /// Connects to `to` (with the scope of a link-local address), from `source` where one is given. Each step may take as long as `limit`: to connect,
    /// to send, to wait for a message, to receive it.
    pub async fn connect(to: SocketAddr, source: Option<IpAddr>, limit: Duration) -> io::Result<Self> {
        let stream = timeout(limit, tcp_stream(to, source))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(Self::over(stream, limit))
    }
}

/// Connects to `to`, from `source` where one is given.
pub(super) async fn tcp_stream(to: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let to = canonical(to);
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl<S: AsyncRead + AsyncWrite + Unpin> UpstreamConnection<S> {
    /// Messages on a stream that is open. Each step may take as long as `limit`.
    pub(super) fn over(stream: S, limit: Duration) -> Self {
        let limits = StreamTimeouts { first: limit, idle: limit, message: limit, write: limit };
        Self { messages: MessageStream::new(stream, limits) }
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), StreamSendError> {
        self.messages.push(message)?;
        Ok(self.messages.send().await?)
    }

    /// The same, given up once nothing came for `idle`.
    pub fn keeping_for(self, idle: Duration) -> Self {
        let limits = StreamTimeouts { first: idle, idle, message: idle, write: idle };
        Self { messages: self.messages.with_timeouts(limits) }
    }

    /// Queues one message; [`Self::recv_while_sending`] sends it.
    pub fn push(&mut self, message: &[u8]) -> Result<(), PushError> {
        self.messages.push(message)
    }

    /// The next message, as [`Self::recv`], while what is queued is sent. May be cancelled and called again.
    pub async fn recv_while_sending(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        self.messages.next_while_sending().await
    }

    /// The next message; `None` when the server closed the connection after a whole one.
    pub async fn recv(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        self.messages.next().await
    }
}
