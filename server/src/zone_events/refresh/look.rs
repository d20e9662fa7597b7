//! One look at a zone: its primaries are asked one after the other; what is new is kept, and then served.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rhumb_wire::DomainName;
use rhumb_zones::journal::ChangeCause;
use rhumb_zones::{VersionOrigin, ZoneContents, ZoneVersion};
use tokio::sync::oneshot;

use super::connection::PrimaryConnections;
use super::failure::RefreshFailure;
use super::pace::LookResult;
use super::primary::{PrimaryAccess, PrimaryReport, PrimaryVersion, ReceivedVersion, WantedZone};
use super::timers::ZoneTimers;
use crate::snapshot::{
    PrimaryServer, RefreshCommand, SecondaryOrigin, SecondaryTimes, ServedZone, ServerState, ZoneEntry,
};
use crate::zone_events::state::{StateChange, StateStore, StateVersion};
use crate::zone_events::transferred::TransferredZone;
use crate::zone_events::wall_clock::unix_time;
use crate::zone_events::writer::ZoneWriter;

/// What all looks share.
#[derive(Debug)]
pub(super) struct RefreshServices {
    pub(super) live: Arc<ServerState>,
    pub(super) writer: ZoneWriter,
    pub(super) store: Option<StateStore>,
    pub(super) connections: PrimaryConnections,
}

/// What a look is to do.
#[derive(Debug)]
pub(super) struct ZoneLook {
    pub(super) entry: ZoneEntry,
    /// Who announced a new version: it is asked first.
    pub(super) notified_by: Option<IpAddr>,
    pub(super) command: Option<RefreshCommand>,
    /// Primaries that do not answer: they are asked last.
    pub(super) silent: Vec<SocketAddr>,
    /// Primaries whose differences are not asked for.
    pub(super) whole_only: Vec<SocketAddr>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct LookReport {
    pub(super) result: LookResult,
    /// The primary that the zone is known of, and its serial.
    pub(super) primary: Option<(SocketAddr, u32)>,
    /// Until when the zone may be served, if that is known anew.
    pub(super) expires_in: Option<Duration>,
    /// A new version is served.
    pub(super) updated: Option<&'static str>,
    /// Why the difference could not be taken, or that it could.
    pub(super) ixfr: Option<(SocketAddr, bool)>,
    /// Why nothing was had, one a primary; empty where something was.
    pub(super) failures: Vec<String>,
}

impl RefreshServices {
    /// Keeps nothing of a zone any more, nor of what its file held. What was done, or why not.
    pub(super) async fn purge(&self, name: &DomainName) -> Result<String, String> {
        let key = name.as_ref().to_lowercase();
        // What the file held comes last: as long as the zone is kept, it is needed to tell what the file has changed.
        let stores = self.store.iter().flat_map(|store| [Some(store), store.files()]).flatten();
        let kept: Vec<_> = stores.filter(|store| store.zones().contains(&key)).collect();
        if kept.is_empty() {
            return Err(format!("nothing is kept of zone {name}"));
        }
        for store in kept {
            let removed = store.submit(&StateChange {
                zone: name.clone(),
                origin: VersionOrigin { cause: ChangeCause::Command, time: unix_time(), who: "".into() },
                expires: 0,
                version: StateVersion::Removed,
            });
            let removed = removed.await.map_err(|_| "the server ends".to_owned())?;
            removed.map_err(|error| error.to_string())?;
        }
        Ok(format!("zone {name}: nothing is kept any more"))
    }

    /// Has it noted until when the version `serial` of a zone, which is served, may be. Nobody waits for the disk: at worst the zone is
    /// looked at once more.
    pub(super) fn note_times(&self, zone: &ServedZone, serial: u32, times: SecondaryTimes) {
        zone.note_checked(times);
        if let Some(store) = &self.store
            && store.serial(zone.name()) == Some(serial)
        {
            drop(store.submit(&StateChange {
                zone: zone.name().clone(),
                origin: VersionOrigin { cause: ChangeCause::Transfer, time: times.checked, who: "".into() },
                expires: times.expires,
                version: StateVersion::Checked(serial),
            }));
        }
    }
}

impl LookReport {
    /// Before a primary was asked.
    const fn empty() -> Self {
        let failures = Vec::new();
        let result = LookResult::Answer;
        Self { result, primary: None, expires_in: None, updated: None, ixfr: None, failures }
    }

