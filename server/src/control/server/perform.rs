//! From a command to the response: it runs, and is waited for.

use std::sync::Arc;

use hyper::StatusCode;
use tokio::time::timeout;

use super::ClientPermit;
use super::reply::{self, HttpReply};
use super::request::CommandRequest;
use crate::control::command::ControlService;

/// Runs the command, and gives the response.
///
/// The command has a task of its own and takes the client's permit with it: hanging up neither stops a reload half-way nor
/// makes room for the next.
pub(super) async fn perform(
    request: CommandRequest,
    service: Arc<dyn ControlService>,
    permit: ClientPermit,
) -> HttpReply {
    let CommandRequest { command, arguments } = request;
    let running = tokio::spawn(async move {
        let result = service.run(command, &arguments).await;
        drop(permit);
        result
    });
    match timeout(command.time(), running).await {
        Ok(Ok(Ok(answer))) => reply::json_text(StatusCode::OK, answer.0),
        Ok(Ok(Err(failure))) => {
            let unhealthy = StatusCode::SERVICE_UNAVAILABLE;
            let status = if failure.unhealthy { unhealthy } else { StatusCode::UNPROCESSABLE_ENTITY };
            reply::errors(status, &failure.errors)
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "control: {} did not end", command.path);
            reply::error(StatusCode::INTERNAL_SERVER_ERROR, "the server failed at it; its log says more")
        }
        Err(_) => {
            let message = format!("not done after {} s; it goes on", command.seconds);
            reply::error(StatusCode::GATEWAY_TIMEOUT, message)
        }
    }
}
