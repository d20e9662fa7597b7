//! As much HTTP as metrics and control need.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::failure::{Context, Failure};
use crate::rig::host::Host;

/// Status and body of an answer.
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Head, as text.
    pub head: String,
    /// Body, chunks joined.
    pub body: String,
}

/// GETs a path from a TCP listener of `host`.
pub fn get(host: &Host, to: SocketAddr, path: &str) -> Result<Answer, Failure> {
    let stream = host.within(|| TcpStream::connect_timeout(&to, Duration::from_secs(2)))?;
    let mut stream = stream.context(format!("connecting to {to}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    exchange(&mut stream, &request("GET", path))
}

/// Sends a request without a body to a unix socket.
pub fn over_unix(socket: &Path, method: &str, path: &str) -> Result<Answer, Failure> {
    let mut stream = UnixStream::connect(socket).context(socket.display())?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    exchange(&mut stream, &request(method, path))
}

fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: rhumb\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

fn exchange(stream: &mut (impl Read + Write), request: &str) -> Result<Answer, Failure> {
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

/// Reads a whole HTTP answer.
pub fn parse(bytes: &[u8]) -> Result<Answer, Failure> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").context(format!("no HTTP answer: {text:.80}"))?;
    let status =
        head.split_whitespace().nth(1).and_then(|word| word.parse().ok()).context("no HTTP status")?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { join_chunks(body) } else { body.to_owned() };
    Ok(Answer { status, head: head.to_owned(), body })
}

fn join_chunks(mut body: &str) -> String {
    let mut joined = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|_| size > 0) else { break };
        joined.push_str(chunk);
        body = rest.get(size + 2..).unwrap_or("");
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let answer =
            parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                .unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "abcde"));
    }
}
