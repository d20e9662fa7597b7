//! The thread that makes the versions.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rhumb_zones::ZoneContents;

use super::batch::VersionBatch;
use super::event::VersionEvent;
use super::recent_updates::RecentUpdates;
use super::thread::VersionThread;
use crate::snapshot::{ServerState, ZoneEntry};
use crate::zone_events::state::StateStore;

/// Starts the thread; it ends with the last sender. `replaced` is called by it with what came of updates and commands.
///
/// Errors: it could not be made.
pub(in crate::zone_events) fn start_thread(
    live: Arc<ServerState>,
    store: Option<StateStore>,
    replaced: impl Fn(ZoneEntry, Option<Arc<ZoneContents>>) + Send + 'static,
) -> io::Result<Sender<VersionEvent>> {
    let (events, inbox) = channel();
    let mut thread = VersionThread {
        live,
        recent_updates: RecentUpdates::new(
            store.as_ref().map(StateStore::take_signatures).unwrap_or_default(),
        ),
        store,
        replaced: Box::new(replaced),
        unkept: HashSet::new(),
    };
    std::thread::Builder::new().name("zone-versions".into()).spawn(move || run(&mut thread, &inbox))?;
    Ok(events)
}

fn run(thread: &mut VersionThread, inbox: &Receiver<VersionEvent>) {
    // Clients wait for it, so it has its share: behind the others, one update in a hundred would wait twice as long on a busy machine.
    rhumb_net::interrupt_nobody();
    let live = Arc::clone(&thread.live);
    live.metrics.workers().register("zones", "zone-versions").supervise(|worker| {
        while let Ok(first) = inbox.recv() {
            let _busy = worker.busy();
            let mut batch = VersionBatch::default();
            let mut next = Some(first);
            while let Some(event) = next {
                thread.take(event, &mut batch);
                next = inbox.try_recv().ok();
            }
            thread.finish(batch);
        }
    });
}
