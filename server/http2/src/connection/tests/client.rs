//! A client that writes what it likes, and reads all that it gets.

use std::time::Instant;

use crate::connection::PREFACE;
use crate::frame::{FrameFront, InputFrame, flag, kind, put_frame};
use crate::header_decoder::{DecodedStrings, HeaderDecoder};
use crate::{Http2Connection, Http2ErrorCode, Http2Event, Http2Response, RequestHead, ResponseField};

/// A GET: its method, scheme, path and authority.
pub(super) const GET: &[u8] = b"\x82\x87\x04\x04/get\x01\x01a";

/// A frame, as it is sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) content: Vec<u8>,
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_frame(&mut bytes, kind, flags, stream, content);
    bytes
}

/// A whole request without content.
pub(super) fn get(stream: u32) -> Vec<u8> {
    frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, stream, GET)
}

/// A POST whose content has this length, as it says; it is still to come.
pub(super) fn post(stream: u32, length: Option<usize>) -> Vec<u8> {
    let mut block = b"\x83\x87\x04\x04/get\x01\x01a".to_vec();
    if let Some(length) = length {
        let length = length.to_string();
        block.extend_from_slice(&[0x0f, 0x0d, length.len() as u8]);
        block.extend_from_slice(length.as_bytes());
    }
    frame(kind::HEADERS, flag::END_HEADERS, stream, &block)
}

/// The last content of a request.
pub(super) fn last(stream: u32, content: &[u8]) -> Vec<u8> {
    frame(kind::DATA, flag::END_STREAM, stream, content)
}

pub(super) fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(kind::WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

pub(super) fn setting(setting: u16, value: u32) -> Vec<u8> {
    frame(kind::SETTINGS, 0, 0, &[&setting.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

/// An event, with its content as a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Head(u32, bool),
    Data(u32, Vec<u8>, bool),
    Reset(u32),
}

/// A connection, and what its client has got.
pub(super) struct Lab {
    pub(super) connection: Http2Connection,
    pub(super) head: RequestHead,
    pub(super) failed: Option<Http2ErrorCode>,
    pub(super) now: Instant,
    kept: Vec<u8>,
    out: Vec<u8>,
    decoder: HeaderDecoder,
}

impl Lab {
    /// Before the preface.
    pub(super) fn silent() -> Self {
        let mut out = Vec::new();
        let connection = Http2Connection::new(&mut out);
        let (head, decoder) = (RequestHead::default(), HeaderDecoder::new());
        Self { connection, head, failed: None, now: Instant::now(), kept: Vec::new(), out, decoder }
    }

    /// After preface and settings, both of which are acknowledged.
    pub(super) fn new() -> Self {
        Self::with_settings(&frame(kind::SETTINGS, 0, 0, &[]))
    }

    pub(super) fn with_settings(settings: &[u8]) -> Self {
        let mut lab = Self::silent();
        lab.send(PREFACE);
        lab.send(settings);
        lab.send(&frame(kind::SETTINGS, flag::ACK, 0, &[]));
        lab.frames();
        lab
    }

    /// Sends bytes; gives what has come of them.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.kept.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut rest = self.kept.as_slice();
        loop {
            match self.connection.next_event(&mut rest, &mut self.head, self.now, &mut self.out) {
                Ok(Some(Http2Event::Head { stream, ended })) => events.push(Event::Head(stream, ended)),
                Ok(Some(Http2Event::Data { stream, content, ended })) => {
                    events.push(Event::Data(stream, content.to_vec(), ended));
                }
                Ok(Some(Http2Event::Reset { stream })) => events.push(Event::Reset(stream)),
                Ok(None) => break,
                Err(code) => {
                    self.failed = Some(code);
                    break;
                }
            }
        }
        self.kept = rest.to_vec();
        events
    }

    /// Answers a request with 200.
    pub(super) fn answer(&mut self, stream: u32, content: &[u8]) {
        self.respond(stream, content, true);
    }

    pub(super) fn respond(&mut self, stream: u32, content: &[u8], has_query: bool) {
        let length = content.len().to_string();
        let fields = [(ResponseField::ContentLength, length.as_bytes())];
        let response = Http2Response { status: 200, fields: &fields, content, has_query };
        self.connection.respond(stream, &response, &mut self.out);
    }

    pub(super) fn allow(&mut self, stream: u32, more: u32) {
        self.connection.allow(stream, more, &mut self.out);
    }

    pub(super) fn shut_down(&mut self) {
        self.connection.shut_down(&mut self.out);
    }

    /// The frames that the client has got since it was asked last.
    pub(super) fn frames(&mut self) -> Vec<Frame> {
        let all = std::mem::take(&mut self.out);
        let mut rest = all.as_slice();
        let mut frames = Vec::new();
        while let FrameFront::Whole(InputFrame { kind, flags, stream, content }) = InputFrame::take(&mut rest)
        {
            frames.push(Frame { kind, flags, stream, content: content.to_vec() });
        }
        assert!(rest.is_empty(), "a part of a frame: {rest:?}");
        frames
    }

    /// The fields of the head of a response, all of which have to be read in order.
    pub(super) fn fields(&mut self, head: &Frame) -> Vec<String> {
        let mut fields = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        self.decoder
            .decode(&head.content, &mut DecodedStrings::default(), |field| {
                fields.push(format!("{}: {}", text(field.name), text(field.value)));
            })
            .unwrap();
        fields
    }

    /// The streams that were reset, and why.
    pub(super) fn resets(&mut self) -> Vec<(u32, u32)> {
        let resets = self.frames().into_iter().filter(|frame| frame.kind == kind::RST_STREAM);
        resets.map(|frame| (frame.stream, u32::from_be_bytes(frame.content.try_into().unwrap()))).collect()
    }

    /// The connection has ended, which the client is told.
    pub(super) fn assert_failed(&mut self, code: Http2ErrorCode) {
        assert_eq!(self.failed, Some(code));
        let goaway = self.frames().pop().expect("a last frame");
        assert_eq!((goaway.kind, goaway.stream), (kind::GOAWAY, 0));
        assert_eq!(goaway.content[4..], (code as u32).to_be_bytes());
        assert_eq!(self.send(&get(1001)), [], "nothing is taken any more");
        assert_eq!(self.frames(), []);
    }
}

/// Bytes that end the connection by this code.
pub(super) fn assert_fails(before: &[u8], bytes: &[u8], code: Http2ErrorCode) {
    let mut lab = Lab::new();
    lab.send(before);
    assert_eq!(lab.failed, None, "{before:?}");
    lab.send(bytes);
    assert_eq!(lab.failed, Some(code), "{bytes:?}");
    lab.assert_failed(code);
}
