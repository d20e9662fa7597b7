//! What the zone thread does with each event: it decides what is read, and puts in force what was read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_config::ServerConfig;
use rhumb_watch::OpenWriters;
use rhumb_wire::DomainName;

use super::attention::ZoneAttention;
use super::changes::{DirtyZones, FileChanges};
use super::configured::ZoneFolders;
use super::describe;
use super::kept_versions::{KeptVersions, PendingCommit, install_table};
use super::load::ZoneRead;
use super::open_files::OpenZoneFiles;
use super::outcome::{PlanPurpose, ZoneReadReply, ZonesPlan};
use super::pairs::{PairedZones, ZonePair, next_zones, pair_all, pair_names};
use super::preload::PreloadedZones;
use super::read_job::{IncompleteZone, ReadJob, ReadReason, ZoneReadOutcome};
use super::readers::ZoneReaders;
use crate::change::log_changes;
use crate::snapshot::retired::DeferredFree;
use crate::snapshot::{NotifyTopics, ServerSnapshot, ServerState, WRITER_BOUND, ZoneEntry, ZoneFile};

/// A start waits so long for files that may be complete, and not at all for those that are being written.
const START_BOUND: Duration = Duration::from_secs(1);

/// Takes a plan, or what is wrong with the configuration.
pub(super) type PlanReply = Box<dyn FnOnce(Result<ZonesPlan, Vec<String>>) + Send>;

/// A set of zones being read, to come into force together.
pub(super) struct ActivePlan {
    number: u64,
    paired: PairedZones,
    /// Zones still being read.
    outstanding: usize,
    /// What it was made for, in case it is given up.
    dirty: DirtyZones,
    /// The table of zones that it is a change of.
    snapshot: Arc<ServerSnapshot>,
    begun: Instant,
    /// Who puts it in force; none: this thread does, as soon as all is read.
    waiting: Option<PlanWaiter>,
}

/// Who waits for a plan.
struct PlanWaiter {
    reply: PlanReply,
    /// Whether it is the start of the server.
    is_start: bool,
}

impl ActivePlan {
    /// Until when it waits for a file that is not complete; none where nobody waits for the plan.
    fn waits_until(&self, is_open: bool) -> Option<Instant> {
        self.waiting.as_ref().map(|waiting| match (waiting.is_start, is_open) {
            (false, _) => self.begun + WRITER_BOUND,
            (true, false) => self.begun + START_BOUND,
            (true, true) => self.begun,
        })
    }
}

/// The zones that there are, and what is under way with them.
pub(super) struct ZoneSchedule {
    pub(super) live: Arc<ServerState>,
    /// Where versions are kept, and the thread that makes them.
    pub(super) versions: KeptVersions,
    readers: ZoneReaders,
    open_files: OpenZoneFiles,
    pub(super) folders: ZoneFolders,
    pub(super) attention: ZoneAttention,
    preloaded: Option<PreloadedZones>,
    /// Zones that are read because their files changed, and whether they have changed again since.
    pub(super) reading: HashMap<DomainName, bool>,
    /// Who waits for a zone to be read again.
    pub(super) awaited: HashMap<DomainName, Vec<ZoneReadReply>>,
    pub(super) plan: Option<ActivePlan>,
    /// A plan that comes into force as soon as its versions are kept.
    pub(super) committing: Option<PendingCommit>,
    last_plan: u64,
    /// What has to be looked at once the plan is in force or given up.
    pub(super) deferred: DirtyZones,
    /// Zones of which others are to be told.
    pub(super) announced: Vec<(ZoneEntry, NotifyTopics)>,
    pub(super) retired: DeferredFree,
    /// Called when zones include other files than before.
    pub(super) notify: Box<dyn Fn() + Send>,
}

impl ZoneSchedule {
    pub(super) fn new(
        live: Arc<ServerState>,
        versions: KeptVersions,
        readers: ZoneReaders,
        open_files: OpenZoneFiles,
        attention: ZoneAttention,
        preloaded: PreloadedZones,
        notify: Box<dyn Fn() + Send>,
    ) -> Self {
        Self {
            live,
            versions,
            readers,
            open_files,
            folders: ZoneFolders::default(),
            attention,
            preloaded: Some(preloaded),
            reading: HashMap::new(),
            awaited: HashMap::new(),
            plan: None,
            committing: None,
            last_plan: 0,
            deferred: DirtyZones::default(),
            announced: Vec::new(),
            retired: DeferredFree::default(),
            notify,
        }
    }

