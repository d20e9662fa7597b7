//! Streams to servers, encrypted or not, that whoever opens one has for himself.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ProtocolVersion;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

use super::connection::{UpstreamConnection, tcp_stream};
use crate::tls::client::{ClientConfigs, TlsFailure, TlsServer, open_session};

/// A stream to a server.
#[derive(Debug)]
pub enum ServerStream {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// Opens connections to servers. Sessions of TLS are resumed.
#[derive(Debug, Default)]
pub struct ServerConnector(ClientConfigs);

/// Why there is no connection to a server.
#[derive(Debug, thiserror::Error)]
pub enum ServerConnectError {
    /// It cannot be reached.
    #[error("no connection: {0}")]
    Connect(#[from] io::Error),
    /// There is no session with it.
    #[error("TLS: {0}")]
    Session(#[from] TlsFailure),
}

impl ServerConnector {
    /// Connects to `to` (with the scope of a link-local address), from `source` where one is given, within `limit`; over TLS where `tls`
    /// says with whom. That is TLS 1.3, and the server has to take the protocol that is offered (RFC 9103 sections 7.1 and 7.2). Each
    /// later step may take as long as `limit`: to send, to wait for a message, to receive it.
    ///
    /// Errors: see [`ServerConnectError`].
    pub async fn connect(
        &self,
        to: SocketAddr,
        source: Option<IpAddr>,
        tls: Option<&TlsServer>,
        limit: Duration,
    ) -> Result<UpstreamConnection<ServerStream>, ServerConnectError> {
        let deadline = Instant::now() + limit;
        let stream = timeout_at(deadline, tcp_stream(to, source)).await;
        let stream = stream.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let stream = match tls {
            None => ServerStream::Plain(stream),
            Some(tls) => {
                let session = timeout_at(deadline, open_session(&self.0, tls, (to, stream))).await;
                let session = session.map_err(|_| TlsFailure::Stalled)??;
                let (_, state) = session.get_ref();
                if state.protocol_version() != Some(ProtocolVersion::TLSv1_3)
                    || state.alpn_protocol() != Some(tls.protocol)
                {
                    return Err(TlsFailure::Incompatible.into());
                }
                ServerStream::Encrypted(Box::new(session))
            }
        };
        Ok(UpstreamConnection::over(stream, limit))
    }
}

impl AsyncRead for ServerStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for ServerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }
}
