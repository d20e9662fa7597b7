//! The signals that the server acts on.

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::StartError;
use crate::operator::ServerAdmin;

/// All of them, from when this is made on.
pub(super) struct Signals {
    pub(super) hangup: Signal,
    pub(super) end: EndSignals,
}

/// Those that end the server.
pub(super) struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they no longer kill.
    pub(super) fn new(runtime: &Runtime) -> Result<Self, StartError> {
        let _inside = runtime.enter();
        let on = |kind| signal(kind).map_err(|error| StartError::system("signals")(error.to_string()));
        let end =
            EndSignals { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? };
        Ok(Self { hangup: on(SignalKind::hangup())?, end })
    }
}

impl EndSignals {
    /// Waits for SIGTERM, SIGINT or `rhumb stop`. May be cancelled: none of them is lost.
    pub(super) async fn received(&mut self, admin: &ServerAdmin) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = admin.stop_requested() => {}
        }
    }
}
