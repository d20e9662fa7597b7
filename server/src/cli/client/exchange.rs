//! One request and its response over a Unix socket (RFC 9112), within a time.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::control::socket;

/// The most octets of a response: a million zones fit.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// How often a server whose backlog is full is tried again.
const CONNECT_PAUSE: Duration = Duration::from_millis(20);

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerReply {
    /// The status code, such as 200.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

impl ServerReply {
    /// The errors that a failure names.
    pub(super) fn errors(&self) -> Vec<String> {
        match serde_json::from_slice(&self.body) {
            Ok(Errors { errors }) if !errors.is_empty() => errors,
            _ => vec![format!("the server answered with HTTP status {} and no reason", self.status)],
        }
    }
}

/// Sends a request over a connected stream and reads the response to its end.
///
/// Errors: `TimedOut` past the deadline, `UnexpectedEof` for a response cut off, `InvalidData` for one that is none.
pub(super) fn exchange(
    mut stream: UnixStream,
    method: &str,
    path: &str,
    body: &[u8],
    deadline: Instant,
) -> io::Result<ServerReply> {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: rhumb\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    stream.set_write_timeout(Some(left(deadline)?))?;
    // A server that refuses at once does not read the request, but what it said is there to be read.
    let sent = stream.write_all(&request);
    match read_to_end(stream, deadline) {
        Ok(response) if !response.is_empty() => parse(&response),
        Ok(_) => Err(sent.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())),
        Err(error) => Err(error),
    }
}

/// Connects, again and again while the server's backlog is full.
pub(super) fn connect(path: &Path, deadline: Instant) -> io::Result<UnixStream> {
    loop {
        match socket::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(left(deadline)?.min(CONNECT_PAUSE));
            }
            done => return done,
        }
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn read_to_end(stream: UnixStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut response = Vec::new();
    let mut stream = stream.take(MOST_BYTES);
    let mut room = [0; 16 * 1024];
    loop {
        stream.get_ref().set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut room) {
            Ok(0) => return Ok(response),
            Ok(count) => response.extend_from_slice(room.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            // The server closed with octets of the request unread: its response came before.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !response.is_empty() => {
                return Ok(response);
            }
            Err(error) => return Err(error),
        }
    }
}

fn parse(response: &[u8]) -> io::Result<ServerReply> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "not a response in HTTP");
    let end = response.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(invalid)?;
    let (head, body) = response.split_at_checked(end + 4).ok_or_else(invalid)?;
    let head = str::from_utf8(head).map_err(|_| invalid())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|line| line.get(..3));
    let status = status.and_then(|status| status.parse().ok()).ok_or_else(invalid)?;
    // The server always says the length: without it, what was cut off could not be told.
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse::<usize>().ok())
        .ok_or_else(invalid)?;
    match body.get(..length) {
        Some(body) => Ok(ServerReply { status, body: body.to_vec() }),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses() {
        let good = b"HTTP/1.1 422 Unprocessable\r\nX: y\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(parse(good).unwrap(), ServerReply { status: 422, body: b"ab".to_vec() });
        for (bad, kind) in [
            (&b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab"[..], io::ErrorKind::UnexpectedEof),
            (b"HTTP/1.1 200 OK\r\n\r\nab", io::ErrorKind::InvalidData),
            (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nab", io::ErrorKind::InvalidData),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n", io::ErrorKind::InvalidData),
            (b"HTTP/1.1 2\r\ncontent-length: 0\r\n\r\n", io::ErrorKind::InvalidData),
            (b"SSH-2.0-x\r\n\r\n", io::ErrorKind::InvalidData),
            (b"\xff\r\n\r\n", io::ErrorKind::InvalidData),
        ] {
            assert_eq!(parse(bad).unwrap_err().kind(), kind, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_failure_has_a_reason() {
        let reply = |body: &str| ServerReply { status: 500, body: body.as_bytes().to_vec() };
        assert_eq!(reply(r#"{"errors":["a","b"]}"#).errors(), ["a", "b"]);
        for body in ["", "{}", r#"{"errors":[]}"#, "oh"] {
            assert_eq!(reply(body).errors(), ["the server answered with HTTP status 500 and no reason"]);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = parse(&bytes);
            let _ = parse(&[&b"HTTP/1.1 200\r\ncontent-length: 4\r\n\r\n"[..], &bytes].concat());
        }
    }
}
