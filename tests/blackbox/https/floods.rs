//! Floods of frames of HTTP/2, from clients that do not wait to be told.

use std::time::Duration;

use rhumb_tests::rig::Message;
use rhumb_tests::rig::encrypted::{EncryptedConnection as _, Http2Frame, Http2Stream};
use rhumb_tests::rig::server::until;
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure};

use super::https_lab;
use crate::authoritative::Lab;
use crate::encrypted::PATIENCE;

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::beside("https::row51_streams_that_are_reset_end_the_connection", resets)];

/// Streams that a flood opens, unless it is stopped, and those of one write.
const STREAMS: usize = 3000;
const BATCH: usize = 10;
/// Between two writes. All streams take three seconds, many times as long as a connection has that is to end.
const PAUSE: Duration = Duration::from_millis(10);
/// Requests that the server may have begun with: those that it puts up with, and what came meanwhile.
const MOST: f64 = 400.0;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const WINDOW_UPDATE: u8 = 8;
const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;
/// CANCEL.
const CANCEL: &[u8] = &[0, 0, 0, 8];

fn connect(lab: &Lab) -> Result<Http2Stream, Failure> {
    Http2Stream::connect(&lab.client, "192.0.2.1:443".parse()?)
}

/// Opens streams until the server closes the connection; so many requests had it begun with.
fn flood(lab: &Lab, name: &str, of_one: impl Fn(u32) -> Vec<u8>) -> Result<(), Failure> {
    let begun = || lab.server.metric("rhumb_streams_total", &["proto=\"https\""]);
    let (before, mut connection) = (begun()?, connect(lab)?);
    let mut sent = 0;
    while sent < STREAMS {
        let bytes: Vec<u8> = (0..BATCH).flat_map(|_| of_one(connection.stream())).collect();
        sent += BATCH;
        if connection.send(&bytes).is_err() || !connection.drain(PAUSE)? {
            break;
        }
    }
    ensure!(sent < STREAMS, "{name}: {sent} streams, and the connection is still open");
    let requests = begun()? - before;
    ensure!(requests <= MOST, "{name}: {requests} requests were begun with");
    let message = Message { id: 0, ..Message::query("web.zone.test.", "A") }.to_wire();
    ensure!(connect(lab)?.exchange(&message).is_ok(), "{name}: a new connection is not served");
    Ok(())
}

fn resets() -> Verdict {
    // Nobody answers there.
    let (lab, _issued) = https_lab(|config| config.forward("slow.test", &["192.0.2.2"]).allow_all())?;
    let message = Message { id: 0, ..Message::query("www.slow.test.", "A") }.to_wire();
    let block = Http2Stream::post(message.len());
    let frame = |kind, flags, stream, body| Http2Frame { kind, flags, stream, body }.bytes();
    let head = |stream| frame(HEADERS, END_HEADERS, stream, &block);
    let content = |stream| frame(DATA, END_STREAM, stream, &message);
    let reset = |stream| frame(RST_STREAM, 0, stream, CANCEL);
    flood(&lab, "before the query", |stream| [head(stream), reset(stream)].concat())?;
    flood(&lab, "after the query", |stream| [head(stream), content(stream), reset(stream)].concat())?;
    let nothing = Http2Stream::post(0);
    flood(&lab, "no query", |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &nothing))?;
    // The server resets what the client has broken.
    flood(&lab, "by the server", |stream| [head(stream), frame(WINDOW_UPDATE, 0, stream, &[0; 4])].concat())?;
    let waiting = || lab.server.metric("rhumb_forward_waiting", &[]);
    let ended = until(PATIENCE, || waiting().is_ok_and(|waiting| waiting < 0.5));
    ensure!(ended, "{} queries still wait", waiting()?);
    Ok(Outcome::Passed)
}
