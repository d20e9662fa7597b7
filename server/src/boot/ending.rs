//! The end of the server: what ends in which order, and by when.

use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::listen::ClientAdmission;
use crate::reload::{ReloadRequest, ReloadRequests};

/// What is waited for, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndStep {
    /// The reloader has closed the listeners.
    Listeners,
    /// Clients that wait have their answers.
    Clients,
    /// The control socket is closed.
    Control,
    /// The file of the cache is written.
    CacheFile,
    /// The log of queries is written.
    QueryLog,
}

/// The time that the whole end has: what one step does not need is left to those behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndDeadline {
    began: Instant,
}

impl EndStep {
    /// By when it is over, since the end began. The last is nine seconds: container engines kill after ten.
    const fn at_most(self) -> Duration {
        Duration::from_millis(match self {
            Self::Listeners => 2500,
            Self::Clients => 5000,
            Self::Control => 5400,
            Self::CacheFile => 8400,
            Self::QueryLog => 8900,
        })
    }
}

impl EndDeadline {
    pub(super) const fn new(began: Instant) -> Self {
        Self { began }
    }

    /// By when this step is over.
    pub(super) fn by(self, step: EndStep) -> Instant {
        self.began + step.at_most()
    }

    /// What is left for this step.
    pub(super) fn left(self, step: EndStep) -> Duration {
        self.by(step).saturating_duration_since(Instant::now())
    }
}

/// Ends the listeners, then the tasks and connections, once the clients that wait have their answers.
pub(super) async fn end_work(
    deadline: EndDeadline,
    requests: &ReloadRequests,
    stop: &watch::Sender<bool>,
    tasks: JoinHandle<()>,
    admission: &ClientAdmission,
) {
    let (reply, closed) = oneshot::channel();
    if requests.send(ReloadRequest::Stop(reply)) {
        // The reloader ends after its answer, or has ended before.
        let _ = tokio::time::timeout(deadline.left(EndStep::Listeners), closed).await;
    }
    // Fails only where all tasks have ended.
    let _ = stop.send(true);
    let _ = tokio::time::timeout(deadline.left(EndStep::Clients), drained(tasks, admission)).await;
}

/// Waits until no client waits for an answer any more.
async fn drained(tasks: JoinHandle<()>, admission: &ClientAdmission) {
    // Tasks that are gone have no clients left.
    let _ = tasks.await;
    while admission.connections.open() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_end_takes_nine_seconds_at_most() {
        let steps =
            [EndStep::Listeners, EndStep::Clients, EndStep::Control, EndStep::CacheFile, EndStep::QueryLog];
        assert!(steps.windows(2).all(|two| two[0].at_most() < two[1].at_most()));
        let longest = steps.iter().map(|step| step.at_most()).max().unwrap();
        // The tasks that are left have a tenth of a second on top.
        assert!(longest + Duration::from_millis(100) <= Duration::from_secs(9), "{longest:?}");
        let now = Instant::now();
        let late = EndDeadline::new(now.checked_sub(Duration::from_secs(6)).unwrap());
        assert_eq!(late.left(EndStep::Clients), Duration::ZERO);
        assert!(late.left(EndStep::CacheFile) > Duration::from_secs(2));
    }
}
