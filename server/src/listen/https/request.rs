//! The query of a request of HTTP/1.1.

use std::borrow::Cow;

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, FORWARDED, HeaderMap};
use rhumb_wire::doh::{DohRejection, DohRequest, DohTarget};
use tokio::time::timeout;

use super::activity::ConnectionActivity;
use super::bounds::{BODY_TIMEOUT, LARGE, LONGEST, PASSED_OVER};
use super::connection::{HttpConnection, HttpHead};
use super::forwarded::{ForwardedLines, X_FORWARDED_FOR};
use crate::query::QueryClient;

/// Reads the query of a request, and who asks. Errors: why it has none.
pub(super) async fn read_query(
    request: Request<Incoming>,
    connection: &HttpConnection,
    activity: &ConnectionActivity,
) -> Result<(Vec<u8>, QueryClient<'static>), DohRejection> {
    let (head, body) = request.into_parts();
    let of = |name| head.headers.get(name).map(AsRef::as_ref);
    let target = DohTarget {
        method: head.method.as_str().as_bytes(),
        path: head.uri.path().as_bytes(),
        variables: head.uri.query().map(str::as_bytes),
        content_type: of(CONTENT_TYPE),
    };
    let forwarded = if connection.is_proxy { lines_of(&head.headers) } else { ForwardedLines::default() };
    let mut query = Vec::new();
    let asked = HttpHead { target, content_encoding: of(CONTENT_ENCODING), forwarded };
    let found = connection.read_head(&asked, &mut query);
    let reading = async {
        match found {
            Ok((client, DohRequest::Target)) => Ok((query, client)),
            Ok((client, DohRequest::Body)) => Ok((read_body(body, activity).await?, client)),
            Err(rejection) => {
                pass_over(body).await;
                Err(rejection)
            }
        }
    };
    timeout(BODY_TIMEOUT, reading).await.unwrap_or(Err(DohRejection::Late))
}

/// What proxies say of their clients.
fn lines_of(headers: &HeaderMap) -> ForwardedLines<'_> {
    let joined = |name: &str| {
        let mut lines = headers.get_all(name).iter().map(AsRef::as_ref);
        let first: &[u8] = lines.next()?;
        Some(lines.fold(Cow::Borrowed(first), |all, line| Cow::Owned([&all, &b","[..], line].concat())))
    };
    ForwardedLines { forwarded: joined(FORWARDED.as_str()), forwarded_for: joined(X_FORWARDED_FOR) }
}

async fn read_body(mut body: Incoming, activity: &ConnectionActivity) -> Result<Vec<u8>, DohRejection> {
    let mut query = Vec::new();
    let mut permit = None;
    while let Some(frame) = body.frame().await {
        // A client that breaks its body off takes no response.
        let frame = frame.map_err(|_| DohRejection::Query)?;
        let Ok(data) = frame.into_data() else { continue };
        let length = query.len() + data.len();
        if length > LONGEST {
            drop(query);
            pass_over(body).await;
            return Err(DohRejection::Length);
        }
        if length > LARGE && permit.is_none() {
            permit = activity.large_body().await;
        }
        query.extend_from_slice(&data);
    }
    Ok(query)
}

/// Reads some of what is left of a body: a client that is still sending might not look for the response.
async fn pass_over(mut body: Incoming) {
    let mut left = PASSED_OVER;
    while left > 0
        && let Some(Ok(frame)) = body.frame().await
    {
        left = left.saturating_sub(frame.data_ref().map_or(1, Bytes::len));
    }
}
