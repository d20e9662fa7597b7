//! The zone thread, and the way to it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Instant;

use arc_swap::ArcSwap;
use rhumb_config::ServerConfig;
use rhumb_watch::OpenWriters;
use rhumb_wire::DomainName;

use super::attention::ZoneAttention;
use super::changes::FileChanges;
use super::difference;
use super::open_files::{LOOK_PAUSE, OpenZoneFiles};
use super::outcome::{PlanPurpose, ZoneReadReply, ZonesPlan};
use super::preload::PreloadedZones;
use super::read_job::{ReadJob, ZoneReadOutcome};
use super::readers::{ReaderSettings, ZoneReaders};
use super::schedule::{InstallSnapshot, PlanReply, ZoneSchedule};
use super::state::StateStore;
use super::stored::read_configured;
use super::transferred::TransferredZone;
use crate::snapshot::retired::SWEEP_PAUSE;
use crate::snapshot::{ServerSnapshot, ServerState};

/// What the zone thread is asked to do.
enum ZoneEvent {
    Plan { config: Arc<ServerConfig>, changes: FileChanges, purpose: PlanPurpose, reply: PlanReply },
    Commit { plan: Box<ZonesPlan>, install: InstallSnapshot, done: SyncSender<Arc<ServerSnapshot>> },
    Abandon,
    FilesChanged(FileChanges),
    ReadAgain(DomainName, ZoneReadReply),
    Read(Box<(ReadJob, ZoneReadOutcome)>),
    Transferred(Box<TransferredZone>),
    Expire(DomainName),
    Updates,
}

/// The way to the one thread that changes the contents of zones and makes snapshots current.
#[derive(Debug, Clone)]
pub struct ZoneWriter {
    events: Sender<ZoneEvent>,
    included: Arc<ArcSwap<Vec<PathBuf>>>,
}

impl ZoneWriter {
    /// Starts the thread, and those that read for it. `notify` is called by it when zones include other files than before.
    ///
    /// Errors: a thread could not be made.
    pub fn start(
        live: &Arc<ServerState>,
        preloaded: PreloadedZones,
        store: Option<&StateStore>,
        writers: &OpenWriters,
        notify: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (events, inbox) = channel();
        let (read, store) = (events.clone(), store.cloned());
        let readers_store = store.clone();
        let settings = ReaderSettings::new(move |zone| read_configured(zone, readers_store.as_ref()));
        let readers = ZoneReaders::start(&live.metrics, writers.clone(), settings, move |job, outcome| {
            // The zone thread is gone only when the process ends.
            let _ = read.send(ZoneEvent::Read(Box::new((job, outcome))));
        })?;
        let attention = ZoneAttention::default();
        let included = attention.included();
        let schedule = ZoneSchedule::new(
            Arc::clone(live),
            store,
            readers,
            OpenZoneFiles::new(writers.clone()),
            attention,
            preloaded,
            Box::new(notify),
        );
        let waiting = events.clone();
        live.updates.set_wake(move || {
            // The zone thread is gone only when the process ends.
            let _ = waiting.send(ZoneEvent::Updates);
        });
        let live = Arc::clone(live);
        std::thread::Builder::new().name("zones".into()).spawn(move || run(schedule, &inbox, &live))?;
        Ok(Self { events, included })
    }

    /// Works out what `config` comes to and replies once its zones are read. Of a reload's plan the caller has to say
    /// whether it is put in force or given up.
    pub fn plan(
        &self,
        config: Arc<ServerConfig>,
        changes: FileChanges,
        purpose: PlanPurpose,
        reply: PlanReply,
    ) {
        self.send(ZoneEvent::Plan { config, changes, purpose, reply });
    }

    /// Puts a plan in force. `install` makes the snapshot current; the one before comes back. None: the thread failed.
    pub fn commit(&self, plan: ZonesPlan, install: InstallSnapshot) -> Option<Arc<ServerSnapshot>> {
        let (done, waiting) = sync_channel(1);
        self.send(ZoneEvent::Commit { plan: Box::new(plan), install, done });
        waiting.recv().ok()
    }

