//! What queries need to be served.

use std::sync::Arc;

use rhumb_net::tcp::ConnectionLimits;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::recursion::ResolveQueue;
use crate::snapshot::ServerState;

/// What connections of all listeners have in common.
#[derive(Debug, Clone)]
pub struct StreamServices {
    /// The server's state.
    pub live: Arc<ServerState>,
    /// Where queries go that have to wait.
    pub queue: ResolveQueue,
    /// How many connections there may be.
    pub limits: Arc<ConnectionLimits>,
    /// True once the server stops: connections end when their answers are written.
    pub stop: watch::Receiver<bool>,
}

/// What listeners need to serve.
#[derive(Debug, Clone)]
pub struct ListenerServices {
    /// What connections have in common.
    pub streams: StreamServices,
    /// Where connections are served.
    pub runtime: Handle,
}
