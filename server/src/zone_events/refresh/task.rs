//! The task that says when each zone of other servers is looked at.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_wire::DomainName;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::sleep_until;

use super::clock_anchor::{ClockAnchor, ClockJump};
use super::connection::PrimaryConnections;
use super::look::{LookReport, RefreshServices, ZoneLook};
use super::pace::LookResult;
use super::schedule::{RefreshSchedule, RefreshUrgency};
use super::timers::{ZoneTimers, after_empty};
use crate::snapshot::{RefreshCommand, RefreshReply, RefreshRequest, RefreshStatus, ServerState, ZoneEntry};
use crate::zone_events::state::StateStore;
use crate::zone_events::wall_clock::unix_time;
use crate::zone_events::writer::ZoneWriter;

/// How long nothing is looked at where nothing is due; the clocks are.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// When a zone is looked at that was gone when its turn came, should it be there again.
const GONE_PAUSE: Duration = Duration::from_secs(5);
/// Over how long the zones that are due at the start are spread.
const START_SPREAD: Duration = Duration::from_mins(1);
/// After so many failures in a row, differences of a primary are not asked for, for so long.
const IXFR_FAILURES: u32 = 3;
const WHOLE_ONLY: Duration = Duration::from_hours(1);

/// What is known of one zone besides when it is due.
#[derive(Debug, Default)]
struct ZoneRefresh {
    /// Failures in a row.
    failures: u32,
    expires: Option<Instant>,
    /// What its times were, if it has expired.
    expired: Option<ZoneTimers>,
    /// Whether its times are to be kept on the disk once it is not looked at any more.
    keeps_times: bool,
    notified_by: Option<std::net::IpAddr>,
    command: Option<RefreshCommand>,
    replies: Vec<RefreshReply>,
    /// Failures of differences in a row, by primary, and when the last was.
    ixfr: HashMap<SocketAddr, (u32, Instant)>,
}

struct RefreshTask {
    services: Arc<RefreshServices>,
    schedule: RefreshSchedule,
    zones: HashMap<DomainName, ZoneRefresh>,
    expiries: BTreeSet<(Instant, DomainName)>,
    under_way: JoinSet<(Vec<RefreshReply>, LookReport)>,
    /// The zones that are looked at, and the primary in whose turn each is.
    looks: HashMap<Id, (DomainName, SocketAddr)>,
    clock: ClockAnchor,
    is_started: bool,
}

