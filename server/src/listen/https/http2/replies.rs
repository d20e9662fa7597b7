//! Responses as HTTP/2 has them.

use rhumb_http2::{Http2Connection, Http2Response, ResponseField};
use rhumb_wire::doh::DohRejection;

use crate::listen::https::response::{DohResponseHead, MAX_AGE, NO_STORE, rejection_text};

/// The most digits of a number in a head.
const DIGITS: usize = 10;
/// Fields of a head at the most.
const FIELDS: usize = 5;

/// Where responses of a connection go.
pub(super) struct ReplyTarget<'a> {
    pub(super) http: &'a mut Http2Connection,
    pub(super) date: &'a [u8],
    pub(super) out: &'a mut Vec<u8>,
}

/// The request that is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct RepliedRequest {
    pub(super) stream: u32,
    /// Responses to HEAD lack the body alone (RFC 9110, section 9.3.2).
    pub(super) is_head: bool,
}

impl ReplyTarget<'_> {
    pub(super) fn answer(&mut self, request: RepliedRequest, message: &[u8]) {
        self.put(request, DohResponseHead::of_answer(message), message, true);
    }

    pub(super) fn reject(&mut self, request: RepliedRequest, why: DohRejection) {
        // What is left unanswered is no fault of the client.
        let has_query = why == DohRejection::Unanswered;
        self.put(request, DohResponseHead::of_rejection(why), rejection_text(why).as_bytes(), has_query);
    }

    fn put(&mut self, request: RepliedRequest, head: DohResponseHead, content: &[u8], has_query: bool) {
        let mut age = [0; MAX_AGE.len() + DIGITS];
        let mut length = [0; DIGITS];
        let kept = match head.max_age {
            Some(seconds) => written(&mut age, MAX_AGE, seconds),
            None => NO_STORE.as_bytes(),
        };
        let fields: [(ResponseField, &[u8]); FIELDS] = [
            (ResponseField::ContentType, head.content_type.as_bytes()),
            (ResponseField::Date, self.date),
            (ResponseField::CacheControl, kept),
            (ResponseField::ContentLength, written(&mut length, "", content.len() as u32)),
            (ResponseField::Allow, head.allow.unwrap_or_default().as_bytes()),
        ];
        let count = if head.allow.is_some() { FIELDS } else { FIELDS - 1 };
        let response = Http2Response {
            status: head.status,
            fields: fields.get(..count).unwrap_or_default(),
            content: if request.is_head { &[] } else { content },
            has_query,
        };
        self.http.respond(request.stream, &response, self.out);
    }
}

/// A number behind a word, at the end of `place`.
fn written<'a>(place: &'a mut [u8], word: &str, number: u32) -> &'a [u8] {
    let (mut rest, mut start) = (number, place.len());
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    let before = start.saturating_sub(word.len());
    if let Some(front) = place.get_mut(before..start)
        && front.len() == word.len()
    {
        front.copy_from_slice(word.as_bytes());
    }
    place.get(before..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_full() {
        let mut place = [b'x'; MAX_AGE.len() + DIGITS];
        for (number, expected) in
            [(0, "max-age=0"), (7, "max-age=7"), (300, "max-age=300"), (u32::MAX, "max-age=4294967295")]
        {
            assert_eq!(written(&mut place, MAX_AGE, number), expected.as_bytes());
        }
        assert_eq!(written(&mut [0; DIGITS], "", 65_535), b"65535");
    }
}
