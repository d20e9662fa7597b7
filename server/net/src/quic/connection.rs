//! A connection and its streams.

use std::net::{IpAddr, SocketAddr};

use quinn::{Connection, RecvStream, SendStream, VarInt};

use super::error::StreamClosed;
use crate::local::{LocalAddress, canonical};
use crate::tls::{KeyExchange, ServerHello};

/// A connection of a client whose address is its own.
#[derive(Debug)]
pub struct QuicConnection {
    inner: Connection,
    /// The address of the socket, for systems that do not say which one was asked.
    bound: IpAddr,
}

impl QuicConnection {
    pub(super) const fn new(inner: Connection, bound: IpAddr) -> Self {
        Self { inner, bound }
    }

    /// Who asks; it may change during the life of a connection.
    pub fn peer(&self) -> SocketAddr {
        canonical(self.inner.remote_address())
    }

    /// Whether it goes on with an earlier session.
    pub fn resumed(&self) -> bool {
        self.agreed().is_some_and(|hello| hello.resumed)
    }

    /// How the keys were exchanged.
    pub fn group(&self) -> KeyExchange {
        self.agreed().map_or(KeyExchange::Other, |hello| hello.group)
    }

    fn agreed(&self) -> Option<ServerHello> {
        self.inner.handshake_data()?.downcast().ok().map(|hello| *hello)
    }

    /// The address that is asked.
    pub fn local(&self) -> LocalAddress {
        LocalAddress::new(self.inner.local_ip().unwrap_or(self.bound), 0)
    }

    /// The next stream that the client opens. May be cancelled: no stream is lost. None: the connection has ended.
    pub async fn accept_stream(&self) -> Option<QuicStream> {
        let (send, receive) = self.inner.accept_bi().await.ok()?;
        Some(QuicStream { send, receive, ended: false })
    }

    /// Ends the connection with a code of the application.
    pub fn close(&self, code: u32, reason: &str) {
        self.inner.close(VarInt::from_u32(code), reason.as_bytes());
    }

    /// Waits until the connection has ended.
    pub async fn closed(&self) {
        self.inner.closed().await;
    }
}

/// A stream that a client opened. Dropped before its end, it is reset with code 0.
#[derive(Debug)]
pub struct QuicStream {
    send: SendStream,
    receive: RecvStream,
    ended: bool,
}

impl Drop for QuicStream {
    fn drop(&mut self) {
        // Otherwise it would end as if all of it had been sent.
        if !self.ended {
            self.reset(0);
        }
    }
}

impl QuicStream {
    /// Reads on until the stream ends, or `into` has more than `most` bytes. Whether it has ended. Errors: the client gave it up, or
    /// the connection has ended. May be cancelled: what was read is in `into`.
    pub async fn read_on(&mut self, into: &mut Vec<u8>, most: usize) -> Result<bool, StreamClosed> {
        while into.len() <= most {
            let room = most + 1 - into.len();
            match self.receive.read_chunk(room, true).await.map_err(|_| StreamClosed)? {
                Some(chunk) => into.extend_from_slice(&chunk.bytes),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Writes the front and the rest as the client has room for them, and keeps no copy. Errors: it takes no more.
    pub async fn write(&mut self, front: [u8; 2], rest: Vec<u8>) -> Result<(), StreamClosed> {
        let mut chunks = [front.to_vec().into(), rest.into()];
        self.send.write_all_chunks(&mut chunks).await.map_err(|_| StreamClosed)
    }

    /// Says that nothing more comes. Errors: the client takes no more.
    pub fn finish(&mut self) -> Result<(), StreamClosed> {
        self.ended = true;
        self.send.finish().map_err(|_| StreamClosed)
    }

    /// Ends the stream with a code of the application.
    pub fn reset(&mut self, code: u32) {
        self.ended = true;
        // One that is closed needs no reset.
        let _ = self.send.reset(VarInt::from_u32(code));
    }

    /// Waits until the client takes no more of the stream, or has taken all of it.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + Sync + 'static {
        let stopped = self.send.stopped();
        async move {
            // Of a connection that has ended as well.
            let _ = stopped.await;
        }
    }
}
