//! A request's body: bounded in size, time and depth before anything looks into it.

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body as _, Bytes, Incoming};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::reply::RequestRefusal;

/// The deepest that arrays and objects may lie in each other.
const MOST_DEPTH: usize = 8;

/// The whole body, if it has come by then and has at most this many octets. Errors: what to answer.
pub(super) async fn read(body: Incoming, by: Instant, most: usize) -> Result<Bytes, RequestRefusal> {
    let too_long = || {
        RequestRefusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {most} octets"))
    };
    // What is announced need not come first.
    if body.size_hint().lower() > most as u64 {
        return Err(too_long());
    }
    match timeout_at(by, Limited::new(body, most).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(error)) => Err(RequestRefusal::bad(format!("the body: {error}"))),
        Err(_) => Err(RequestRefusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

/// The value that a body holds. Errors: what to answer.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestRefusal> {
    if too_deep(body) {
        return Err(RequestRefusal::bad(format!("the JSON is nested deeper than {MOST_DEPTH}")));
    }
    serde_json::from_slice(body).map_err(|error| RequestRefusal::bad(format!("the body: {error}")))
}

/// Whether brackets outside of strings are nested deeper than allowed. What is no JSON is left to the parser.
fn too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_that_of_brackets_outside_of_strings() {
        for (json, deep) in [
            ("[[[[[[[[]]]]]]]]", false),
            ("[[[[[[[[[]]]]]]]]]", true),
            (r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}"#, false),
            (r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}"#, true),
            (r#"["[[[[[[[[[[","{{{{{{{{{{"]"#, false),
            (r#"["\"[[[[[[[[[[\\"]"#, false),
            (r#"["\\",[[[[[[[[1]]]]]]]]"#, true),
            ("[][][][][][][][][][]", false),
            ("]]]]]]]]]][[[[[[[[", false),
            (r#"["a\"#, false),
        ] {
            assert_eq!(too_deep(json.as_bytes()), deep, "{json}");
        }
        assert!(too_deep("[".repeat(64 * 1024).as_bytes()));
    }
}
