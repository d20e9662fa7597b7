//! Frames that requests consist of (RFC 9113, sections 6.1, 6.2 and 6.10).

use std::time::Instant;

use super::responses::put_response_head;
use super::{ConnectionEnd, FrameFault, FrameResult, Http2Connection, Http2Event, PartialBlock, put_reset};
use crate::error_code::Http2ErrorCode;
use crate::frame::{InputFrame, flag, kind, put_frame, put_head, window_size};
use crate::open_stream::{OpenStream, StreamState};
use crate::request_head::{HeadFault, RequestHead};
use crate::settings::{FIRST_WINDOW, MOST_STREAMS, STREAM_WINDOW};

/// The longest header block, in bytes: several times what a head may have, so that one that is too long can be answered and what it
/// has to be remembered of it is known. What is longer still ends the connection.
const LONGEST_BLOCK: usize = 32 << 10;
/// What a frame of HEADERS has of priority, in bytes.
const PRIORITY: usize = 5;
/// Content in frames that are shorter than this, and not the last, is of no use: many could make work, and no client sends so.
const SMALL: usize = 64;
/// How much content the client may send before it gets new room, in bytes: half of what the connection begins with.
const CREDIT: usize = FIRST_WINDOW as usize / 2;
/// Requests beyond the limit, sent before the client knows it, that are refused without being held against it.
const MOST_UNTOLD: u32 = 400;
/// What a head that is too long is answered by.
const TOO_LONG: u16 = 431;

impl Http2Connection {
    /// Lets the client send so much more of the content of a request than any usual query has.
    pub fn allow(&mut self, stream: u32, more: u32, out: &mut Vec<u8>) {
        let Some(open) = self.streams.get_mut(stream) else { return };
        open.is_allowed = true;
        open.receive_window += i64::from(more);
        let withheld = std::mem::take(&mut open.withheld);
        put_frame(out, kind::WINDOW_UPDATE, 0, stream, &more.to_be_bytes());
        self.credit(withheld, out);
    }

