//! The answers: which path gets what.

use http_body_util::Full;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};

use super::HttpPages;
use crate::metrics::scrape;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
/// The page needs no script and no other source; so none is allowed, whatever a zone is called.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The response to one request; its body, if it has one, is never read.
pub(super) fn answer(pages: &dyn HttpPages, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if !request.body().is_end_stream() {
        return reply(StatusCode::PAYLOAD_TOO_LARGE, TEXT, "no request here has a body\n".to_owned());
    }
    let path = request.uri().path();
    if !matches!(path, "/" | "/metrics" | "/health" | "/ready") {
        return reply(StatusCode::NOT_FOUND, TEXT, "here are /metrics, /health, /ready and /\n".to_owned());
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/metrics" => reply(StatusCode::OK, scrape::CONTENT_TYPE, pages.metrics()),
        "/health" => match pages.healthy() {
            Ok(()) => reply(StatusCode::OK, TEXT, "ok\n".to_owned()),
            Err(reasons) => reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, lines("failed", &reasons)),
        },
        "/ready" => match pages.ready() {
            Ok(degraded) => reply(StatusCode::OK, TEXT, lines("ready", &degraded)),
            Err(reasons) => reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, lines("not ready", &reasons)),
        },
        _ => {
            let mut page = reply(StatusCode::OK, HTML, pages.status());
            page.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            page
        }
    }
}

fn reply(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A verdict and what there is to say about it, one line each.
fn lines(verdict: &str, sentences: &[String]) -> String {
    let mut body = format!("{verdict}\n");
    for sentence in sentences {
        body.extend(sentence.chars().map(|c| if c.is_control() { ' ' } else { c }));
        body.push('\n');
    }
    body
}
