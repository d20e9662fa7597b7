//! Responses with an answer, and those that say why there is none.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use rhumb_wire::doh::{DohRejection, MEDIA_TYPE, METHODS, freshness};

use super::activity::UnsentAnswer;

/// The body of a response.
pub(super) type AnswerBody = Full<Bytes>;

/// A response with an answer; that to HEAD lacks the body alone (RFC 9110, section 9.3.2).
pub(super) fn answer(message: UnsentAnswer, is_head: bool) -> Response<AnswerBody> {
    let kept = format!("max-age={}", freshness(message.as_ref()));
    let length = message.as_ref().len();
    let mut response = with_body(Bytes::from_owner(message), length, is_head);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Ok(kept) = HeaderValue::try_from(kept) {
        headers.insert(CACHE_CONTROL, kept);
    }
    response
}

/// A response that says in words why there is no answer.
pub(super) fn rejection(why: DohRejection, is_head: bool) -> Response<AnswerBody> {
    let text = format!("{why}\n");
    let length = text.len();
    let mut response = with_body(Bytes::from(text), length, is_head);
    *response.status_mut() = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if why == DohRejection::Method {
        headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    }
    response
}

fn with_body(body: Bytes, length: usize, is_head: bool) -> Response<AnswerBody> {
    if !is_head {
        return Response::new(Full::new(body));
    }
    let mut response = Response::new(Full::default());
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}