    /// Gives a plan up.
    pub fn abandon(&self) {
        self.send(ZoneEvent::Abandon);
    }

    /// Looks at the zones of these files.
    pub fn files_changed(&self, changes: FileChanges) {
        self.send(ZoneEvent::FilesChanged(changes));
    }

    /// Reads the files of a zone again, whether or not they differ, and puts them in force.
    pub fn read_again(&self, name: DomainName, reply: ZoneReadReply) {
        self.send(ZoneEvent::ReadAgain(name, reply));
    }

    /// Serves a version that was transferred from another server, and is kept.
    pub(super) fn publish(&self, transferred: TransferredZone) {
        self.send(ZoneEvent::Transferred(Box::new(transferred)));
    }

    /// Serves nothing of a zone of other servers any more: what there is, is too old.
    pub(super) fn expire(&self, name: DomainName) {
        self.send(ZoneEvent::Expire(name));
    }

    /// The files that zones include, in order.
    pub fn included(&self) -> Arc<Vec<PathBuf>> {
        self.included.load_full()
    }

    fn send(&self, event: ZoneEvent) {
        // The thread ends with the last sender.
        let _ = self.events.send(event);
    }
}

fn run(mut schedule: ZoneSchedule, inbox: &Receiver<ZoneEvent>, live: &Arc<ServerState>) {
    rhumb_net::yield_to_others();
    let mut restarted = false;
    live.metrics.workers().register("zones", "zones").supervise(|worker| {
        if std::mem::replace(&mut restarted, true) {
            schedule.recover();
        }
        while let Some(event) = next(&mut schedule, inbox) {
            let _busy = worker.busy();
            execute(&mut schedule, event, live);
            schedule.resume();
            schedule.retired.sweep();
        }
    });
}

/// The next event. While there is none, what is used no more is freed, and what is waited for is looked at.
fn next(schedule: &mut ZoneSchedule, inbox: &Receiver<ZoneEvent>) -> Option<ZoneEvent> {
    loop {
        let pause = if !schedule.retired.is_empty() {
            SWEEP_PAUSE
        } else if schedule.is_waiting() {
            LOOK_PAUSE
        } else {
            return inbox.recv().ok();
        };
        match inbox.recv_timeout(pause) {
            Ok(event) => return Some(event),
            Err(RecvTimeoutError::Timeout) => {
                schedule.retired.sweep();
                schedule.look_at_waiting(Instant::now());
                schedule.resume();
            }
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn execute(schedule: &mut ZoneSchedule, event: ZoneEvent, live: &Arc<ServerState>) {
    match event {
        ZoneEvent::Plan { config, changes, purpose: PlanPurpose::Reload, reply } => {
            schedule.plan(&config, &changes, reply);
        }
        ZoneEvent::Plan { config, changes, purpose: PlanPurpose::Diff, reply } => {
            let snapshot = live.snapshot.load_full();
            let dirty = schedule.unsettled(&changes, &snapshot);
            let (paired, errors) = schedule.pair(&config, &snapshot, &dirty);
            difference::reply(paired, errors, snapshot, schedule.writers().clone(), reply);
        }
        ZoneEvent::Commit { plan, install, done } => {
            // Whoever waits for it is gone only when the server ends.
            let _ = done.send(schedule.commit(*plan, install));
        }
        ZoneEvent::Abandon => schedule.abandon(),
        ZoneEvent::FilesChanged(changes) => schedule.files_changed(&changes),
        ZoneEvent::ReadAgain(name, reply) => schedule.read_again(name, reply),
        ZoneEvent::Read(read) => {
            let (job, outcome) = *read;
            schedule.finish_read(job, outcome);
        }
        ZoneEvent::Transferred(transferred) => schedule.publish_transferred(*transferred),
        ZoneEvent::Expire(name) => schedule.expire(&name),
        ZoneEvent::Updates => schedule.carry_out_updates(),
    }
}