/// Looks after the zones of other servers, until `stop` says so.
pub async fn refresh_zones(
    live: Arc<ServerState>,
    writer: ZoneWriter,
    store: Option<StateStore>,
    mut stop: watch::Receiver<bool>,
) {
    let services = RefreshServices {
        live: Arc::clone(&live),
        writer,
        store,
        connections: PrimaryConnections::default(),
    };
    let mut task = RefreshTask {
        services: Arc::new(services),
        schedule: RefreshSchedule::default(),
        zones: HashMap::new(),
        expiries: BTreeSet::new(),
        under_way: JoinSet::new(),
        looks: HashMap::new(),
        clock: ClockAnchor::new(unix_time(), Instant::now()),
        is_started: false,
    };
    task.find_zones();
    loop {
        task.follow_clock(None);
        let now = Instant::now();
        task.expire(now);
        while let Some((name, turn)) = task.schedule.next(now) {
            task.begin(name, turn);
        }
        let first_expiry = task.expiries.first().map(|(at, _)| *at);
        let due = task.schedule.due().into_iter().chain(first_expiry).fold(now + LONGEST_PAUSE, Instant::min);
        tokio::select! {
            (requests, look) = live.refreshes.take() => {
                if look {
                    task.find_zones();
                }
                for (name, request) in requests {
                    task.request(&name, request);
                }
            }
            Some(done) = task.under_way.join_next_with_id() => {
                let id = done.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
                // Whoever waits for one that panicked is told so by the end of its reply.
                let (replies, report) = done.map_or_else(|_| (Vec::new(), LookReport::failed()), |(_, ended)| ended);
                if let Some((name, turn)) = task.looks.remove(&id) {
                    task.conclude(&name, turn, replies, &report);
                }
            }
            () = sleep_until(due.into()) => {}
            // A sender that is gone ends it as well.
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

impl RefreshTask {
    /// Takes in the zones of other servers that there are now, and forgets those that are gone.
    fn find_zones(&mut self) {
        self.follow_clock(None);
        let snapshot = self.services.live.snapshot.load_full();
        self.schedule.limit(snapshot.config.transfers);
        let (now, wall) = (Instant::now(), unix_time());
        for (_, entry) in snapshot.view.zones.iter() {
            let name = entry.zone.name();
            let Some(origin) = &entry.origin.secondary else { continue };
            let Some(first) = origin.primaries.first() else { continue };
            if self.schedule.has(name) {
                self.schedule.set(name, first.address, RefreshUrgency::Due, now);
                continue;
            }
            let due = self.first_look(entry, wall, now);
            let has_contents = entry.zone.contents().is_some();
            let urgency = if has_contents { RefreshUrgency::Due } else { RefreshUrgency::Missing };
            self.schedule.set(name, first.address, urgency, due);
        }
        for name in self.schedule.zones() {
            let entry = snapshot.view.zone_at(&name);
            if entry.is_none_or(|entry| entry.origin.secondary.is_none()) {
                self.schedule.forget(&name);
                self.set_expiry(&name, None);
                self.zones.remove(&name);
                self.services.live.refreshes.forget(&name);
            }
        }
        self.is_started |= snapshot.serial > 0;
    }

    /// Has the times that are kept and told follow the wall clock where that has jumped: zones are looked at, and expire, by the monotonic
    /// one. Those of `noted` were noted by the clock of now.
    fn follow_clock(&mut self, noted: Option<&DomainName>) {
        let now = Instant::now();
        let Some(jump) = self.clock.jump(unix_time(), now) else { return };
        let ClockJump { before, wall } = jump;
        tracing::warn!(
            before,
            wall,
            "the clock has jumped: times of zones of other servers follow it, and none expires by it"
        );
        let snapshot = self.services.live.snapshot.load_full();
        for name in self.schedule.zones() {
            let Some(entry) = snapshot.view.zone_at(&name).filter(|_| noted != Some(&name)) else { continue };
            let expires = self.zones.get(&name).and_then(|zone| zone.expires);
            let left = expires.map(|at| at.saturating_duration_since(now));
            let times = entry.zone.times().map(|times| jump.times(times, left));
            self.services
                .live
                .refreshes
                .note(&name, |status| jump.carry(status, times.map(|times| times.expires)));
            let Some(times) = times else { continue };
            entry.zone.note_checked(times);
            if self.looks.values().any(|(looked_at, _)| *looked_at == name) {
                // There is one change of a zone at a time on its way to the disk.
                self.zones.entry(name).or_default().keeps_times = true;
            } else if let Some(contents) = entry.zone.contents() {
                self.services.note_times(&entry.zone, contents.serial(), times);
            }
        }
    }

    /// When a zone that is new here is looked at first: at once where nothing is known of it, and else by the times it was kept with.
    fn first_look(&mut self, entry: &ZoneEntry, wall: u64, now: Instant) -> Instant {
        let name = entry.zone.name();
        let timers = timers(entry);
        let Some((mut times, timers)) = entry.zone.times().zip(timers) else { return now };
        let mut left = Duration::from_secs(times.expires.saturating_sub(wall));
        // A clock that has gone back says nothing of the zone's age.
        if times.is_ahead(wall) {
            left = timers.expire;
            times.expires = wall + left.as_secs();
            entry.zone.note_checked(times);
        }
        self.set_expiry(name, Some(now + left));
        let age = Duration::from_secs(wall.saturating_sub(times.checked));
        let incomplete = self.services.store.as_ref().is_some_and(StateStore::is_incomplete);
        let left =
            if incomplete { Duration::ZERO } else { timers.after_success(chance()).saturating_sub(age) };
        let spread = if self.is_started { Duration::ZERO } else { START_SPREAD.mul_f64(chance()) };
        let due = if left.is_zero() { spread } else { left };
        self.services.live.refreshes.note(name, |status| {
            status.checked = Some(times.checked);
            status.expires = Some(times.expires);
            status.next = wall + due.as_secs();
            status.interval = timers.refresh.as_secs();
            status.lifetime = timers.expire.as_secs();
        });
        now + due
    }

    /// Somebody asks for a look, or for the end of what is kept of a zone.
    fn request(&mut self, name: &DomainName, request: RefreshRequest) {
        if request.command == Some(RefreshCommand::Purge) {
            let (services, name) = (Arc::clone(&self.services), name.clone());
            let is_configured = self.schedule.has(&name);
            drop(tokio::spawn(async move {
                let done = if is_configured {
                    Err(format!("zone {name} is configured, and what is kept of it is in use"))
                } else {
                    services.purge(&name).await
                };
                for reply in request.replies {
                    // Whoever asked may be gone.
                    let _ = reply.send(done.clone());
                }
            }));
            return;
        }
        if !self.schedule.has(name) {
            for reply in request.replies {
                // Whoever asked may be gone.
                let _ = reply.send(Err(format!("zone {name} is not transferred from other servers")));
            }
            return;
        }
        let zone = self.zones.entry(name.clone()).or_default();
        zone.notified_by = request.notified_by.or(zone.notified_by);
        zone.replies.extend(request.replies);
        let urgency = match request.command {
            Some(command) => {
                if zone.command != Some(RefreshCommand::Retransfer) {
                    zone.command = Some(command);
                }
                RefreshUrgency::Missing
            }
            None => RefreshUrgency::Notified,
        };
        self.schedule.bring_forward(name, urgency);
    }

    /// Begins a look at a zone in the turn of a primary.
    fn begin(&mut self, name: DomainName, turn: SocketAddr) {
        let now = Instant::now();
        let snapshot = self.services.live.snapshot.load_full();
        let entry = snapshot.view.zone_at(&name).cloned();
        let origin = entry.as_ref().and_then(|entry| entry.origin.secondary.clone());
        let (Some(entry), Some(origin)) = (entry, origin) else {
            // That it is gone is heard of next, unless it comes back before.
            let (result, urgency) = (LookResult::Nothing, RefreshUrgency::Missing);
            return self.schedule.ended(&name, turn, result, urgency, now, now + GONE_PAUSE);
        };
        let zone = self.zones.entry(name.clone()).or_default();
        zone.ixfr.retain(|_, (_, last)| now < *last + WHOLE_ONLY);
        let failed = |(_, (failures, _)): &(&SocketAddr, &(u32, Instant))| *failures >= IXFR_FAILURES;
        let addresses = origin.primaries.iter().map(|primary| primary.address);
        let look = ZoneLook {
            entry,
            notified_by: zone.notified_by.take(),
            command: zone.command.take(),
            silent: addresses.filter(|address| self.schedule.is_silent(*address)).collect(),
            whole_only: zone.ixfr.iter().filter(failed).map(|(address, _)| *address).collect(),
        };
        let replies = std::mem::take(&mut zone.replies);
        let services = Arc::clone(&self.services);
        let handle = self.under_way.spawn(async move {
            let report = look.run(&services).await;
            (replies, report)
        });
        self.looks.insert(handle.id(), (name, turn));
    }

    /// A look has ended.
    fn conclude(
        &mut self,
        name: &DomainName,
        turn: SocketAddr,
        replies: Vec<RefreshReply>,
        report: &LookReport,
    ) {
        self.follow_clock(report.expires_in.map(|_| name));
        let (now, wall) = (Instant::now(), unix_time());
        let snapshot = self.services.live.snapshot.load_full();
        let entry = snapshot.view.zone_at(name).filter(|entry| entry.origin.secondary.is_some());
        let Some(entry) = entry else {
            let (result, urgency) = (report.result, RefreshUrgency::Missing);
            return self.schedule.ended(name, turn, result, urgency, now, now + GONE_PAUSE);
        };
        let contents = entry.zone.contents();
        let timers = timers(entry);
        let zone = self.zones.entry(name.clone()).or_default();
        match report.ixfr {
            Some((primary, true)) => drop(zone.ixfr.remove(&primary)),
            Some((primary, false)) => {
                let (failures, last) = zone.ixfr.entry(primary).or_insert((0, now));
                (*failures, *last) = (*failures + 1, now);
            }
            None => {}
        }
        zone.failures = if report.failures.is_empty() { 0 } else { zone.failures + 1 };
        let failures = zone.failures;
        let whole_only = zone.ixfr.iter().find(|(_, (failures, _))| *failures >= IXFR_FAILURES);
        let whole_only = whole_only.map(|(primary, _)| *primary);
        if failures == 0 {
            zone.expired = None;
        }
        let pause = match (zone.expired, timers) {
            (Some(expired), _) => expired.after_expiry(chance()),
            (None, Some(timers)) if failures == 0 => timers.after_success(chance()),
            (None, Some(timers)) => timers.after_failures(failures, chance()),
            (None, None) => after_empty(failures.max(1), chance()),
        };
        let keeps_times = std::mem::take(&mut zone.keeps_times);
        if let Some(left) = report.expires_in {
            self.set_expiry(name, Some(now + left));
        } else if keeps_times && let (Some(contents), Some(times)) = (&contents, entry.zone.times()) {
            self.services.note_times(&entry.zone, contents.serial(), times);
        }
        log_failures(name, failures, report);
        self.services.live.refreshes.note(name, |status| {
            note(status, report, wall, failures);
            status.next = wall + pause.as_secs();
            status.interval = timers.map_or(0, |timers| timers.refresh.as_secs());
            // Of a zone that has expired, the last one goes on to be told.
            status.lifetime = timers.map_or(status.lifetime, |timers| timers.expire.as_secs());
            status.whole_only = whole_only;
        });
        let urgency = if contents.is_some() { RefreshUrgency::Due } else { RefreshUrgency::Missing };
        self.schedule.ended(name, turn, report.result, urgency, now, now + pause);
        let serial = contents.map(|contents| contents.serial());
        for reply in replies {
            // Whoever asked may be gone.
            let _ = reply.send(answer(name, serial, report));
        }
    }

    fn set_expiry(&mut self, name: &DomainName, at: Option<Instant>) {
        let zone = self.zones.entry(name.clone()).or_default();
        if let Some(before) = std::mem::replace(&mut zone.expires, at) {
            self.expiries.remove(&(before, name.clone()));
        }
        if let Some(at) = at {
            self.expiries.insert((at, name.clone()));
        }
    }

    /// Zones that no primary had in time are served no more, and asked for at once and by their retry from then on.
    fn expire(&mut self, now: Instant) {
        let snapshot = self.services.live.snapshot.load_full();
        while self.expiries.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, name)) = self.expiries.pop_first()
        {
            if let Some(zone) = self.zones.get_mut(&name) {
                zone.expires = None;
                zone.expired = snapshot.view.zone_at(&name).and_then(timers);
            }
            self.services.writer.expire(name.clone());
            self.schedule.bring_forward(&name, RefreshUrgency::Missing);
        }
    }
}

fn note(status: &mut RefreshStatus, report: &LookReport, wall: u64, failures: u32) {
    if let Some((primary, serial)) = report.primary {
        (status.primary, status.primary_serial) = (Some(primary), Some(serial));
    }
    if let Some(left) = report.expires_in {
        (status.checked, status.expires) = (Some(wall), Some(wall + left.as_secs()));
    }
    status.failures = failures;
    status.failure = (!report.failures.is_empty()).then(|| report.failures.join("; "));
}

/// The first failure in a row is told, and then each that comes after twice as many.
fn log_failures(name: &DomainName, failures: u32, report: &LookReport) {
    if failures.is_power_of_two() {
        let why = report.failures.join("; ");
        tracing::warn!(zone = %name, failures, "no primary has the zone: {why}");
    }
}

fn answer(name: &DomainName, serial: Option<u32>, report: &LookReport) -> Result<String, String> {
    if !report.failures.is_empty() {
        return Err(format!("zone {name}: {}", report.failures.join("; ")));
    }
    let serial = serial.map_or_else(|| "none".to_owned(), |serial| serial.to_string());
    let from = report.primary.map(|(primary, _)| format!(" from {primary}")).unwrap_or_default();
    Ok(match report.updated {
        Some(kind) => format!("zone {name}: transferred{from} ({kind}), serial {serial}"),
        None => format!("zone {name}: up to date, serial {serial}"),
    })
}

/// The times of a zone that has contents.
fn timers(entry: &ZoneEntry) -> Option<ZoneTimers> {
    let contents = entry.zone.contents()?;
    let terms = &entry.origin.secondary.as_ref()?.terms;
    Some(ZoneTimers::of(contents.soa_timers()?, terms))
}

/// A number from 0 to 1. Without random numbers all zones keep to the whole time.
fn chance() -> f64 {
    rhumb_net::random_u16().map_or(0.0, |number| f64::from(number) / f64::from(u16::MAX))
}