    /// Of a look that did not come to its end.
    pub(super) fn failed() -> Self {
        Self { failures: vec!["internal error; the log has more".to_owned()], ..Self::empty() }
    }
}

impl ZoneLook {
    /// The primaries in the order they are asked.
    fn primaries<'o>(&self, origin: &'o SecondaryOrigin) -> Vec<&'o PrimaryServer> {
        let mut primaries: Vec<_> = origin.primaries.iter().collect();
        let rank = |server: &&PrimaryServer| {
            let has_notified = self.notified_by.is_some_and(|by| by.to_canonical() == server.address.ip());
            (!has_notified, self.silent.contains(&server.address))
        };
        primaries.sort_by_key(rank);
        primaries
    }

    /// Asks the primaries until one has the zone.
    pub(super) async fn run(self, services: &RefreshServices) -> LookReport {
        let mut report = LookReport::empty();
        let Some(origin) = self.entry.origin.secondary.as_deref() else { return report };
        let (base, version) = (self.entry.zone.contents(), self.entry.zone.version());
        let wanted = WantedZone {
            name: self.entry.zone.name().clone(),
            base,
            retransfer: self.command == Some(RefreshCommand::Retransfer),
            accepts_decrease: origin.terms.accepts_decrease,
            max_size: origin.terms.max_zone_size,
            passes_misfits: !origin.terms.strict_differences,
            digest: self.entry.origin.reading.digest,
            validates: origin.terms.validates,
            asks_by_udp: origin.terms.asks_by_udp,
        };
        for server in self.primaries(origin) {
            let failure = match self.ask(services, server, origin, &wanted, version, &mut report).await {
                Ok(()) => {
                    if wanted.base.is_none() && report.failures.is_empty() {
                        report.result = LookResult::FirstTransfer;
                    }
                    report.failures.clear();
                    return report;
                }
                Err(failure) => failure,
            };
            let is_first = origin.primaries.first().is_some_and(|first| first.address == server.address);
            if is_first && failure.is_silence() {
                report.result = LookResult::Silence;
            }
            let is_ours = failure.is_ours();
            report.failures.push(format!("{} ({}): {failure}", server.remote, server.address));
            if is_ours {
                break;
            }
        }
        report
    }

    async fn ask(
        &self,
        services: &RefreshServices,
        server: &PrimaryServer,
        origin: &SecondaryOrigin,
        wanted: &WantedZone,
        version: u32,
        report: &mut LookReport,
    ) -> Result<(), RefreshFailure> {
        let live = &*services.live;
        let keys = Arc::clone(&live.snapshot.load().settings.keys);
        let key = server.key.as_ref().map(|name| keys.find(name.as_ref()).cloned());
        let key = key.map(|key| key.ok_or(RefreshFailure::NoKey)).transpose()?;
        let access = PrimaryAccess { live, connections: &services.connections, server, key };
        let whole_only = self.whole_only.contains(&server.address);
        let mut ixfr_failed = false;
        let fetched = access.fetch(wanted, whole_only, &mut ixfr_failed).await;
        if ixfr_failed {
            report.ixfr = Some((server.address, false));
        }
        let PrimaryReport { version: found, serial, expire } = fetched?;
        report.primary = Some((server.address, serial));
        match found {
            PrimaryVersion::Same => {
                let Some(contents) = &wanted.base else { return Err(RefreshFailure::Answer) };
                let left =
                    self.entry.zone.times().map_or(0, |times| times.expires.saturating_sub(unix_time()));
                let expires_in = still_expires_in(contents, origin, expire, Duration::from_secs(left));
                let checked = unix_time();
                let times = SecondaryTimes { checked, expires: checked + expires_in.as_secs() };
                services.note_times(&self.entry.zone, contents.serial(), times);
                report.expires_in = Some(expires_in);
            }
            PrimaryVersion::New(received) => {
                if !ixfr_failed && received.kind == crate::metrics::TransferKind::Ixfr {
                    report.ixfr = Some((server.address, true));
                }
                let expires_in = expires_in(&received.loaded.contents, origin, expire);
                report.updated = Some(received.kind.as_str());
                self.keep_and_serve(services, server, wanted, *received, version, expires_in).await?;
                report.expires_in = Some(expires_in);
            }
        }
        Ok(())
    }

    /// Has a version kept, and serves it once it is.
    async fn keep_and_serve(
        &self,
        services: &RefreshServices,
        server: &PrimaryServer,
        wanted: &WantedZone,
        received: ReceivedVersion,
        version: u32,
        expires_in: Duration,
    ) -> Result<(), RefreshFailure> {
        let ReceivedVersion { mut loaded, difference, kind, bytes } = received;
        let Some(store) = services.store.clone() else {
            return Err(RefreshFailure::State("`state` takes a restart of the server".to_owned()));
        };
        let now = unix_time();
        let times = SecondaryTimes { checked: now, expires: now + expires_in.as_secs() };
        let name = wanted.name.clone();
        let who = server.address.to_string().into();
        let origin = VersionOrigin { cause: ChangeCause::Transfer, time: now, who };
        let follows = wanted.base.as_ref().is_some_and(|base| store.serial(&name) == Some(base.serial()));
        // What is larger than the zone is no saving.
        let is_short = |step: &Arc<rhumb_zones::ZoneDifference>| step.memory() < loaded.contents.memory();
        let change = StateChange {
            zone: name.clone(),
            origin: origin.clone(),
            expires: times.expires,
            version: match difference.as_ref().filter(|step| follows && is_short(step)) {
                Some(step) => StateVersion::Difference(Arc::clone(step)),
                None => StateVersion::Whole(Arc::clone(&loaded.contents)),
            },
        };
        let state = |error: String| RefreshFailure::State(error);
        let submitted = tokio::task::spawn_blocking(move || store.submit(&change)).await;
        let kept = submitted.map_err(|error| state(error.to_string()))?.await;
        kept.map_err(|_| state("the server ends".to_owned()))?.map_err(|error| state(error.to_string()))?;
        let serial = loaded.contents.serial();
        loaded.times = Some(times);
        loaded.origin = Some(origin.clone());
        loaded.versions = difference.map(|difference| vec![ZoneVersion { difference, origin }]);
        let (done, served) = oneshot::channel();
        services.writer.publish(TransferredZone { name: name.clone(), version, loaded, done });
        if !served.await.unwrap_or(false) {
            return Err(RefreshFailure::Overtaken);
        }
        let (kind, primary) = (kind.as_str(), server.address);
        tracing::info!(zone = %name, kind, serial, %primary, bytes, "zone transferred from its primary");
        Ok(())
    }
}

/// For how long a zone may be served from now on: as its SOA says, and no longer than the primary may itself (RFC 7314 section 4).
fn expires_in(contents: &ZoneContents, origin: &SecondaryOrigin, option: Option<u32>) -> Duration {
    let timers = contents.soa_timers().map(|soa| ZoneTimers::of(soa, &origin.terms));
    let own = timers.map_or(Duration::from_hours(24), |timers| timers.expire);
    option.map_or(own, |seconds| own.min(Duration::from_secs(seconds.into())))
}

/// The same of a version that was served before: another server may have said more (RFC 7314 section 4).
fn still_expires_in(
    contents: &ZoneContents,
    origin: &SecondaryOrigin,
    option: Option<u32>,
    left: Duration,
) -> Duration {
    expires_in(contents, origin, option).max(left.min(expires_in(contents, origin, None)))
}
