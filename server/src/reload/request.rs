//! What the reloader is asked to do, and what it replies.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rhumb_config::UpstreamServer;
use rhumb_wire::DomainName;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::change::{ChangeText, ReadStrictness};
use crate::zone_events::{BrokenZone, ZoneReadReply, ZonesPlan};

/// Why a reload changed nothing: every error, each with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", errors.join("\n"))]
pub struct ReloadFailure {
    /// The errors.
    pub errors: Vec<String>,
}

impl ReloadFailure {
    /// A thread failed; the log has more.
    pub fn internal() -> Self {
        Self { errors: vec!["internal error; the log has more".to_owned()] }
    }
}

/// What a reload changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadReport {
    /// In words, one a change; empty where nothing changed.
    pub changes: Vec<ChangeText>,
    /// The serial of the snapshot in force.
    pub serial: u64,
    /// Zones whose files were read.
    pub read_count: usize,
    /// Zones that keep what they serve, for their files are broken.
    pub broken: Vec<BrokenZone>,
    /// What is accepted and worth a look, in words.
    pub warnings: Vec<String>,
}

/// What a reload would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadDifference {
    /// In words, one a change.
    pub changes: Vec<ChangeText>,
    /// Zones that would keep what they serve, for their files are broken.
    pub broken: Vec<BrokenZone>,
}

/// Takes the outcome of a reload.
pub(super) type ReloadReply = oneshot::Sender<Result<ReloadReport, ReloadFailure>>;

/// Takes what a reload would change.
pub(super) type DiffReply = oneshot::Sender<Result<ReloadDifference, ReloadFailure>>;

/// What the reloader is asked to do.
#[derive(Debug)]
pub enum ReloadRequest {
    /// Read everything anew.
    Reload(ReadStrictness, ReloadReply),
    /// Say what reading this file would change, the configuration's own file if none.
    Diff(Option<PathBuf>, DiffReply),
    /// Take an upstream out, or back. The domains it is for, or why there is none.
    Upstream {
        /// Which one.
        upstream: Box<UpstreamServer>,
        /// Out, or back.
        out: bool,
        /// Takes the answer.
        reply: oneshot::Sender<Result<Vec<DomainName>, String>>,
    },
    /// Upstreams that have a name have other addresses.
    Names,
    /// Read the files of a zone again, whether or not they differ.
    Zone(DomainName, ZoneReadReply),
    /// Close the listeners; the answer comes once they are closed.
    Stop(oneshot::Sender<()>),
}

/// What the reloader acts on.
pub(super) enum ReloadEvent {
    Request(ReloadRequest),
    /// Something was reported of the files followed, or other files have to be followed.
    Files,
    /// The zones of the reload under way are read; or what is wrong with the configuration.
    ZonesPlanned(Box<Result<ZonesPlan, Vec<String>>>),
    /// Addresses of this host have come or gone.
    Addresses,
}

/// Asks the reloader.
#[derive(Debug, Clone)]
pub struct ReloadRequests(pub(super) UnboundedSender<ReloadEvent>);

impl ReloadRequests {
    /// Passes a request on; false if the reloader is gone.
    pub fn send(&self, request: ReloadRequest) -> bool {
        self.0.send(ReloadEvent::Request(request)).is_ok()
    }
}

/// Tells the reloader to look at its files. However often that is done before it looks, it is told once.
#[derive(Clone)]
pub(super) struct FilesSignal {
    events: UnboundedSender<ReloadEvent>,
    pending: Arc<AtomicBool>,
}

impl FilesSignal {
    pub(super) fn new(events: UnboundedSender<ReloadEvent>) -> Self {
        Self { events, pending: Arc::default() }
    }

    pub(super) fn send(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            // The reloader is gone only when the server ends.
            let _ = self.events.send(ReloadEvent::Files);
        }
    }

    /// From now on the reloader is told again.
    pub(super) fn clear(&self) {
        self.pending.store(false, Ordering::Release);
    }
}
