//! Responses, as far as the client has room for them (RFC 9113, section 5.2).

use super::{Http2Connection, Http2Response, put_reset};
use crate::error_code::Http2ErrorCode;
use crate::frame::{FRAME_HEAD, LONGEST_FRAME, flag, kind, put_head, window_size};
use crate::response_encoder::{ResponseEncoder, ResponseField};

impl Http2Connection {
    /// Answers the request of a stream; one that was reset meanwhile needs no answer. Of a request whose content is still coming the rest
    /// is thrown away.
    pub fn respond(&mut self, stream: u32, response: &Http2Response<'_>, out: &mut Vec<u8>) {
        let Http2Response { status, fields, content, has_query } = *response;
        let Self { streams, encoder, budget, .. } = self;
        let Some(open) = streams.get_mut(stream).filter(|open| !open.is_answered) else { return };
        open.is_answered = true;
        if has_query {
            budget.answered();
        } else {
            budget.useless();
        }
        put_response_head((stream, content.is_empty()), status, fields, encoder, out);
        let room = usize::try_from(open.send_window.min(self.send_window)).unwrap_or(0);
        let (now, later) = content.split_at_checked(room).unwrap_or((content, &[]));
        put_content(stream, now, later.is_empty(), out);
        self.send_window -= window_size(now.len());
        if later.is_empty() {
            return self.end_stream(stream, out);
        }
        open.send_window -= window_size(now.len());
        open.unsent = later.to_vec();
        self.unsent += later.len();
    }

    /// Sends what has waited, of one stream or of all.
    pub(super) fn send_unsent(&mut self, only: Option<u32>, out: &mut Vec<u8>) {
        if self.unsent == 0 {
            return;
        }
        let mut done = Vec::new();
        for open in self.streams.all_mut().filter(|open| only.is_none_or(|only| only == open.id)) {
            let waiting = open.unsent.get(open.sent..).unwrap_or_default();
            let room = usize::try_from(open.send_window.min(self.send_window)).unwrap_or(0);
            let (now, later) = waiting.split_at_checked(room).unwrap_or((waiting, &[]));
            if now.is_empty() {
                continue;
            }
            put_content(open.id, now, later.is_empty(), out);
            if later.is_empty() {
                done.push(open.id);
            }
            let length = now.len();
            open.sent_more(length);
            open.send_window -= window_size(length);
            self.send_window -= window_size(length);
            self.unsent -= length;
        }
        for stream in done {
            self.end_stream(stream, out);
        }
    }

    /// A stream on which all is sent. A client that is still sending is told that it need not.
    fn end_stream(&mut self, stream: u32, out: &mut Vec<u8>) {
        if self.streams.get_mut(stream).is_some_and(|open| open.is_receiving) {
            put_reset(stream, Http2ErrorCode::NoError, out);
            self.streams.abandon(stream);
        }
        self.drop_stream(stream, out);
    }
}

/// Writes a frame of HEADERS, for a stream that it maybe ends.
#[inline]
pub(super) fn put_response_head(
    (stream, ended): (u32, bool),
    status: u16,
    fields: &[(ResponseField, &[u8])],
    encoder: &mut ResponseEncoder,
    out: &mut Vec<u8>,
) {
    let flags = if ended { flag::END_HEADERS | flag::END_STREAM } else { flag::END_HEADERS };
    let start = out.len();
    put_head(out, 0, kind::HEADERS, flags, stream);
    encoder.encode(status, fields, out);
    let [_, length @ ..] = ((out.len() - start - FRAME_HEAD) as u32).to_be_bytes();
    if let Some(place) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
        *place = length;
    }
}

/// Writes content in as many frames as it takes.
#[inline]
fn put_content(stream: u32, content: &[u8], ended: bool, out: &mut Vec<u8>) {
    let mut rest = content;
    while !rest.is_empty() {
        let (frame, behind) = rest.split_at_checked(LONGEST_FRAME).unwrap_or((rest, &[]));
        let flags = if ended && behind.is_empty() { flag::END_STREAM } else { 0 };
        put_head(out, frame.len(), kind::DATA, flags, stream);
        out.extend_from_slice(frame);
        rest = behind;
    }
}
