//! The bytes of a client of HTTP/2: the first one says how they are cut and answered, the others follow the preface.

use std::time::Instant;

use rhumb_http2::{Http2Connection, Http2Event, Http2Response, RequestHead, ResponseField};

/// What a client begins with, and settings without content.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Streams that are open at a time, and the longest frame that is sent.
const MOST_STREAMS: usize = 100;
const LONGEST_FRAME: usize = 16_384;

/// Takes the bytes whole and in parts: what comes of them must be the same.
pub fn run(input: &[u8]) {
    let Some((how, bytes)) = input.split_first() else { return };
    let (cut, answer) = (usize::from(how % 16) * 5 + 1, usize::from(how / 16) * 900);
    let all = [BEGIN, bytes].concat();
    let (now, whole) = (Instant::now(), usize::MAX);
    assert_eq!(exchange(&all, cut, answer, now), exchange(&all, whole, answer, now), "boundaries matter");
}

/// What is sent to a client whose bytes come in parts of this length, each request answered by so many bytes.
fn exchange(all: &[u8], cut: usize, answer: usize, now: Instant) -> Vec<u8> {
    let (mut out, mut head, mut kept) = (Vec::new(), RequestHead::default(), Vec::new());
    let mut connection = Http2Connection::new(&mut out);
    'parts: for part in all.chunks(cut.min(all.len().max(1))) {
        kept.extend_from_slice(part);
        let mut rest = kept.as_slice();
        loop {
            let whole = match connection.next_event(&mut rest, &mut head, now, &mut out) {
                Ok(Some(Http2Event::Head { stream, ended })) => {
                    assert!(stream % 2 == 1 && !head.method().is_empty());
                    if !ended {
                        connection.allow(stream, 1000, &mut out);
                    }
                    ended.then_some(stream)
                }
                Ok(Some(Http2Event::Data { stream, ended, .. })) => ended.then_some(stream),
                Ok(Some(Http2Event::Reset { .. })) => None,
                Ok(None) => break,
                Err(_) => break 'parts,
            };
            if let Some(stream) = whole {
                respond(&mut connection, stream, answer, &mut out);
            }
            assert!(connection.open_streams() <= MOST_STREAMS);
            assert!(connection.unsent() <= MOST_STREAMS * answer);
        }
        kept = rest.to_vec();
    }
    assert_frames(&out);
    out
}

fn respond(connection: &mut Http2Connection, stream: u32, answer: usize, out: &mut Vec<u8>) {
    let content = vec![7; answer];
    let length = answer.to_string();
    let fields: [(ResponseField, &[u8]); 2] = [
        (ResponseField::ContentType, b"application/dns-message"),
        (ResponseField::ContentLength, length.as_bytes()),
    ];
    let response = Http2Response {
        status: 200,
        fields: &fields,
        content: &content,
        has_query: !stream.is_multiple_of(3),
    };
    connection.respond(stream, &response, out);
}

/// Whether these are whole frames that every client takes.
fn assert_frames(out: &[u8]) {
    let mut rest = out;
    while let Some(([l1, l2, l3, ..], behind)) = rest.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, *l1, *l2, *l3]) as usize;
        assert!(length <= LONGEST_FRAME && length <= behind.len(), "a frame of {length} bytes");
        rest = &behind[length..];
    }
    assert!(rest.is_empty(), "a part of a frame");
}
