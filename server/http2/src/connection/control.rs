//! Frames that carry no requests (RFC 9113, sections 6.3 to 6.9).

use std::time::Instant;

use super::{CLOSING_PING, ConnectionEnd, FrameFault, FrameResult, Http2Connection, Http2Event, put_goaway};
use crate::error_code::Http2ErrorCode;
use crate::frame::{InputFrame, LARGEST, flag, kind, put_frame};
use crate::open_stream::StreamState;
use crate::settings::{FIRST_WINDOW, STREAM_WINDOW, read_settings};

const PROTOCOL: FrameFault = FrameFault::Connection(Http2ErrorCode::Protocol);
const FRAME_SIZE: FrameFault = FrameFault::Connection(Http2ErrorCode::FrameSize);
const FLOW_CONTROL: FrameFault = FrameFault::Connection(Http2ErrorCode::FlowControl);

impl Http2Connection {
    pub(super) fn take_settings<'i>(
        &mut self,
        frame: InputFrame<'i>,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        if frame.stream != 0 {
            return Err(PROTOCOL);
        }
        self.budget.frame(now);
        if frame.has(flag::ACK) {
            if !frame.content.is_empty() {
                return Err(FRAME_SIZE);
            }
            self.take_acknowledgement();
            return Ok(None);
        }
        let change = read_settings(frame.content).map_err(FrameFault::Connection)?;
        if let Some(table) = change.table {
            self.encoder.set_limit(table);
        }
        if let Some(window) = change.window {
            // The windows of open streams change as well, and may be negative then (section 6.9.2).
            let more = i64::from(window) - i64::from(self.first_window);
            self.first_window = window;
            for open in self.streams.all_mut() {
                open.send_window += more;
                if open.send_window > i64::from(LARGEST) {
                    return Err(FLOW_CONTROL);
                }
            }
        }
        put_frame(out, kind::SETTINGS, flag::ACK, 0, &[]);
        self.send_unsent(None, out);
        Ok(None)
    }

    /// The client holds to the window of this side from now on.
    fn take_acknowledgement(&mut self) {
        if !self.is_acknowledged {
            self.is_acknowledged = true;
            for open in self.streams.all_mut() {
                open.receive_window -= i64::from(FIRST_WINDOW - STREAM_WINDOW);
            }
        }
    }

    pub(super) fn take_ping<'i>(
        &mut self,
        frame: InputFrame<'i>,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        if frame.stream != 0 {
            return Err(PROTOCOL);
        }
        let payload: &[u8; 8] = frame.content.try_into().map_err(|_| FRAME_SIZE)?;
        self.budget.frame(now);
        if !frame.has(flag::ACK) {
            put_frame(out, kind::PING, flag::ACK, 0, payload);
        } else if *payload == CLOSING_PING && self.end == ConnectionEnd::Announced {
            self.end = ConnectionEnd::Closing;
            put_goaway(self.streams.last(), Http2ErrorCode::NoError, out);
        }
        Ok(None)
    }

    pub(super) fn take_window_update<'i>(
        &mut self,
        frame: InputFrame<'i>,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        let increment: &[u8; 4] = frame.content.try_into().map_err(|_| FRAME_SIZE)?;
        let increment = u32::from_be_bytes(*increment) & LARGEST;
        self.budget.frame(now);
        let stream = Some(frame.stream).filter(|&stream| stream != 0);
        let window = match stream {
            None => &mut self.send_window,
            Some(stream) => match self.streams.get_mut(stream) {
                Some(open) => &mut open.send_window,
                None => return self.check_known(stream),
            },
        };
        *window += i64::from(increment);
        let wrong = match increment {
            0 => Some((PROTOCOL, Http2ErrorCode::Protocol)),
            _ if *window > i64::from(LARGEST) => Some((FLOW_CONTROL, Http2ErrorCode::FlowControl)),
            _ => None,
        };
        if let Some((connection, code)) = wrong {
            return Err(stream.map_or(connection, |stream| FrameFault::Stream(stream, code)));
        }
        self.send_unsent(stream, out);
        Ok(None)
    }

    pub(super) fn take_reset<'i>(
        &mut self,
        frame: InputFrame<'i>,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> FrameResult<'i> {
        let stream = frame.stream;
        if frame.content.len() != 4 {
            return Err(FRAME_SIZE);
        }
        if self.drop_stream(stream, out) {
            self.budget.useless();
            return Ok(Some(Http2Event::Reset { stream }));
        }
        self.budget.frame(now);
        self.check_known(stream)
    }

    /// No client names streams that it has not opened, or the connection where only streams have a place.
    fn check_known<'i>(&self, stream: u32) -> FrameResult<'i> {
        if self.streams.state(stream) == StreamState::Idle { Err(PROTOCOL) } else { Ok(None) }
    }

    pub(super) fn take_goaway<'i>(&mut self, frame: InputFrame<'i>, now: Instant) -> FrameResult<'i> {
        match frame {
            InputFrame { stream: 1.., .. } => Err(PROTOCOL),
            InputFrame { content: [_, _, _, _, _, _, _, _, ..], .. } => {
                self.budget.frame(now);
                self.is_left = true;
                Ok(None)
            }
            _ => Err(FRAME_SIZE),
        }
    }

    /// Priorities of streams are of no use where each is answered as soon as it can be (RFC 9113, section 5.3.2).
    pub(super) fn take_priority<'i>(&mut self, frame: InputFrame<'i>, now: Instant) -> FrameResult<'i> {
        self.budget.frame(now);
        match (frame.stream, frame.content.len()) {
            (0, _) => Err(PROTOCOL),
            (_, 5) => Ok(None),
            _ => Err(FRAME_SIZE),
        }
    }
}
