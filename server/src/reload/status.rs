//! What `status` tells of following the configuration.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::request::{ReloadFailure, ReloadReport};
use crate::change::log_changes;
use crate::forwarding::ListState;
use crate::listen::{CertificateState, OpenListeners};
use crate::metrics::ReloadResult;
use crate::snapshot::ServerState;

/// More warnings than this are not kept for `status`; the log has them all.
const WARNINGS: usize = 100;

/// How the last reload went.
#[derive(Debug, Clone)]
pub struct FinishedReload {
    /// When.
    pub when: SystemTime,
    /// How.
    pub result: ReloadResult,
    /// Every error, where it failed.
    pub errors: Vec<String>,
}

/// How the server follows its files at one moment.
#[derive(Debug, Clone, Default)]
pub struct ReloadStatus {
    /// How the last reload went; none since the start.
    pub last_reload: Option<FinishedReload>,
    /// The lists of upstreams.
    pub lists: Vec<ListState>,
    /// The listeners: address, transport, threads.
    pub listeners: Vec<(String, &'static str, usize)>,
    /// What is to be said of the listeners as they are now.
    pub listener_notes: Vec<String>,
    /// The certificates that clients are shown.
    pub certificates: Vec<CertificateState>,
    /// What an operator should look at.
    pub warnings: Vec<String>,
}

/// Where the reloader writes down what happens: the log, the metrics, and what `status` tells.
pub(super) struct ReloadJournal {
    live: Arc<ServerState>,
    status: Arc<ArcSwap<ReloadStatus>>,
}

impl ReloadJournal {
    pub(super) fn new(live: Arc<ServerState>) -> Self {
        Self { live, status: Arc::default() }
    }

    pub(super) fn status(&self) -> Arc<ArcSwap<ReloadStatus>> {
        Arc::clone(&self.status)
    }

    /// A reload is over.
    pub(super) fn note(&self, result: &Result<ReloadReport, ReloadFailure>) {
        let (count, errors) = match result {
            Ok(report) => {
                log_warnings(&report.warnings);
                log_changes(&report.changes);
                let (changes, read, broken) = (report.changes.len(), report.read_count, report.broken.len());
                tracing::info!(changes, zones_read = read, zones_broken = broken, "configuration reloaded");
                (if changes > 0 { ReloadResult::Changed } else { ReloadResult::Unchanged }, Vec::new())
            }
            Err(failure) => {
                for error in &failure.errors {
                    tracing::error!("{error}");
                }
                tracing::error!(errors = failure.errors.len(), "reload failed, nothing was changed");
                (ReloadResult::Failed, failure.errors.clone())
            }
        };
        self.live.metrics.reload(count);
        let last = FinishedReload { when: SystemTime::now(), result: count, errors };
        self.status
            .rcu(|status| ReloadStatus { last_reload: Some(last.clone()), ..ReloadStatus::clone(status) });
    }

    /// Something an operator should look at; `status` keeps it.
    pub(super) fn warn(&self, warning: &str) {
        tracing::warn!("{warning}");
        self.status.rcu(|status| {
            let mut status = ReloadStatus::clone(status);
            if status.warnings.len() < WARNINGS && !status.warnings.iter().any(|known| known == warning) {
                status.warnings.push(warning.to_owned());
            }
            status
        });
    }

    /// How the lists and listeners are now.
    pub(super) fn update(&self, lists: &[ListState], listeners: &OpenListeners) {
        let (sockets, notes, certificates) =
            (listeners.describe(), listeners.notes(), listeners.certificates());
        self.status.rcu(|status| ReloadStatus {
            lists: lists.to_vec(),
            listeners: sockets.clone(),
            listener_notes: notes.clone(),
            certificates: certificates.clone(),
            ..ReloadStatus::clone(status)
        });
    }
}

/// Writes down what is accepted and worth a look.
pub(super) fn log_warnings(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}