    /// Reads what a configuration needs read, and replies once that is done. A plan of another configuration that is
    /// under way is given up.
    pub(super) fn plan(
        &mut self,
        config: &ServerConfig,
        changes: &FileChanges,
        purpose: PlanPurpose,
        reply: PlanReply,
    ) {
        let snapshot = self.live.snapshot.load_full();
        let mut dirty = std::mem::take(&mut self.deferred);
        dirty.extend(DirtyZones::of(changes, &snapshot.config, &snapshot, self.attention.zones()));
        dirty.extend(self.plan.take().map(|plan| plan.dirty).unwrap_or_default());
        let (paired, errors) = self.pair(config, &snapshot, &dirty);
        if !errors.is_empty() {
            self.deferred = dirty;
            return reply(Err(errors));
        }
        if paired.folders.is_some() {
            self.live.folders.note(Vec::new());
        }
        let waiting = PlanWaiter { reply, is_start: purpose == PlanPurpose::Start };
        self.begin(paired, snapshot, dirty, Some(waiting), true);
    }

    /// The zones that may differ under `config`: the dirty ones and those under attention, or all of them.
    pub(super) fn pair(
        &self,
        config: &ServerConfig,
        snapshot: &ServerSnapshot,
        dirty: &DirtyZones,
    ) -> (PairedZones, Vec<String>) {
        let same = snapshot.config.zones == config.zones && snapshot.config.remotes == config.remotes;
        if dirty.all || !self.folders.plain || !same {
            return pair_all(config, snapshot);
        }
        let names: HashSet<&DomainName> = dirty.names.iter().chain(self.attention.zones()).collect();
        (pair_names(&names, snapshot, &self.folders), Vec::new())
    }

    /// What may differ at this moment: what was reported, and what is under way.
    pub(super) fn unsettled(&self, changes: &FileChanges, snapshot: &ServerSnapshot) -> DirtyZones {
        let mut dirty = DirtyZones::of(changes, &snapshot.config, snapshot, self.attention.zones());
        dirty.extend(self.deferred.clone());
        dirty.names.extend(self.reading.keys().chain(self.open_files.zones()).cloned());
        if let Some(plan) = &self.plan {
            dirty.extend(plan.dirty.clone());
        }
        dirty
    }

    fn begin(
        &mut self,
        mut paired: PairedZones,
        snapshot: Arc<ServerSnapshot>,
        dirty: DirtyZones,
        waiting: Option<PlanWaiter>,
        reread_broken: bool,
    ) {
        self.last_plan += 1;
        let number = self.last_plan;
        if let Some(mut preloaded) = self.preloaded.take() {
            for pair in &mut paired.pairs {
                pair.read = preloaded.take(&pair.wanted);
            }
        }
        let mut outstanding = 0;
        for (index, pair) in paired.pairs.iter().enumerate() {
            if pair.read.is_none() {
                outstanding += 1;
                let reason = ReadReason::Planned { plan: number, index };
                let seen = self.open_files.take_seen(&pair.wanted.name);
                let kept = pair.kept_entry(reread_broken).cloned();
                self.readers.read(ReadJob {
                    reason,
                    zone: pair.wanted.clone(),
                    kept,
                    base: pair.base(),
                    seen,
                });
            }
        }
        self.plan =
            Some(ActivePlan { number, paired, outstanding, dirty, snapshot, begun: Instant::now(), waiting });
        self.finish_plan();
    }

    /// Looks at zones whose files were reported.
    pub(super) fn files_changed(&mut self, changes: &FileChanges) {
        let snapshot = self.live.snapshot.load_full();
        let dirty = DirtyZones::of(changes, &snapshot.config, &snapshot, self.attention.zones());
        self.look_at(&dirty);
    }

