//! What queries need to be served.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::listen::admission::ClientAdmission;
use crate::recursion::ResolveQueue;
use crate::snapshot::ServerState;

/// What is left, where there is no more room, of the time that a client has for its first query.
const LEAST_TIME: f64 = 1.0 / 3.0;

/// What connections of all listeners have in common.
#[derive(Debug, Clone)]
pub struct StreamServices {
    /// The server's state.
    pub live: Arc<ServerState>,
    /// Where queries go that have to wait.
    pub queue: ResolveQueue,
    /// Which connections are let in.
    pub admission: Arc<ClientAdmission>,
    /// True once the server stops: connections end when their answers are written.
    pub stop: watch::Receiver<bool>,
}

impl StreamServices {
    /// How long a client may take until its first query is here: as configured until half of the connections are there that may be, then
    /// ever less, so that those who ask nothing do not keep out others for long (RFC 7766, section 6.2.3).
    pub fn first_query_time(&self) -> Duration {
        let configured = self.live.snapshot.load().config.server.tcp_first;
        configured.mul_f64((2.0 * self.admission.connections.free_share()).clamp(LEAST_TIME, 1.0))
    }
}

/// What listeners need to serve.
#[derive(Debug, Clone)]
pub struct ListenerServices {
    /// What connections have in common.
    pub streams: StreamServices,
    /// Where connections are served.
    pub runtime: Handle,
}