    pub(super) fn take_headers<'i>(
        &mut self,
        frame: InputFrame<'i>,
        head: &mut RequestHead,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        if frame.stream.is_multiple_of(2) {
            return Err(FrameFault::Connection(Http2ErrorCode::Protocol));
        }
        let mut fragment = frame.unpadded().ok_or(FrameFault::Connection(Http2ErrorCode::Protocol))?;
        if frame.has(flag::PRIORITY) {
            fragment = fragment.get(PRIORITY..).ok_or(FrameFault::Connection(Http2ErrorCode::FrameSize))?;
        }
        let ended = frame.has(flag::END_STREAM);
        if frame.has(flag::END_HEADERS) {
            return self.take_block(frame.stream, ended, fragment, head, out);
        }
        self.partial = Some(PartialBlock { stream: frame.stream, ended, bytes: fragment.to_vec() });
        Ok(None)
    }

    pub(super) fn take_continuation<'i>(
        &mut self,
        frame: InputFrame<'i>,
        head: &mut RequestHead,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        let Some(mut partial) = self.partial.take() else {
            return Err(FrameFault::Connection(Http2ErrorCode::Protocol));
        };
        self.budget.frame(now);
        if partial.bytes.len() + frame.content.len() > LONGEST_BLOCK {
            return Err(FrameFault::Connection(Http2ErrorCode::EnhanceYourCalm));
        }
        partial.bytes.extend_from_slice(frame.content);
        if frame.has(flag::END_HEADERS) {
            return self.take_block(partial.stream, partial.ended, &partial.bytes, head, out);
        }
        self.partial = Some(partial);
        Ok(None)
    }

    /// A whole header block: of a request, of trailers, or of what is over.
    fn take_block<'i>(
        &mut self,
        stream: u32,
        ended: bool,
        block: &[u8],
        head: &mut RequestHead,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        let compression = |_| FrameFault::Connection(Http2ErrorCode::Compression);
        head.read(block, &mut self.decoder).map_err(compression)?;
        match self.streams.state(stream) {
            StreamState::Idle => self.begin_request(stream, ended, head, out),
            StreamState::Open => self.end_request(stream, ended, head),
            StreamState::Abandoned => {
                self.budget.useless();
                Ok(None)
            }
            StreamState::Closed => Err(FrameFault::Connection(Http2ErrorCode::StreamClosed)),
        }
    }

    fn begin_request<'i>(
        &mut self,
        stream: u32,
        ended: bool,
        head: &RequestHead,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        self.streams.note(stream);
        let is_full = self.streams.len() >= MOST_STREAMS;
        if is_full && !self.is_acknowledged && self.untold < MOST_UNTOLD {
            self.refuse_untold(stream, ended, out);
            return Ok(None);
        }
        if self.end == ConnectionEnd::Closing || is_full {
            return Err(FrameFault::Stream(stream, Http2ErrorCode::RefusedStream));
        }
        match head.check_request() {
            Ok(()) if ended && head.content_length().is_some_and(|length| length > 0) => {
                return Err(FrameFault::Stream(stream, Http2ErrorCode::Protocol));
            }
            Ok(()) => {}
            Err(HeadFault::Malformed) => return Err(FrameFault::Stream(stream, Http2ErrorCode::Protocol)),
            Err(HeadFault::Long) => {
                self.reject_head(stream, ended, out);
                return Ok(None);
            }
        }
        let window = if self.is_acknowledged { STREAM_WINDOW } else { FIRST_WINDOW };
        self.streams.push(OpenStream {
            id: stream,
            is_receiving: !ended,
            receive_window: i64::from(window),
            received: 0,
            withheld: 0,
            is_allowed: false,
            announced: head.content_length(),
            send_window: i64::from(self.first_window),
            is_answered: false,
            unsent: Vec::new(),
            sent: 0,
        });
        self.budget.begun();
        Ok(Some(Http2Event::Head { stream, ended }))
    }

    /// Refuses a request beyond a limit that the client does not know yet, which is no fault (RFC 9113, section 5.1.2).
    fn refuse_untold(&mut self, stream: u32, ended: bool, out: &mut Vec<u8>) {
        self.untold += 1;
        put_reset(stream, Http2ErrorCode::RefusedStream, out);
        if !ended {
            self.streams.abandon(stream);
        }
        // Frames of it may be on their way.
        self.budget.begun();
    }

    /// Answers a request whose head is too long.
    fn reject_head(&mut self, stream: u32, ended: bool, out: &mut Vec<u8>) {
        put_response_head((stream, true), TOO_LONG, &[], &mut self.encoder, out);
        self.budget.useless();
        if !ended {
            put_reset(stream, Http2ErrorCode::NoError, out);
            self.streams.abandon(stream);
        }
    }

    /// Trailers, which end the content (RFC 9113, section 8.1).
    fn end_request<'i>(&mut self, stream: u32, ended: bool, head: &RequestHead) -> FrameResult<'i> {
        let fault = |code| FrameFault::Stream(stream, code);
        let Some(open) = self.streams.get_mut(stream) else { return Ok(None) };
        if !open.is_receiving {
            return Err(fault(Http2ErrorCode::StreamClosed));
        }
        if !ended || head.check_trailers().is_err() || open.announced.is_some_and(|left| left > 0) {
            return Err(fault(Http2ErrorCode::Protocol));
        }
        open.is_receiving = false;
        Ok(if open.is_answered { None } else { Some(Http2Event::Data { stream, content: &[], ended }) })
    }

    pub(super) fn take_data<'i>(
        &mut self,
        frame: InputFrame<'i>,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        let InputFrame { stream, content, .. } = frame;
        let (length, ended) = (content.len(), frame.has(flag::END_STREAM));
        let content = frame.unpadded().ok_or(FrameFault::Connection(Http2ErrorCode::Protocol))?;
        // What counts for the windows has the padding in it (RFC 9113, section 6.1).
        self.receive_window -= window_size(length);
        if self.receive_window < 0 {
            return Err(FrameFault::Connection(Http2ErrorCode::FlowControl));
        }
        if !ended && content.len() < SMALL {
            self.budget.frame(now);
        }
        match self.streams.state(stream) {
            StreamState::Idle => Err(FrameFault::Connection(Http2ErrorCode::Protocol)),
            StreamState::Closed => Err(FrameFault::Connection(Http2ErrorCode::StreamClosed)),
            StreamState::Abandoned => {
                self.budget.frame(now);
                self.credit(length, out);
                Ok(None)
            }
            StreamState::Open => {
                let taken = self.take_content(stream, length, content.len() as u64, ended);
                let (withheld, is_answered) = taken.unwrap_or_default();
                self.credit(length - withheld, out);
                taken.map_err(|code| FrameFault::Stream(stream, code))?;
                if !ended && length > content.len() {
                    self.credit_padding(stream, length - content.len(), out);
                }
                Ok(if is_answered { None } else { Some(Http2Event::Data { stream, content, ended }) })
            }
        }
    }

    /// Content of an open stream: how much of it the connection gets no new room for, and whether nobody waits for it any more.
    fn take_content(
        &mut self,
        stream: u32,
        length: usize,
        content: u64,
        ended: bool,
    ) -> Result<(usize, bool), Http2ErrorCode> {
        let Some(open) = self.streams.get_mut(stream) else { return Ok((0, true)) };
        if !open.is_receiving {
            return Err(Http2ErrorCode::StreamClosed);
        }
        open.receive_window -= window_size(length);
        if open.receive_window < 0 {
            return Err(Http2ErrorCode::FlowControl);
        }
        if let Some(left) = &mut open.announced {
            *left = left.checked_sub(content).ok_or(Http2ErrorCode::Protocol)?;
            if ended && *left > 0 {
                return Err(Http2ErrorCode::Protocol);
            }
        }
        open.is_receiving = !ended;
        open.received += length;
        let is_more = open.received > STREAM_WINDOW as usize && !open.is_allowed && !ended;
        let withheld = if is_more { length } else { 0 };
        open.withheld += withheld;
        Ok((withheld, open.is_answered))
    }

    /// Gives a stream room in exchange for padding, which nobody else does.
    fn credit_padding(&mut self, stream: u32, padding: usize, out: &mut Vec<u8>) {
        if let Some(open) = self.streams.get_mut(stream) {
            open.receive_window += window_size(padding);
            open.received = open.received.saturating_sub(padding);
            put_frame(out, kind::WINDOW_UPDATE, 0, stream, &(padding as u32).to_be_bytes());
        }
    }

    /// Gives the connection room for so much that was taken.
    pub(super) fn credit(&mut self, length: usize, out: &mut Vec<u8>) {
        self.uncredited += length;
        if self.uncredited >= CREDIT {
            let more = std::mem::take(&mut self.uncredited);
            self.receive_window += window_size(more);
            put_head(out, 4, kind::WINDOW_UPDATE, 0, 0);
            out.extend_from_slice(&(more as u32).to_be_bytes());
        }
    }
}
