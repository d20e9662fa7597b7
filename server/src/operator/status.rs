//! How the server is: gathered from where it is known.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rhumb_resolver::UpstreamPolicy;
use rhumb_wire::DomainName;

use super::admin::ServerAdmin;
use super::anchor_status::trust_anchors;
use super::server_status::{
    BrokenZoneStatus, CacheFileStatus, CacheStatus, CertificateStatus, ListStatus, ListenerStatus,
    ParentNoticeStatus, ReloadOutcome, RouteStatus, SecondaryZoneStatus, ServerStatus, TrafficStatus,
    TransferClientStatus, UpstreamStatus, ZoneCount, ZoneStatus, ZoneVersionsStatus,
};
use super::show::{span, utc};
use super::zone_trouble::{lacks_upstream, zone_trouble};
use crate::listen::CertificateState;
use crate::metrics::{ReloadResult, TrafficFigures};
use crate::reload::ReloadStatus;
use crate::snapshot::{
    ParentNotice, PrimaryServer, RouteCourse, RouteEntry, SecondaryOrigin, ServerSnapshot, ServerState,
    ZoneEntry, ZoneFile,
};

/// A certificate that expires within this time is warned of.
const EXPIRES_SOON: Duration = Duration::from_hours(21 * 24);
/// What is said where the log of the state cannot be written.
const UNWRITTEN: &str = "state: the disk does not take new versions of zones";
/// The most broken zones that are listed.
const MOST_BROKEN: usize = 1000;

/// The whole of it.
pub(super) fn whole(admin: &ServerAdmin) -> ServerStatus {
    let live = &admin.live;
    let snapshot = live.snapshot.load();
    let reloads = admin.reloads.load();
    let traffic = live.metrics.traffic();
    let (broken, failed) = broken_zones(live, &snapshot);
    ServerStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime: admin.began.elapsed().as_secs(),
        pid: std::process::id(),
        config: snapshot.config.file.as_ref().map(|file| file.display().to_string()),
        last_reload: last_reload(admin, &reloads),
        pending_restart: admin.pending_restart(),
        listeners: listeners(&reloads),
        certificates: reloads.certificates.iter().map(certificate).collect(),
        zones: ZoneCount { total: snapshot.view.zones.len(), failed },
        broken,
        failures: admin.failures(),
        routes: routes(live, &snapshot, &reloads),
        trust_anchors: trust_anchors(live),
        traffic: traffic_status(admin, &traffic),
        cache: cache(live, &traffic),
        sandbox: admin.confinement.iter().skip(1).cloned().collect(),
        user: admin.confinement.first().cloned().unwrap_or_default(),
        warnings: warnings(live, &reloads, SystemTime::now()),
    }
}

/// The first broken zones, and how many there are.
fn broken_zones(live: &ServerState, snapshot: &ServerSnapshot) -> (Vec<BrokenZoneStatus>, usize) {
    let (mut broken, mut count) = (Vec::new(), 0);
    for (_, entry) in snapshot.view.zones.iter() {
        let Some(trouble) = zone_trouble(live, entry) else { continue };
        count += 1;
        if broken.len() < MOST_BROKEN {
            let serial = entry.zone.load().as_ref().map(|contents| contents.serial());
            let name = entry.zone.name().to_string();
            broken.push(BrokenZoneStatus { name, serial, problems: vec![trouble] });
        }
    }
    (broken, count)
}

fn last_reload(admin: &ServerAdmin, reloads: &ReloadStatus) -> ReloadOutcome {
    match &reloads.last_reload {
        None => ReloadOutcome { ok: true, when: unix(admin.started), errors: Vec::new() },
        Some(last) => ReloadOutcome {
            ok: last.result != ReloadResult::Failed,
            when: unix(last.when),
            errors: last.errors.clone(),
        },
    }
}

