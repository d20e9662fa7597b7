//! Threads that check signatures, so that no task which answers clients does.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rhumb_resolver::SignatureCheck;
use tokio::sync::oneshot;

use crate::metrics::ServerMetrics;

/// Checks that wait at a time.
const WAITING: usize = 4096;

type Job = (SignatureCheck, oneshot::Sender<bool>);

/// A queue of signatures, and the threads that check them: half as many as there are processors, one at least. They end once this is
/// dropped.
#[derive(Debug)]
pub(super) struct SignatureThreads {
    /// None once it ends.
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for SignatureThreads {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A panic in it was reported by its supervision.
            let _ = thread.join();
        }
    }
}

impl SignatureThreads {
    /// Begins the threads.
    pub(super) fn start(metrics: &Arc<ServerMetrics>) -> Self {
        let (queue, jobs) = sync_channel(WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        let count = std::thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2));
        let mut threads = Vec::new();
        for index in 0..count {
            let name = format!("validate/{index}");
            let worker = metrics.workers().register("validate", name.clone());
            let jobs = Arc::clone(&jobs);
            let thread = std::thread::Builder::new().name(name);
            match thread.spawn(move || worker.supervise(|_| work(&jobs))) {
                Ok(thread) => threads.push(thread),
                Err(error) => tracing::error!(%error, "no thread to check signatures"),
            }
        }
        Self { queue: Some(queue), threads }
    }

    /// Whether a signature is right; none where too many wait, or its thread failed.
    pub(super) async fn check(&self, check: SignatureCheck) -> Option<bool> {
        let (reply, verdict) = oneshot::channel();
        match self.queue.as_ref()?.try_send((check, reply)) {
            Ok(()) => verdict.await.ok(),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => None,
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    rhumb_net::interrupt_nobody();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((check, reply)) = next else { return };
        // Nobody waits any more for what a look-up gave up.
        if !reply.is_closed() {
            let _ = reply.send(check.is_right());
        }
    }
}
