//! A connection of HTTP/2 as a server sees it, without its socket: bytes in, requests out, responses in, bytes out.

mod control;
mod requests;
mod responses;

use std::time::Instant;

use super::error_code::Http2ErrorCode;
use super::frame::{FrameFront, InputFrame, LARGEST, flag, kind, put_frame};
use super::frame_budget::FrameBudget;
use super::header_decoder::HeaderDecoder;
use super::open_stream::StreamTable;
use super::request_head::RequestHead;
use super::response_encoder::{ResponseEncoder, ResponseField};
use super::settings::{FIRST_WINDOW, put_settings};

/// What a client begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What the signal carries that the end of a connection waits for.
const CLOSING_PING: [u8; 8] = *b"shutdown";

/// What a client has done. Streams are named by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2Event<'i> {
    /// The head of a request is there. It is to be answered, or reset by the client, and `ended` says whether it has no content.
    Head {
        /// The number of the stream that the client has opened for it.
        stream: u32,
        /// Whether it is whole.
        ended: bool,
    },
    /// Some of the content of a request, maybe nothing where it ends.
    Data {
        /// The number of the stream that the client has opened for it.
        stream: u32,
        /// Its bytes, without padding.
        content: &'i [u8],
        /// Whether the request is whole.
        ended: bool,
    },
    /// A request has ended that waits for its response or its content: the client has given it up, or broken it.
    Reset {
        /// The number of the stream that the client has opened for it.
        stream: u32,
    },
}

/// What answers one request (RFC 9113, section 8.3.2).
#[derive(Clone, Copy, Debug)]
pub struct Http2Response<'a> {
    /// The status code, as 200 (RFC 9110, section 15).
    pub status: u16,
    /// What else is in its head.
    pub fields: &'a [(ResponseField, &'a [u8])],
    /// The content in bytes; none where it is empty.
    pub content: &'a [u8],
    /// Whether there was a query: responses to requests without one are no reason to keep a connection.
    pub has_query: bool,
}

/// What is wrong with a frame (RFC 9113, section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FrameFault {
    Connection(Http2ErrorCode),
    Stream(u32, Http2ErrorCode),
}

/// What a frame that is right has brought about.
type FrameResult<'i> = Result<Option<Http2Event<'i>>, FrameFault>;

/// What a connection begins with, and is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionStart {
    Preface,
    Settings,
    Done,
}

/// How far the end of a connection has come (RFC 9113, section 6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionEnd {
    Open,
    /// The client was told, and may not know it: its requests are still taken.
    Announced,
    /// Further requests are refused.
    Closing,
    Failed(Http2ErrorCode),
}

/// A header block that is not whole.
#[derive(Debug)]
struct PartialBlock {
    stream: u32,
    ended: bool,
    bytes: Vec<u8>,
}

/// A connection, from the preface of the client on.
///
/// What its functions append to `out` is to be sent, all of it and in order.
#[derive(Debug)]
pub struct Http2Connection {
    decoder: HeaderDecoder,
    encoder: ResponseEncoder,
    streams: StreamTable,
    budget: FrameBudget,
    partial: Option<PartialBlock>,
    start: ConnectionStart,
    /// Whether the client has said that it holds to the settings of this side.
    is_acknowledged: bool,
    /// How many requests were refused before that for what the client could not know.
    untold: u32,
    /// How much content the client may send, and what it has sent without getting new room.
    receive_window: i64,
    uncredited: usize,
    /// How much content may be sent, and what streams begin with.
    send_window: i64,
    first_window: u32,
    /// How much content of responses waits for that, in bytes.
    unsent: usize,
    end: ConnectionEnd,
    is_left: bool,
}

impl Http2Connection {
    /// Begins with the settings of this side.
    pub fn new(out: &mut Vec<u8>) -> Self {
        put_settings(out);
        Self {
            decoder: HeaderDecoder::new(),
            encoder: ResponseEncoder::new(),
            streams: StreamTable::default(),
            budget: FrameBudget::default(),
            partial: None,
            start: ConnectionStart::Preface,
            is_acknowledged: false,
            untold: 0,
            receive_window: i64::from(FIRST_WINDOW),
            uncredited: 0,
            send_window: i64::from(FIRST_WINDOW),
            first_window: FIRST_WINDOW,
            unsent: 0,
            end: ConnectionEnd::Open,
            is_left: false,
        }
    }

