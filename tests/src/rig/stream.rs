//! DNS over TCP from the client's side, down to single bytes (RFC 7766).

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::failure::{Context, Failure};
use crate::rig::message::Message;

/// One connection.
pub struct Stream {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Stream {
    /// Takes over a connected socket.
    pub fn new(socket: TcpStream) -> Result<Self, Failure> {
        socket.set_nodelay(true)?;
        Ok(Self { socket, read: Vec::new() })
    }

    /// The address at the other end.
    pub fn peer(&self) -> Result<SocketAddr, Failure> {
        Ok(self.socket.peer_addr()?)
    }

    /// The socket itself.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.socket.write_all(bytes).context("writing to the stream")
    }

    /// Sends one message behind its length.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.send_raw(&framed(message))
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) -> Result<(), Failure> {
        Ok(self.socket.shutdown(Shutdown::Write)?)
    }

    /// The next whole message within `time_limit`; `None` if none came or the other end closed.
    pub fn receive(&mut self, time_limit: Duration) -> Result<Option<Vec<u8>>, Failure> {
        let deadline = Instant::now() + time_limit;
        loop {
            if let Some((head, rest)) = self.read.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(*head));
                if rest.len() >= length {
                    let message = rest[..length].to_vec();
                    self.read.drain(..2 + length);
                    return Ok(Some(message));
                }
            }
            if !self.fill(deadline)? {
                return Ok(None);
            }
        }
    }

    /// Sends a query and gives the next message that comes.
    pub fn ask(&mut self, query: &Message, time_limit: Duration) -> Result<Message, Failure> {
        self.send(&query.to_wire())?;
        let answer = self.receive(time_limit)?.context("no answer on the stream")?;
        Message::from_wire(&answer)
    }

    /// Whether the other end closes within `time_limit`; what it still sends is thrown away.
    pub fn closes_within(&mut self, time_limit: Duration) -> Result<bool, Failure> {
        let deadline = Instant::now() + time_limit;
        while Instant::now() < deadline {
            self.read.clear();
            if !self.fill(deadline)? {
                return Ok(Instant::now() < deadline);
            }
        }
        Ok(false)
    }

    /// Reads what is there; false at the deadline or the end of the stream.
    fn fill(&mut self, deadline: Instant) -> Result<bool, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        self.socket.set_read_timeout(Some(left))?;
        let mut buffer = vec![0; 65536];
        match self.socket.read(&mut buffer) {
            Ok(0) => Ok(false),
            Ok(length) => {
                self.read.extend_from_slice(&buffer[..length]);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock
                        | ErrorKind::TimedOut
                        | ErrorKind::ConnectionReset
                        | ErrorKind::BrokenPipe
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A message behind its length.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = (message.len() as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(message);
    bytes
}