    /// Reads the zones whose contents may differ, each to be put in force by itself. Zones that come, go or get another
    /// file change the table, and come into force together.
    pub(super) fn look_at(&mut self, dirty: &DirtyZones) {
        if dirty.is_empty() {
            return;
        }
        let snapshot = self.live.snapshot.load_full();
        let config = Arc::clone(&snapshot.config);
        let mut paired = if dirty.all || !self.folders.plain {
            pair_all(&config, &snapshot).0
        } else {
            pair_names(&dirty.names.iter().collect(), &snapshot, &self.folders)
        };
        if let Some(folders) = paired.folders.take() {
            self.folders = folders;
            self.live.folders.note(std::mem::take(&mut paired.unreadable));
        }
        let (contents, table): (Vec<ZonePair>, Vec<ZonePair>) =
            paired.pairs.into_iter().partition(ZonePair::keeps_entry);
        for pair in contents {
            self.read_changed(pair, false);
        }
        paired.pairs = table;
        if paired.pairs.is_empty() && paired.gone.is_empty() {
            return;
        }
        let names = paired.pairs.iter().map(|pair| &pair.wanted.name).chain(&paired.gone);
        let dirty = DirtyZones { all: false, names: names.cloned().collect() };
        if self.plan.is_some() {
            self.deferred.extend(dirty);
        } else {
            self.begin(paired, snapshot, dirty, None, false);
        }
    }

    /// Reads the files of a zone, whether or not they differ, and replies when they are in force.
    pub(super) fn read_again(&mut self, name: DomainName, reply: ZoneReadReply) {
        let snapshot = self.live.snapshot.load_full();
        let paired = if self.folders.plain {
            pair_names(&HashSet::from([&name]), &snapshot, &self.folders)
        } else {
            pair_all(&snapshot.config, &snapshot).0
        };
        let has_file = |pair: &ZonePair| pair.wanted.origin.source != ZoneFile::Primaries;
        let is_it = |pair: &ZonePair| pair.wanted.name == name && pair.keeps_entry() && has_file(pair);
        let Some(pair) = paired.pairs.into_iter().find(is_it) else {
            // Whoever asked may have gone; so everywhere here.
            let _ = reply.send(Err(vec![format!("zone {name} has no file that could be read")]));
            return;
        };
        self.awaited.entry(name).or_default().push(reply);
        self.read_changed(pair, true);
    }

    /// Tells those that wait for this zone what came of it.
    pub(super) fn answer_awaited(&mut self, name: &DomainName, result: &Result<u32, Vec<String>>) {
        for reply in self.awaited.remove(name).into_iter().flatten() {
            let _ = reply.send(result.clone());
        }
    }

    /// With `whatever` also files that have not changed.
    fn read_changed(&mut self, pair: ZonePair, whatever: bool) {
        let name = pair.wanted.name.clone();
        if let Some(again) = self.reading.get_mut(&name) {
            *again = true;
            return;
        }
        let seen = self.open_files.take_seen(&name);
        self.reading.insert(name, false);
        let reason = ReadReason::Changed { version: pair.version };
        let kept = if whatever { None } else { pair.kept_entry(false).cloned() };
        let base = pair.base();
        self.readers.read(ReadJob { reason, zone: pair.wanted, kept, base, seen });
    }

    /// A reading thread has done a job.
    pub(super) fn finish_read(&mut self, job: ReadJob, outcome: ZoneReadOutcome) {
        match outcome {
            ZoneReadOutcome::Read(read) => self.take_read(job, Some(read)),
            ZoneReadOutcome::Unchanged => self.take_read(job, None),
            ZoneReadOutcome::Incomplete(incomplete) => self.postpone(job, incomplete),
            ZoneReadOutcome::Late => drop(self.deferred.names.insert(job.zone.name)),
        }
    }

    fn active_plan(&mut self, number: u64) -> Option<&mut ActivePlan> {
        self.plan.as_mut().filter(|plan| plan.number == number)
    }

