//! The thread that writes the log for those who do not wait in a thread of their own.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::shared::StateShared;
use crate::supervision::WorkerRegistry;

/// Starts the thread. It is woken by `woken`.
///
/// Errors: the thread could not be made.
pub(super) fn start(
    shared: Arc<StateShared>,
    woken: Receiver<()>,
    workers: &Arc<WorkerRegistry>,
) -> io::Result<()> {
    let worker = workers.register("state", "state-log");
    std::thread::Builder::new().name("state-log".into()).spawn(move || {
        worker.supervise(|worker| {
            while woken.recv().is_ok() {
                let _busy = worker.busy();
                // Others may write between two times.
                while shared.write_next() {}
            }
        });
    })?;
    Ok(())
}
