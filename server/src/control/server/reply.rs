//! Responses: JSON, always.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use serde::Serialize;

/// What a request gets.
pub(super) type HttpReply = Response<Full<Bytes>>;

/// Why a request is not followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestRefusal {
    status: StatusCode,
    message: String,
    /// The method to use instead.
    allow: Option<Method>,
}

impl RequestRefusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None }
    }

    /// The request makes no sense.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// There is something, but not for this method.
    pub(super) fn only(method: Method) -> Self {
        let message = format!("only {method} is answered here");
        Self { status: StatusCode::METHOD_NOT_ALLOWED, message, allow: Some(method) }
    }

    pub(super) fn into_reply(self) -> HttpReply {
        let mut reply = error(self.status, self.message);
        if let Some(Ok(allow)) = self.allow.map(|method| HeaderValue::from_str(method.as_str())) {
            reply.headers_mut().insert(ALLOW, allow);
        }
        reply
    }
}

/// The whole response to a client of another account.
pub(super) fn not_admitted() -> Vec<u8> {
    by_hand("403 Forbidden", "only root and the account of the server may use this control socket")
}

/// The whole response to one client too many.
pub(super) fn full() -> Vec<u8> {
    by_hand("503 Service Unavailable", "too many clients use the control socket; try again")
}

/// For clients whose request is not even read; the message needs no escape in JSON.
fn by_hand(status: &str, message: &str) -> Vec<u8> {
    let body = format!("{{\"errors\":[\"{message}\"]}}\n");
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [String],
}

/// A response with this value as its body.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> HttpReply {
    match serde_json::to_vec(value) {
        Ok(body) => json_text(status, body),
        Err(error) => {
            tracing::error!(%error, "control: a response cannot be written");
            bytes(StatusCode::INTERNAL_SERVER_ERROR, b"{\"errors\":[\"no JSON\"]}\n".to_vec())
        }
    }
}

/// A response whose body is this JSON.
pub(super) fn json_text(status: StatusCode, mut text: Vec<u8>) -> HttpReply {
    text.push(b'\n');
    bytes(status, text)
}

/// A response that says what is wrong, one entry each.
pub(super) fn errors(status: StatusCode, errors: &[String]) -> HttpReply {
    json(status, &Errors { errors })
}

/// A response that says what is wrong.
pub(super) fn error(status: StatusCode, message: impl Into<String>) -> HttpReply {
    errors(status, &[message.into()])
}

fn bytes(status: StatusCode, body: Vec<u8>) -> HttpReply {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
