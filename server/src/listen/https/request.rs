//! The query of a request.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use rhumb_wire::doh::{DohRejection, DohRequest, DohTarget};
use tokio::time::timeout;

use super::activity::{ConnectionActivity, LARGE};

/// The longest query, in bytes.
const LONGEST: usize = 65_535;
/// Bytes that are read, and passed over, of a body without a query.
const PASSED_OVER: usize = 256 << 10;
/// How long a body may take to be whole.
const BODY_TIMEOUT: Duration = Duration::from_secs(3);

/// Reads the query of a request to one of `paths`. Errors: why it has none.
pub(super) async fn read_query(
    request: Request<Incoming>,
    paths: &[String],
    activity: &ConnectionActivity,
) -> Result<Vec<u8>, DohRejection> {
    let (head, body) = request.into_parts();
    let is_plain = head.headers.get(CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    let target = DohTarget {
        method: head.method.as_str(),
        path: head.uri.path(),
        variables: head.uri.query(),
        content_type: head.headers.get(CONTENT_TYPE).filter(|_| is_plain).map(AsRef::as_ref),
    };
    let found = target.request(paths);
    let reading = async {
        match found {
            Ok(DohRequest::Target(query)) => Ok(query),
            Ok(DohRequest::Body) => read_body(body, activity).await,
            Err(rejection) => {
                pass_over(body).await;
                Err(rejection)
            }
        }
    };
    timeout(BODY_TIMEOUT, reading).await.unwrap_or(Err(DohRejection::Late))
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