fn listeners(reloads: &ReloadStatus) -> Vec<ListenerStatus> {
    let mut all: Vec<ListenerStatus> = Vec::new();
    for (address, transport, workers) in &reloads.listeners {
        match all.iter_mut().find(|listener| listener.address == *address) {
            Some(listener) => {
                listener.transports.push((*transport).to_owned());
                listener.workers = listener.workers.max(*workers);
            }
            None => all.push(ListenerStatus {
                address: address.clone(),
                transports: vec![(*transport).to_owned()],
                workers: *workers,
            }),
        }
    }
    all
}

/// The routes that have upstreams.
fn routes(live: &ServerState, snapshot: &ServerSnapshot, reloads: &ReloadStatus) -> Vec<RouteStatus> {
    let forwards = |entry: &&RouteEntry| snapshot.iteration.course(entry.route.id()) != RouteCourse::Iterate;
    let entries = snapshot.view.routes.iter().map(|(_, entry)| entry).filter(forwards);
    entries.map(|entry| route(entry, live, snapshot, reloads)).collect()
}

fn route(
    entry: &RouteEntry,
    live: &ServerState,
    snapshot: &ServerSnapshot,
    reloads: &ReloadStatus,
) -> RouteStatus {
    let state = entry.route.state();
    let upstreams = state.members.iter().map(|member| {
        let upstream = live.servers.server(&member.identity);
        UpstreamStatus {
            address: upstream.identity().to_string(),
            healthy: upstream.is_healthy(),
            asked: upstream.counts(upstream.identity().transport).queries > 0,
            taken_out: state.withheld.contains(&member.identity),
            srtt_ms: upstream
                .smoothed_rtt(upstream.identity().transport)
                .map(|rtt| rtt.as_secs_f64() * 1000.0),
            queries: member.counters.requests(),
            timeouts: member.counters.timeouts(),
            why: member
                .counters
                .last_failure()
                .filter(|_| !upstream.is_healthy())
                .map(|cause| cause.sentence().to_owned()),
        }
    });
    let named = snapshot.config.forward.iter().find(|forward| forward.place == entry.place);
    let files: Vec<_> = named.iter().flat_map(|forward| &forward.upstreams).filter_map(file_of).collect();
    let lists = reloads.lists.iter().filter(|list| files.contains(&&list.path)).map(|list| ListStatus {
        file: list.path.display().to_string(),
        ok: list.kept.is_none(),
        why: list.kept.clone(),
    });
    RouteStatus {
        domain: entry.route.domain().to_string(),
        rule: entry.place.to_string(),
        policy: policy(state.pool.policy()).to_owned(),
        is_down: lacks_upstream(snapshot, entry),
        upstreams: upstreams.collect(),
        lists: lists.collect(),
    }
}

/// As the configuration writes it.
const fn policy(policy: UpstreamPolicy) -> &'static str {
    match policy {
        UpstreamPolicy::Fastest => "fastest",
        UpstreamPolicy::InOrder => "in-order",
        UpstreamPolicy::RoundRobin => "round-robin",
        UpstreamPolicy::Random => "random",
    }
}

fn file_of(source: &rhumb_config::UpstreamSource) -> Option<&std::path::PathBuf> {
    use rhumb_config::UpstreamSource::{List, Named, ResolvConf, Server};
    match source {
        Server(..) | Named(..) => None,
        List(path, _) | ResolvConf(path, _) => Some(path),
    }
}

fn cache(live: &ServerState, traffic: &TrafficFigures) -> CacheStatus {
    let figures = live.cache.figures();
    CacheStatus {
        entries: figures.entries,
        bytes: figures.bytes,
        size: figures.limit,
        hit_ratio: traffic.hit_ratio(),
        file: live.metrics.read_cache_file().map(|file| CacheFileStatus {
            loaded: file.loaded,
            written: Some(file.written).filter(|written| *written > 0),
            entries: file.entries,
            bytes: file.bytes,
            failures: file.failures,
        }),
    }
}

fn traffic_status(admin: &ServerAdmin, traffic: &TrafficFigures) -> TrafficStatus {
    let load = admin.load.recent(Instant::now(), traffic);
    let millis = |seconds: f64| seconds * 1000.0;
    TrafficStatus {
        queries: traffic.queries,
        servfail: traffic.servfail,
        queries_per_second: load.queries_per_second,
        median_ms: load.median.map(millis),
        slowest_hundredth_ms: load.slowest_hundredth.map(millis),
        waiting: traffic.waiting,
        connections: traffic.connections,
    }
}