    /// Takes frames from the front of `input` until one of them brings an event; none where what is left is no whole frame. The head of
    /// a request is in `head` then. Errors: the connection has to be closed, once what is in `out` is sent.
    pub fn next_event<'i>(
        &mut self,
        input: &mut &'i [u8],
        head: &mut RequestHead,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Result<Option<Http2Event<'i>>, Http2ErrorCode> {
        loop {
            if let ConnectionEnd::Failed(code) = self.end {
                return Err(code);
            }
            if self.budget.is_spent() {
                return Err(self.fail(Http2ErrorCode::EnhanceYourCalm, out));
            }
            if self.start == ConnectionStart::Preface {
                match input.split_at_checked(PREFACE.len()) {
                    Some((PREFACE, behind)) => {
                        (self.start, *input) = (ConnectionStart::Settings, behind);
                    }
                    None if PREFACE.starts_with(input) => return Ok(None),
                    _ => return Err(self.fail(Http2ErrorCode::Protocol, out)),
                }
            }
            let frame = match InputFrame::take(input) {
                FrameFront::Whole(frame) => frame,
                FrameFront::Part => return Ok(None),
                FrameFront::Long => return Err(self.fail(Http2ErrorCode::FrameSize, out)),
            };
            match self.take_frame(frame, head, now, out) {
                Ok(None) => {}
                Ok(event) => return Ok(event),
                Err(FrameFault::Connection(code)) => return Err(self.fail(code, out)),
                Err(FrameFault::Stream(stream, code)) => {
                    if self.reset(stream, code, out) {
                        return Ok(Some(Http2Event::Reset { stream }));
                    }
                }
            }
        }
    }

    /// How many requests wait for their content or their response.
    pub const fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// How much content of responses waits until the client has room for it, in bytes.
    pub const fn unsent(&self) -> usize {
        self.unsent
    }

    /// Whether no further request will come: either side has said so.
    pub const fn is_closing(&self) -> bool {
        self.is_left || matches!(self.end, ConnectionEnd::Closing | ConnectionEnd::Failed(_))
    }

    /// Tells the client that the connection ends. What it has asked before it knows is still taken.
    pub fn shut_down(&mut self, out: &mut Vec<u8>) {
        if self.end == ConnectionEnd::Open {
            self.end = ConnectionEnd::Announced;
            put_goaway(LARGEST, Http2ErrorCode::NoError, out);
            put_frame(out, kind::PING, 0, 0, &CLOSING_PING);
        }
    }

    fn take_frame<'i>(
        &mut self,
        frame: InputFrame<'i>,
        head: &mut RequestHead,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        let is_continued = frame.kind == kind::CONTINUATION;
        let expected = match &self.partial {
            Some(partial) => is_continued && frame.stream == partial.stream,
            None => !is_continued,
        };
        let is_first = self.start == ConnectionStart::Settings;
        if !expected || is_first && (frame.kind != kind::SETTINGS || frame.has(flag::ACK)) {
            return Err(FrameFault::Connection(Http2ErrorCode::Protocol));
        }
        self.start = ConnectionStart::Done;
        match frame.kind {
            kind::HEADERS => self.take_headers(frame, head, out),
            kind::CONTINUATION => self.take_continuation(frame, head, now, out),
            kind::DATA => self.take_data(frame, now, out),
            kind::WINDOW_UPDATE => self.take_window_update(frame, now, out),
            kind::RST_STREAM => self.take_reset(frame, now, out),
            kind::SETTINGS => self.take_settings(frame, now, out),
            kind::PING => self.take_ping(frame, now, out),
            kind::GOAWAY => self.take_goaway(frame, now),
            kind::PRIORITY => self.take_priority(frame, now),
            kind::PUSH_PROMISE => Err(FrameFault::Connection(Http2ErrorCode::Protocol)),
            _ => {
                self.budget.frame(now);
                Ok(None)
            }
        }
    }

    /// Ends the connection by an error of the client.
    fn fail(&mut self, code: Http2ErrorCode, out: &mut Vec<u8>) -> Http2ErrorCode {
        put_goaway(self.streams.last(), code, out);
        self.end = ConnectionEnd::Failed(code);
        code
    }

    /// Ends a stream by an error of the client. Whether it had a request that is not answered yet.
    fn reset(&mut self, stream: u32, code: Http2ErrorCode, out: &mut Vec<u8>) -> bool {
        put_reset(stream, code, out);
        self.streams.abandon(stream);
        self.budget.useless();
        self.drop_stream(stream, out)
    }

    /// Forgets a stream. Whether it had a request that is not answered yet.
    fn drop_stream(&mut self, stream: u32, out: &mut Vec<u8>) -> bool {
        let Some(gone) = self.streams.remove(stream) else { return false };
        self.unsent -= gone.waiting();
        self.credit(gone.withheld, out);
        !gone.is_answered
    }
}

/// Writes that no stream behind `last` is served (RFC 9113, section 6.8).
fn put_goaway(last: u32, code: Http2ErrorCode, out: &mut Vec<u8>) {
    let ([s1, s2, s3, s4], [c1, c2, c3, c4]) = (last.to_be_bytes(), (code as u32).to_be_bytes());
    put_frame(out, kind::GOAWAY, 0, 0, &[s1, s2, s3, s4, c1, c2, c3, c4]);
}

fn put_reset(stream: u32, code: Http2ErrorCode, out: &mut Vec<u8>) {
    put_frame(out, kind::RST_STREAM, 0, stream, &(code as u32).to_be_bytes());
}

#[cfg(test)]
mod tests;