    /// Without `read`, the zone stays as it is.
    pub(super) fn take_read(&mut self, job: ReadJob, read: Option<ZoneRead>) {
        match job.reason {
            ReadReason::Planned { plan: number, index } => {
                let Some(plan) = self.active_plan(number) else { return };
                plan.outstanding -= 1;
                if let Some(pair) = plan.paired.pairs.get_mut(index) {
                    pair.read = read;
                }
                self.finish_plan();
            }
            ReadReason::Changed { version } => self.publish_changed(job.zone.name, version, read),
        }
    }

    /// A file of the zone is not complete. Whoever asked for a reload waits for it; the plans and changes that nobody
    /// waits for go on without the zone.
    fn postpone(&mut self, mut job: ReadJob, incomplete: IncompleteZone) {
        let IncompleteZone { file, is_open, files } = incomplete;
        let name = job.zone.name.clone();
        match job.reason {
            ReadReason::Planned { plan: number, index } => {
                let Some(plan) = self.active_plan(number) else { return };
                if let Some(until) = plan.waits_until(is_open) {
                    job.seen = files;
                    return self.open_files.hold(job, file, until);
                }
                plan.outstanding -= 1;
                if let Some(pair) = plan.paired.pairs.get_mut(index) {
                    pair.incomplete = true;
                }
                self.open_files.await_close(name, files);
                self.finish_plan();
            }
            ReadReason::Changed { .. } => {
                self.reading.remove(&name);
                let open = format!("{}: it is being written, and read once it is closed", file.display());
                self.answer_awaited(&name, &Err(vec![open]));
                self.open_files.await_close(name, files);
            }
        }
    }

    pub(super) const fn writers(&self) -> &OpenWriters {
        self.open_files.writers()
    }

    /// Whether [`Self::look_at_waiting`] has something to do.
    pub(super) fn is_waiting(&self) -> bool {
        !self.open_files.is_empty() || self.readers.is_busy()
    }

    /// Has files that were open looked at again, and looks for readers that are stuck.
    pub(super) fn look_at_waiting(&mut self, now: Instant) {
        let closed = self.open_files.look(now);
        for job in closed.jobs {
            self.readers.read(job);
        }
        self.deferred.names.extend(closed.zones);
        for (job, refusal) in closed.refused {
            self.open_files.await_close(job.zone.name.clone(), Vec::new());
            self.take_read(job, Some(Err(refusal)));
        }
        for (job, refusal) in self.readers.replace_stuck(now) {
            self.take_read(job, Some(Err(refusal)));
        }
    }

    /// Hands over the plan if all its zones are read.
    fn finish_plan(&mut self) {
        let Some(plan) = self.plan.as_mut().filter(|plan| plan.outstanding == 0) else { return };
        plan.paired.pairs.retain(|pair| !pair.is_later());
        let changes = describe::changes(&plan.paired);
        let broken = describe::broken(&plan.paired);
        // The plan stays as what is under way until it is in force or given up.
        let mut paired = std::mem::take(&mut plan.paired);
        let warnings = std::mem::take(&mut paired.warnings);
        let next = next_zones(paired, &plan.snapshot);
        let zones = ZonesPlan { changes, broken, warnings, read_count: next.read.len(), next };
        if let Some(waiting) = plan.waiting.take() {
            return (waiting.reply)(Ok(zones));
        }
        log_changes(&zones.changes);
        let live = Arc::clone(&self.live);
        self.commit(zones, Box::new(move |table| install_table(&live, table)), Box::new(drop));
    }

    /// Gives the plan up; what it was made for has to be looked at again.
    pub(super) fn abandon(&mut self) {
        if let Some(plan) = self.plan.take() {
            self.deferred.extend(plan.dirty);
        }
    }

    /// Does what had to wait for the plan.
    pub(super) fn resume(&mut self) {
        if self.plan.is_none() {
            let deferred = std::mem::take(&mut self.deferred);
            self.look_at(&deferred);
            self.open_files.forget_seen();
        }
    }

    /// After a panic: nothing is under way, and everything is looked at again.
    pub(super) fn recover(&mut self) {
        (self.plan, self.committing) = (None, None);
        self.reading.clear();
        self.awaited.clear();
        self.open_files.clear();
        self.deferred = DirtyZones::every();
    }
}