fn certificate(state: &CertificateState) -> CertificateStatus {
    CertificateStatus {
        certificate: state.name.clone(),
        names: state.subjects.clone(),
        expires: unix(state.not_after),
        why: state.kept.clone(),
    }
}

/// What is to be done about a certificate.
fn certificate_warnings(state: &CertificateState, now: SystemTime) -> Vec<String> {
    let CertificateState { name, kept, not_after, .. } = state;
    let kept = kept.as_ref().map(|why| format!("{why}: the last good certificate stays"));
    let expiry = match not_after.duration_since(now) {
        Err(_) => Some(format!("certificate {name}: expired {}", utc(unix(*not_after)))),
        Ok(left) if left <= EXPIRES_SOON => Some(format!(
            "certificate {name}: expires {}, in {}",
            utc(unix(*not_after)),
            span(left.as_secs())
        )),
        Ok(_) => None,
    };
    kept.into_iter().chain(expiry).collect()
}

fn warnings(live: &ServerState, reloads: &ReloadStatus, now: SystemTime) -> Vec<String> {
    let of_certificates = reloads.certificates.iter().flat_map(|state| certificate_warnings(state, now));
    let snapshot = live.snapshot.load();
    let unverified =
        snapshot.config.forward.iter().filter(|forward| !forward.trust.verified).map(|forward| {
            format!(
                "{}: forward {}: the certificates of its upstreams are not verified",
                forward.place, forward.domain
            )
        });
    let trouble = live.local_root.trouble(&snapshot.view);
    let of_root =
        trouble.map(|why| format!("local root: {why}; what it does not say is asked of the root's servers"));
    let unreadable = live.folders.list().into_iter().map(|(_, why)| why);
    let unwritten = (!live.metrics.state_is_kept()).then(|| UNWRITTEN.to_owned());
    let kept = reloads.lists.iter().filter_map(|list| {
        let why = list.kept.as_ref()?;
        Some(format!("{}: {why}; its last {} upstreams stay", list.path.display(), list.upstreams))
    });
    reloads
        .listener_notes
        .iter()
        .chain(&reloads.warnings)
        .cloned()
        .chain(kept)
        .chain(unverified)
        .chain(unreadable)
        .chain(unwritten)
        .chain(of_root)
        .chain(of_certificates)
        .collect()
}

/// Every zone, by name.
pub(super) fn zones(admin: &ServerAdmin) -> Vec<ZoneStatus> {
    let live = &*admin.live;
    let snapshot = live.snapshot.load();
    let mut zones: Vec<ZoneStatus> = snapshot
        .view
        .zones
        .iter()
        .map(|(_, entry)| with_source(admin, zone_status(live, entry), entry))
        .collect();
    zones.sort_by(|a, b| a.name.cmp(&b.name));
    zones
}

/// The zone with this apex.
pub(super) fn zone(admin: &ServerAdmin, apex: &DomainName) -> Option<ZoneStatus> {
    let live = &*admin.live;
    live.snapshot.load().view.zone_at(apex).map(|entry| with_source(admin, zone_status(live, entry), entry))
}

/// With the serial in the zone's file.
fn with_source(admin: &ServerAdmin, mut status: ZoneStatus, entry: &ZoneEntry) -> ZoneStatus {
    if entry.file().is_some() {
        let noted = admin.store.as_ref().and_then(|store| store.files()?.serial(entry.zone.name()));
        status.versions.source = noted.or(status.serial);
    }
    status
}

