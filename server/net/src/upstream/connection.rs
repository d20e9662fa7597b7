//! A connection to a server, for queries that UDP cannot carry.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::local::canonical;
use crate::stream::{Frame, PushError, ReadError, Reader, Timeouts, WriteError, Writer};

/// A TCP connection that carries messages behind their lengths.
#[derive(Debug)]
pub struct Connection {
    reader: Reader<OwnedReadHalf>,
    writer: Writer<OwnedWriteHalf>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It does not fit a stream, or too much waits already.
    #[error(transparent)]
    Push(#[from] PushError),
    /// The connection failed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Connection {
    /// Connects to `to` (with the scope of a link-local address). Each step may take as long as `limit`: to connect,
    /// to send, to wait for a message, to receive it.
    pub async fn connect(to: SocketAddr, limit: Duration) -> io::Result<Self> {
        let stream = timeout(limit, TcpStream::connect(canonical(to)))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        let timeouts = Timeouts { first: limit, idle: limit, message: limit };
        Ok(Self { reader: Reader::new(read, timeouts), writer: Writer::new(write, limit) })
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.writer.push(message)?;
        self.writer.flush().await?;
        self.reader.restart_idle();
        Ok(())
    }

    /// The next message; `None` when the server closed the connection after a whole one.
    pub async fn recv(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        self.reader.next().await
    }

    /// The two directions, to send and receive at once.
    pub fn split(self) -> (Reader<OwnedReadHalf>, Writer<OwnedWriteHalf>) {
        (self.reader, self.writer)
    }
}
