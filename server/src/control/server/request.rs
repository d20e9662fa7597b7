//! From an HTTP request to what it asks for.

use std::path::PathBuf;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use rhumb_wire::Name;
use serde::Deserialize;
use tokio::time::Instant;

use super::body;
use super::reply::Refusal;
use crate::control::actions::Explain;
use crate::control::percent;

/// The paths and their methods.
static PATHS: [(&str, Method); 8] = [
    ("/reload", Method::POST),
    ("/diff", Method::POST),
    ("/status", Method::GET),
    ("/stats", Method::GET),
    ("/flush", Method::POST),
    ("/zones", Method::GET),
    ("/explain", Method::GET),
    ("/healthy", Method::GET),
];

/// An action with what it needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Reload,
    Diff(Option<PathBuf>),
    Status,
    Stats,
    Flush(Option<Name>, bool),
    Zones,
    Explain(Box<Explain>),
    Healthy,
}

impl Ask {
    /// How long the client waits for it. What has begun is finished all the same.
    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(match self {
            // Every zone is read.
            Ask::Reload | Ask::Diff(_) => 60,
            // Every upstream may have to time out.
            Ask::Explain(_) => 15,
            _ => 5,
        })
    }
}

/// The body of `/diff`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Diff {
    config: Option<PathBuf>,
}

/// The body of `/flush`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Flush {
    name: Option<String>,
    #[serde(default)]
    subtree: bool,
}

/// Reads a request, whose body has to be there by then. Errors: what to answer.
pub(super) async fn read(request: Request<Incoming>, by: Instant, most: usize) -> Result<Ask, Refusal> {
    let (head, incoming) = request.into_parts();
    let path = head.uri.path();
    let Some((_, method)) = PATHS.iter().find(|(known, _)| *known == path) else {
        let known: Vec<&str> = PATHS.iter().map(|(path, _)| *path).collect();
        let message = format!("nothing is here; there are {}", known.join(", "));
        return Err(Refusal::new(StatusCode::NOT_FOUND, message));
    };
    if head.method != *method {
        return Err(Refusal::only(method));
    }
    let query = head.uri.query().unwrap_or_default();
    if !query.is_empty() && path != "/explain" {
        return Err(Refusal::bad(format!("{path} takes no query")));
    }
    let content = body::read(incoming, by, most).await?;
    if !content.is_empty() && !matches!(path, "/diff" | "/flush") {
        return Err(Refusal::bad(format!("{path} takes no body")));
    }
    match path {
        "/reload" => Ok(Ask::Reload),
        "/diff" => diff(&content),
        "/status" => Ok(Ask::Status),
        "/stats" => Ok(Ask::Stats),
        "/flush" => flush(&content),
        "/zones" => Ok(Ask::Zones),
        "/explain" => explain(query),
        _ => Ok(Ask::Healthy),
    }
}

fn diff(content: &[u8]) -> Result<Ask, Refusal> {
    let Diff { config } = if content.is_empty() { Diff::default() } else { body::parse(content)? };
    match config {
        // The server's working folder is not the client's.
        Some(path) if !path.is_absolute() => Err(Refusal::bad("config: the path is not absolute")),
        config => Ok(Ask::Diff(config)),
    }
}

fn flush(content: &[u8]) -> Result<Ask, Refusal> {
    let Flush { name, subtree } = if content.is_empty() { Flush::default() } else { body::parse(content)? };
    if subtree && name.is_none() {
        return Err(Refusal::bad("subtree: which? a name has to go with it"));
    }
    Ok(Ask::Flush(name.map(|name| parsed("name", &name)).transpose()?, subtree))
}

fn explain(query: &str) -> Result<Ask, Refusal> {
    let (mut name, mut rtype, mut from, mut to) = (None, None, None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let place = match key {
            "name" => &mut name,
            "type" => &mut rtype,
            "from" => &mut from,
            "to" => &mut to,
            _ => return Err(Refusal::bad("the query has name, type, from and to; nothing else")),
        };
        let Some(value) = percent::decode(value) else {
            return Err(Refusal::bad(format!("{key}: the percent-encoding is broken")));
        };
        if place.replace(value).is_some() {
            return Err(Refusal::bad(format!("{key} is given twice")));
        }
    }
    let (Some(name), Some(rtype)) = (name, rtype) else {
        return Err(Refusal::bad("the query needs name and type, as in ?name=example.com&type=A"));
    };
    Ok(Ask::Explain(Box::new(Explain {
        name: parsed("name", &name)?,
        rtype: parsed("type", &rtype)?,
        from: from.map(|from| parsed("from", &from)).transpose()?,
        to: to.map(|to| parsed("to", &to)).transpose()?,
    })))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(key: &str, value: &str) -> Result<T, Refusal> {
    value.parse().map_err(|error| Refusal::bad(format!("{key}: {error}")))
}
