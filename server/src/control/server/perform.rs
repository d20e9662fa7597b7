//! From what is asked for to the response: the action runs, and is waited for.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::StatusCode;
use serde_json::json;
use tokio::time::timeout;

use super::Seat;
use super::reply::{self, Reply};
use super::request::Ask;
use crate::control::actions::{Actions, Failure};

/// Does what is asked for, and gives the response.
///
/// The action has a task of its own and takes the client's seat with it: hanging up neither stops a reload half-way nor
/// makes room for the next.
pub(super) async fn perform(ask: Ask, actions: Arc<dyn Actions>, seat: Seat) -> Reply {
    let time = ask.time();
    let acting = tokio::spawn(async move {
        let response = act(ask, actions.as_ref()).await;
        drop(seat);
        response
    });
    match timeout(time, acting).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::error!(%error, "control: an action did not end");
            reply::error(StatusCode::INTERNAL_SERVER_ERROR, "the server failed at it; its log says more")
        }
        Err(_) => {
            let message = format!("not done after {} s; it goes on", time.as_secs());
            reply::error(StatusCode::GATEWAY_TIMEOUT, message)
        }
    }
}

async fn act(ask: Ask, actions: &dyn Actions) -> Reply {
    const OK: StatusCode = StatusCode::OK;
    let failed = |Failure { errors }| reply::errors(StatusCode::UNPROCESSABLE_ENTITY, &errors);
    match ask {
        Ask::Reload => actions.reload().await.map_or_else(failed, |report| reply::json(OK, &report)),
        Ask::Diff(config) => match actions.diff(config).await {
            Ok(changes) => reply::json(OK, &json!({ "changes": changes })),
            Err(failure) => failed(failure),
        },
        Ask::Status => reply::json(OK, &actions.status()),
        Ask::Stats => {
            let counters = actions.stats().into_iter().filter(|(_, value)| value.is_finite());
            reply::json(OK, &counters.collect::<BTreeMap<_, _>>())
        }
        Ask::Flush(name, subtree) => {
            let name = name.map(|name| name.to_string());
            match actions.flush(name.as_deref(), subtree) {
                Ok(dropped) => reply::json(OK, &json!({ "dropped": dropped })),
                Err(error) => reply::error(StatusCode::UNPROCESSABLE_ENTITY, error),
            }
        }
        Ask::Zones => reply::json(OK, &actions.zones()),
        Ask::Explain(ask) => match actions.explain(*ask).await {
            Ok(explanation) => reply::json(OK, &explanation),
            Err(error) => reply::error(StatusCode::UNPROCESSABLE_ENTITY, error),
        },
        Ask::Healthy => match actions.healthy() {
            Ok(()) => reply::json(OK, &json!({ "healthy": true })),
            Err(reasons) => reply::errors(StatusCode::SERVICE_UNAVAILABLE, &reasons),
        },
    }
}
