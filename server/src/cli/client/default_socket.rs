//! Whether the control socket that a configuration has by default is another server's.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::target;
use crate::cli::server_target::ServerTarget;

/// How long a server may take to say which configuration it has.
const TIME: Duration = Duration::from_secs(1);

/// A warning where `config` names no control socket, and a running server with another configuration has the default one.
pub(crate) fn default_socket_taken(config: Option<&Path>) -> Option<String> {
    let file = config?;
    // What is wrong with it was reported already.
    if rhumb_config::load(file).ok()?.control.socket.is_some() {
        return None;
    }
    let target = ServerTarget { config: Some(file.to_owned()), socket: None };
    let reply = target::channel(&target).ok()?.ask("GET", "/status", b"", TIME).ok()?;
    let status: Value = serde_json::from_slice(&reply.body).ok()?;
    let pid = status.get("pid")?.as_u64()?;
    let other = status.get("config").and_then(Value::as_str);
    let is_own = other.is_some_and(|other| same_file(file, Path::new(other)));
    (!is_own).then(|| {
        format!(
            "{}: control.socket: the default control socket is in use by another server (process {pid}, with {}), and this one \
             will not start beside it; give control.socket a path of its own",
            file.display(),
            other.unwrap_or("the built-in default"),
        )
    })
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
