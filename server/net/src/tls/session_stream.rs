//! The bytes of a session with a client.

use std::io::{self, IoSlice, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A connection whose bytes are encrypted. One read takes all the records that one call to the kernel has brought, as far as there is
/// room: many clients send each query in a record of its own.
#[derive(Debug)]
pub struct ServerTlsStream {
    session: TlsStream<TcpStream>,
}

impl ServerTlsStream {
    pub(super) const fn new(session: TlsStream<TcpStream>) -> Self {
        Self { session }
    }

    /// The protocol that was agreed on by ALPN (RFC 7301).
    pub fn protocol(&self) -> Option<&[u8]> {
        self.session.get_ref().1.alpn_protocol()
    }
}

impl AsyncRead for ServerTlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        // This gives out one record alone.
        ready!(Pin::new(&mut self.session).poll_read(cx, buffer))?;
        let session = self.session.get_mut().1;
        if buffer.filled().len() > before
            && !session.wants_read()
            // At the end of the session, or of the connection, there is nothing more, and the next read says so.
            && let Ok(more) = session.reader().read(buffer.initialize_unfilled())
        {
            buffer.advance(more);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ServerTlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.session).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.session).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.session.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.session).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.session).poll_shutdown(cx)
    }
}
