//! A connection of HTTP/2, by frames (RFC 9113).

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::EncryptedConnection;
use super::tls_stream::TlsStream;
use crate::failure::Failure;
use crate::rig::client::Client;
use crate::{ensure, fail};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` in the static table (RFC 7541, appendix A).
const OK: u8 = 0x88;

/// A frame that a client sends.
#[derive(Debug, Clone, Copy)]
pub struct Http2Frame<'a> {
    /// RFC 9113, section 6.
    pub kind: u8,
    /// Flags of this kind.
    pub flags: u8,
    /// 0 for the connection.
    pub stream: u32,
    /// What it carries.
    pub body: &'a [u8],
}

impl Http2Frame<'_> {
    /// Its bytes (RFC 9113, section 4.1).
    pub fn bytes(&self) -> Vec<u8> {
        let length = (self.body.len() as u32).to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), self.body].concat()
    }
}

/// A connection of HTTP/2 to `/dns-query`.
pub struct Http2Stream {
    tls: TlsStream,
    next: u32,
}

impl Http2Stream {
    /// Connects, and sends what a client begins with.
    pub fn connect(client: &Client, to: SocketAddr) -> Result<Self, Failure> {
        let mut tls = TlsStream::connect(client, to, b"h2")?;
        let settings = Http2Frame { kind: SETTINGS, flags: 0, stream: 0, body: &[] };
        tls.send(&[PREFACE, &settings.bytes()].concat())?;
        Ok(Self { tls, next: 1 })
    }

    /// The number of a new stream.
    pub fn stream(&mut self) -> u32 {
        self.next += 2;
        self.next - 2
    }

    /// Sends frames as they are. Errors: the server takes no more.
    pub fn send(&mut self, frames: &[u8]) -> Result<(), Failure> {
        self.tls.send(frames)
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        self.tls.socket()
    }

    /// Throws away what has come within this time. False: the server has closed the connection.
    pub fn drain(&mut self, within: Duration) -> Result<bool, Failure> {
        self.tls.drain(within)
    }

    /// The fields of a POST whose content has this length (RFC 7541, without its tables but the static one).
    pub fn post(length: usize) -> Vec<u8> {
        let mut block = vec![0x83, 0x87];
        let mut field = |name: &[u8], value: &[u8]| {
            block.extend_from_slice(name);
            block.push(value.len() as u8);
            block.extend_from_slice(value);
        };
        field(&[0x04], b"/dns-query");
        field(&[0x01], b"dns.test");
        field(&[0x0f, 0x10], b"application/dns-message");
        field(&[0x0f, 0x0d], length.to_string().as_bytes());
        block
    }

    /// The frame of a request's fields, its content still to come.
    pub fn head(stream: u32, block: &[u8]) -> Vec<u8> {
        Http2Frame { kind: HEADERS, flags: END_HEADERS, stream, body: block }.bytes()
    }

    /// The next frame: its kind, flags, stream and content.
    pub fn receive(&mut self) -> Result<(u8, u8, u32, Vec<u8>), Failure> {
        let mut head = [0; 9];
        self.tls.receive(&mut head)?;
        let mut body = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.tls.receive(&mut body)?;
        Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), body))
    }

    /// Gives the server room for as much content as it has sent.
    fn consumed(&mut self, length: usize) -> Result<(), Failure> {
        let body = (length as u32).to_be_bytes();
        self.send(&Http2Frame { kind: WINDOW_UPDATE, flags: 0, stream: 0, body: &body }.bytes())
    }
}

impl EncryptedConnection for Http2Stream {
    fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let asked = self.stream();
        let content = Http2Frame { kind: DATA, flags: END_STREAM, stream: asked, body: message };
        self.send(&[Self::head(asked, &Self::post(message.len())), content.bytes()].concat())?;
        let mut answer = Vec::new();
        loop {
            let (kind, flags, stream, body) = self.receive()?;
            match kind {
                SETTINGS if flags == 0 => {
                    self.send(&Http2Frame { kind: SETTINGS, flags: 1, stream: 0, body: &[] }.bytes())?;
                }
                HEADERS => ensure!(body.first() == Some(&OK), "the status is not 200: {body:?}"),
                // What was asked before is still answered.
                GOAWAY if body.get(4..8) == Some(&[0; 4]) => {}
                RST_STREAM | GOAWAY => fail!("the server ended it: kind {kind}, {body:?}"),
                DATA if stream == asked => {
                    answer.extend_from_slice(&body);
                    if !body.is_empty() {
                        self.consumed(body.len())?;
                    }
                }
                _ => {}
            }
            if stream == asked && (kind == DATA || kind == HEADERS) && flags & END_STREAM != 0 {
                return Ok(answer);
            }
        }
    }

    fn certificate(&self) -> Result<Vec<u8>, Failure> {
        self.tls.shown()
    }
}