fn zone_status(live: &ServerState, entry: &ZoneEntry) -> ZoneStatus {
    let contents = entry.zone.contents();
    let trouble = zone_trouble(live, entry);
    ZoneStatus {
        name: entry.zone.name().to_string(),
        serial: contents.as_ref().map(|contents| contents.serial()),
        records: contents.as_ref().map_or(0, |contents| contents.record_count()),
        left_out: entry.zone.left_out(),
        ok: trouble.is_none() && contents.is_some(),
        trouble,
        file: entry.file().map(|file| file.display().to_string()),
        loaded: entry.zone.loaded().map(unix),
        rule: entry.place().to_string(),
        secondary: entry.origin.secondary.as_deref().map(|origin| secondary_status(live, entry, origin)),
        parent: entry.origin.parent_notify.then(|| parent_status(live, entry)),
        versions: versions_status(live, entry),
    }
}

fn parent_status(live: &ServerState, entry: &ZoneEntry) -> Vec<ParentNoticeStatus> {
    let notices = live.parents.of(entry.zone.name()).into_iter();
    let status = |notice: ParentNotice| ParentNoticeStatus {
        r#type: notice.rtype.to_string(),
        server: notice.server,
        outcome: notice.outcome,
        time: notice.time,
    };
    notices.map(status).collect()
}

fn versions_status(live: &ServerState, entry: &ZoneEntry) -> ZoneVersionsStatus {
    let zone = &entry.zone;
    let role = match &entry.origin.source {
        ZoneFile::Primaries => "secondary",
        ZoneFile::BuiltIn => "example",
        ZoneFile::File(_) | ZoneFile::Folder(..) => "primary",
    };
    let clients = live.askers.of(zone.name()).into_iter().map(|asker| TransferClientStatus {
        address: asker.client.to_string(),
        time: asker.time,
        had: asker.had,
        serial: asker.serial,
    });
    let (earlier, bytes) = zone.history_size();
    let origin = zone.origin();
    ZoneVersionsStatus {
        role: role.to_owned(),
        source: live.refreshes.status(zone.name()).and_then(|status| status.primary_serial),
        cause: origin.as_ref().map(|origin| origin.cause.as_str().to_owned()),
        who: origin.as_ref().map(|origin| origin.who.to_string()).unwrap_or_default(),
        time: origin.map_or(0, |origin| origin.time),
        earlier,
        bytes,
        frozen: live.frozen.has(zone.name()),
        clients: clients.collect(),
    }
}

fn secondary_status(live: &ServerState, entry: &ZoneEntry, origin: &SecondaryOrigin) -> SecondaryZoneStatus {
    let status = live.refreshes.status(entry.zone.name()).unwrap_or_default();
    let server = |primary: &PrimaryServer| format!("{} ({})", primary.remote, primary.address);
    SecondaryZoneStatus {
        primaries: origin.primaries.iter().map(server).collect(),
        primary: status.primary.map(|primary| primary.to_string()),
        primary_serial: status.primary_serial,
        checked: status.checked,
        next: status.next,
        expires: status.expires,
        is_expired: entry.zone.is_expired(),
        failure: status.failure,
        failures: status.failures,
        whole_only: status.whole_only.map(|primary| primary.to_string()),
    }
}

/// Seconds since 1970.
fn unix(when: SystemTime) -> u64 {
    when.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_warned_of_when_they_are_about_to_expire_or_kept() {
        let now = UNIX_EPOCH + Duration::from_hours(24 * 365);
        let day = Duration::from_hours(24);
        let state = |not_after, kept: Option<&str>| CertificateState {
            name: "/c.pem".to_owned(),
            subjects: Vec::new(),
            not_after,
            kept: kept.map(str::to_owned),
        };
        for (not_after, kept, expected) in [
            (now + day * 22, None, &[][..]),
            (now + day * 20, None, &["expires 1971-01-21"]),
            (now - day, None, &["expired 1970-12-31"]),
            (now + day * 90, Some("no PEM"), &["no PEM: the last good certificate stays"]),
            (now - day, Some("no PEM"), &["no PEM: the last good", "expired"]),
        ] {
            let told = certificate_warnings(&state(not_after, kept), now);
            assert_eq!(told.len(), expected.len(), "{told:?}");
            assert!(told.iter().zip(expected).all(|(told, words)| told.contains(words)), "{told:?}");
        }
    }
}
