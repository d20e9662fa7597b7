//! Floods of frames of HTTP/2, from clients that do not wait to be told.

use std::time::Duration;

use rhumb_tests::rig::encrypted::{EncryptedConnection as _, Http2Frame, Http2Stream};
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Message, Upstream};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::https_lab;
use crate::authoritative::Lab;
use crate::encrypted::TIME_LIMIT;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("https::row51_streams_that_are_reset_end_the_connection", resets),
    Test::beside("https::row51_frames_without_requests_end_the_connection", frames),
    Test::beside("https::answers_wait_for_room", windows),
    Test::beside("https::all_that_was_held_goes_on", held),
    Test::beside("https::row47_what_is_held_for_a_client_is_bounded", unread),
];

/// Streams that a flood opens, unless it is stopped, and those of one write.
const STREAMS: usize = 3000;
const BATCH: usize = 10;
/// As many streams as a client may have open.
const AT_ONCE: usize = 100;
/// Between two writes. All streams take three seconds, many times as long as a connection has that is to end.
const PAUSE: Duration = Duration::from_millis(10);
/// Requests that the server may have begun with: those that it puts up with, and what came meanwhile.
const MOST: f64 = 400.0;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
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
    let ended = until(TIME_LIMIT, || waiting().is_ok_and(|waiting| waiting < 0.5));
    ensure!(ended, "{} queries still wait", waiting()?);
    Ok(Outcome::Passed)
}

/// Frames that none of the server's bounds on streams concerns.
fn frames() -> Verdict {
    let (lab, _issued) = https_lab(|config| config)?;
    let frame = |kind, flags, stream, body: &[u8]| Http2Frame { kind, flags, stream, body }.bytes();
    let begun = Http2Stream::head(1, &Http2Stream::post(60_000));
    let open_head = frame(HEADERS, 0, 1, &Http2Stream::post(0));
    for (name, first, each) in [
        ("settings", Vec::new(), frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])),
        ("ping", Vec::new(), frame(PING, 0, 0, &[7; 8])),
        ("windows", Vec::new(), frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("unknown", Vec::new(), frame(0xbe, 0, 0, &[7; 8])),
        ("empty content", begun.clone(), frame(DATA, 0, 1, &[])),
        ("small content", begun, frame(DATA, 0, 1, &[7])),
        ("an endless head", open_head, frame(CONTINUATION, 0, 1, &[])),
    ] {
        let mut connection = connect(&lab)?;
        let mut sent = 0;
        let mut open = connection.send(&first).is_ok();
        while open && sent < STREAMS {
            open = connection.send(&each.repeat(BATCH)).is_ok() && connection.drain(PAUSE)?;
            sent += BATCH;
        }
        ensure!(!open, "{name}: {sent} frames, and the connection is still open");
    }
    let message = Message { id: 0, ..Message::query("web.zone.test.", "A") }.to_wire();
    ensure!(connect(&lab)?.exchange(&message).is_ok(), "a new connection is not served");
    Ok(Outcome::Passed)
}

/// A client that gives room for a few bytes at a time gets its whole answer.
fn windows() -> Verdict {
    let (lab, _issued) = https_lab(|config| config)?;
    let mut connection = connect(&lab)?;
    let message = Message { id: 0, ..Message::query("large.zone.test.", "A") }.to_wire();
    let whole = connection.exchange(&message)?;
    ensure!(whole.len() > 1000, "{} bytes", whole.len());
    let frame = |kind, flags, stream, body: &[u8]| Http2Frame { kind, flags, stream, body }.bytes();
    // No room at all, on any stream.
    connection.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]))?;
    let stream = connection.stream();
    let head = Http2Stream::head(stream, &Http2Stream::post(message.len()));
    connection.send(&[head, frame(DATA, END_STREAM, stream, &message)].concat())?;
    let mut got = Vec::new();
    while got.len() < whole.len() {
        connection.send(&frame(WINDOW_UPDATE, 0, stream, &[0, 0, 0, 100]))?;
        let before = got.len();
        while got.len() == before {
            let (kind, _, of, body) = connection.receive()?;
            ensure!(of != stream || kind != RST_STREAM, "the answer is given up: {body:?}");
            if kind == DATA && of == stream {
                got.extend_from_slice(&body);
            }
        }
        ensure!(got.len() - before <= 100, "{} bytes at a time", got.len() - before);
    }
    ensure!(got == whole, "another answer: {got:?}");
    Ok(Outcome::Passed)
}

/// A client that takes no answers loses those that come later, and its large queries.
fn unread() -> Verdict {
    let (lab, _issued) = https_lab(|config| config.forward("slow.test", &["192.0.2.2"]).allow_all())?;
    let delay = Duration::from_secs(1);
    let slow = every_name("198.18.0.9");
    let upstream = script(move |asked| slow(asked).after(delay));
    let _upstream = Upstream::start(lab.client.host(), "192.0.2.2", upstream)?;
    let frame = |kind, flags, stream, body: &[u8]| Http2Frame { kind, flags, stream, body }.bytes();
    let ask = |stream, message: &[u8]| {
        let head = Http2Stream::head(stream, &Http2Stream::post(message.len()));
        [head, frame(DATA, END_STREAM, stream, message)].concat()
    };
    let of = |name: &str| Message { id: 0, ..Message::query(name, "A") }.to_wire();
    let mut connection = connect(&lab)?;
    connection.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]))?;
    let (late, large) = (connection.stream(), of("large.zone.test."));
    connection.send(&ask(late, &of("www.slow.test.")))?;
    let all: Vec<u8> = (0..AT_ONCE / 2).flat_map(|_| ask(connection.stream(), &large)).collect();
    connection.send(&all)?;
    let mut long = of("web.zone.test.");
    long.resize(4096, 0);
    let last = connection.stream();
    connection.send(&ask(last, &long))?;
    let mut refused = Vec::new();
    while refused.len() < 2 {
        let (kind, _, stream, body) = connection.receive()?;
        if kind == HEADERS && body.first() != Some(&0x88) {
            refused.push(stream);
        }
    }
    ensure_eq!(refused, [last, late], "the streams that were refused");
    Ok(Outcome::Passed)
}

/// More answers than are held for a client: when it gives room, the requests that had to wait for that are answered too.
fn held() -> Verdict {
    let (lab, _issued) = https_lab(|config| config)?;
    let message = Message { id: 0, ..Message::query("large.zone.test.", "A") }.to_wire();
    let frame = |kind, flags, stream, body: &[u8]| Http2Frame { kind, flags, stream, body }.bytes();
    let head = Http2Stream::post(message.len());
    let mut connection = connect(&lab)?;
    connection.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]))?;
    let mut all = Vec::new();
    for _ in 0..AT_ONCE {
        let stream = connection.stream();
        all.extend([Http2Stream::head(stream, &head), frame(DATA, END_STREAM, stream, &message)].concat());
    }
    connection.send(&all)?;
    ensure!(connection.drain(20 * PAUSE)?, "the connection is closed");
    let room = [frame(SETTINGS, 0, 0, &[0, 4, 0, 16, 0, 0]), frame(WINDOW_UPDATE, 0, 0, &[0, 16, 0, 0])];
    connection.send(&room.concat())?;
    let mut ended = 0;
    while ended < AT_ONCE {
        let (kind, flags, stream, body) = connection.receive()?;
        ensure!(kind != RST_STREAM, "stream {stream} is given up: {body:?}");
        ended += usize::from(kind == DATA && flags & END_STREAM != 0);
    }
    Ok(Outcome::Passed)
}
