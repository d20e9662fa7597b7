//! Answers as text.
//!
//! Names and messages come from zones, files and other servers: whatever could steer a terminal is taken out of them.

use std::io::{self, Write};

use serde::Deserialize;
use serde_json::Value;

use super::cached::ShownCacheEntry;
use super::discovery::DiscoveryStatus;
use super::running::ShownLookups;
use super::server_status::{
    BrokenZoneStatus, CacheFileStatus, CertificateStatus, RouteStatus, SecondaryZoneStatus, ServerStatus,
    TrafficStatus, ZoneStatus,
};
use crate::control::command::CommandArguments;

mod amount;
mod anchors;
mod answer;
mod explanation;
mod stats;
mod table;
mod updates;
mod versions;

pub(crate) use amount::counted;
pub(crate) use amount::timestamp;
pub(super) use amount::{bytes, share, span, utc};
pub(crate) use answer::AnswerStreams;
pub(super) use explanation::explanation;
pub(super) use stats::stats;
pub(crate) use table::{TextTable, plain};
pub(super) use updates::updates;
pub(super) use versions::{zone_diff, zone_export, zone_history};

use anchors::write_anchors;
use answer::read;
use table::list;

/// The answers of `reload` and `diff`.
#[derive(Deserialize)]
struct ReloadChanges {
    changes: Vec<String>,
    /// What is accepted and worth a look.
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    broken: Vec<BrokenZoneStatus>,
    /// What earlier reloads left to a restart.
    #[serde(default)]
    pending_restart: Vec<String>,
}

/// The answer of a command that has one thing to say.
#[derive(Deserialize)]
struct DoneSentence {
    done: String,
}

/// The answer of `flush`.
#[derive(Deserialize)]
struct DroppedEntries {
    dropped: u64,
}

/// The answer of a command that has one thing to say.
pub(super) fn sentence(_: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    let DoneSentence { done } = read(answer)?;
    writeln!(to.out, "{}", plain(&done))
}

pub(super) fn reload(_: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    let found: ReloadChanges = read(answer)?;
    changes(to.out, &found.changes, "nothing changed")?;
    warn(to.err, &found)
}

pub(super) fn diff(_: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    let found: ReloadChanges = read(answer)?;
    changes(to.out, &found.changes, "nothing would change")?;
    for setting in &found.pending_restart {
        writeln!(to.out, "waits for a restart: {}", plain(setting))?;
    }
    warn(to.err, &found)
}

fn warn(err: &mut dyn Write, found: &ReloadChanges) -> io::Result<()> {
    found.warnings.iter().try_for_each(|warning| writeln!(err, "warning: {}", plain(warning)))?;
    found.broken.iter().try_for_each(|zone| broken_zone(err, zone, "warning: "))
}

fn changes(out: &mut dyn Write, changes: &[String], none: &str) -> io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "{none}");
    }
    changes.iter().try_for_each(|change| writeln!(out, "{}", plain(change)))
}

/// A broken zone: what is served of it, and each problem on a line of its own.
fn broken_zone(out: &mut dyn Write, zone: &BrokenZoneStatus, indent: &str) -> io::Result<()> {
    let served = match zone.serial {
        Some(serial) => format!("keeps serial {serial}"),
        None => "is answered SERVFAIL".to_owned(),
    };
    writeln!(out, "{indent}zone {} is broken and {served}", plain(&zone.name))?;
    zone.problems.iter().try_for_each(|problem| writeln!(out, "{indent}  {}", plain(problem)))
}

pub(super) fn flush(_: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    let DroppedEntries { dropped } = read(answer)?;
    writeln!(to.out, "{} dropped from the cache", counted(dropped, "entry", "entries"))
}

pub(super) fn status(given: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    if given.is_on("ddr") {
        return read::<DiscoveryStatus>(answer)?.write(&mut *to.out);
    }
    let status: ServerStatus = read(answer)?;
    let out = &mut *to.out;
    head(out, &status)?;
    list(out, "failures", &status.failures)?;
    list(out, "errors of the last reload", &status.last_reload.errors)?;
    list(out, "waits for a restart", &status.pending_restart)?;
    list(out, "warnings", &status.warnings)?;
    if !status.broken.is_empty() {
        writeln!(out, "\nbroken zones")?;
        status.broken.iter().try_for_each(|zone| broken_zone(out, zone, "  "))?;
        match status.zones.failed.saturating_sub(status.broken.len()) {
            0 => {}
            more => writeln!(out, "  and {more} more")?,
        }
    }
    writeln!(out)?;
    let mut listeners = TextTable::with_head(["LISTENER", "TRANSPORTS", "WORKERS"]);
    for listener in &status.listeners {
        listeners.row([&*listener.address, &listener.transports.join(", "), &listener.workers.to_string()]);
    }
    listeners.write(out)?;
    certificates(out, &status.certificates)?;
    write_anchors(out, &status.trust_anchors)?;
    status.routes.iter().try_for_each(|entry| route(out, entry))
}

fn certificates(out: &mut dyn Write, certificates: &[CertificateStatus]) -> io::Result<()> {
    if certificates.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = TextTable::with_head(["CERTIFICATE", "NAMES", "EXPIRES"]);
    for one in certificates {
        table.row([&*one.certificate, &one.names.join(", "), &utc(one.expires)]);
    }
    table.write(out)
}

fn head(out: &mut dyn Write, status: &ServerStatus) -> io::Result<()> {
    let (cache, reload) = (&status.cache, &status.last_reload);
    let ended = if reload.ok { "succeeded" } else { "failed" };
    let hits = cache.hit_ratio.map(|ratio| format!(", {} hits", share(ratio))).unwrap_or_default();
    let entries = counted(cache.entries, "entry", "entries");
    let failed = match status.zones.failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    let sandbox = if status.sandbox.is_empty() { "none".to_owned() } else { status.sandbox.join(", ") };
    let mut head = TextTable::default();
    head.row(["rhumb", &format!("{}, process {}, up {}", status.version, status.pid, span(status.uptime))]);
    head.row(["configuration", status.config.as_deref().unwrap_or("built-in default")]);
    head.row(["last reload", &format!("{ended} {}", utc(reload.when))]);
    head.row(["zones", &format!("{}{failed}", status.zones.total)]);
    head.row(["load", &load(&status.traffic)]);
    head.row(["cache", &format!("{entries}, {} of {}{hits}", bytes(cache.bytes), bytes(cache.size))]);
    if let Some(file) = &cache.file {
        head.row(["cache file", &cache_file(file)]);
    }
    head.row(["account", &status.user]);
    head.row(["sandbox", &sandbox]);
    head.write(out)
}

fn cache_file(file: &CacheFileStatus) -> String {
    let entries = |count| counted(count, "entry", "entries");
    let written = file.written.map_or("not written yet".to_owned(), |written| {
        format!("written {}, {}, {}", utc(written), entries(file.entries), bytes(file.bytes))
    });
    let loaded = format!("{} from before the start", entries(file.loaded));
    let failures = match file.failures {
        0 => String::new(),
        failures => format!(", {} to write it", counted(failures, "failure", "failures")),
    };
    format!("{written}; {loaded}{failures}")
}

/// Queries a second and what they took, of the last minute.
fn load(traffic: &TrafficStatus) -> String {
    let rate = traffic.queries_per_second.map(|rate| format!("{rate:.1} queries/s"));
    let median = traffic.median_ms.map(|ms| format!("half within {ms} ms"));
    let slowest = traffic.slowest_hundredth_ms.map(|ms| format!("99 % within {ms} ms"));
    let waiting = (traffic.waiting > 0).then(|| format!("{} waiting", traffic.waiting));
    let known: Vec<String> = [rate, median, slowest, waiting].into_iter().flatten().collect();
    if known.is_empty() { counted(traffic.queries, "query", "queries") } else { known.join(", ") }
}

fn route(out: &mut dyn Write, route: &RouteStatus) -> io::Result<()> {
    let head = format!("forward {} ({}, {})", route.domain, route.policy, route.rule);
    writeln!(out, "\n{}", plain(&head))?;
    let mut table = TextTable::with_head(["UPSTREAM", "STATE", "RTT", "QUERIES", "TIMEOUTS"]);
    for upstream in &route.upstreams {
        table.row([
            &*upstream.address,
            &upstream.state(),
            &upstream.srtt_ms.map_or("-".to_owned(), |ms| format!("{ms:.1} ms")),
            &upstream.queries.to_string(),
            &upstream.timeouts.to_string(),
        ]);
    }
    table.write(out)?;
    for list in &route.lists {
        let state = match (&list.why, list.ok) {
            (None, true) => "followed".to_owned(),
            (None, false) => "its last good list is kept".to_owned(),
            (Some(why), true) => format!("followed; {why}"),
            (Some(why), false) => format!("its last good list is kept: {why}"),
        };
        writeln!(out, "{}", plain(&format!("list {}: {state}", list.file)))?;
    }
    Ok(())
}

pub(super) fn zone_list(_: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    let zones: Vec<ZoneStatus> = read(answer)?;
    let mut table = TextTable::with_head(["ZONE", "SERIAL", "RECORDS", "STATE", "FILE"]);
    for zone in &zones {
        table.row([&*zone.name, &serial(zone), &zone.records.to_string(), state(zone), file(zone)]);
    }
    table.write(to.out)
}

fn serial(zone: &ZoneStatus) -> String {
    zone.serial.map_or("-".to_owned(), |serial| serial.to_string())
}

/// The serial, and the one in the file or at the primary where that is another.
fn serial_text(zone: &ZoneStatus) -> String {
    match zone.versions.source.filter(|source| zone.serial != Some(*source)) {
        Some(source) => format!("{}, {source} where it comes from", serial(zone)),
        None => serial(zone),
    }
}

fn state(zone: &ZoneStatus) -> &'static str {
    if let Some(secondary) = &zone.secondary {
        return match (secondary.is_expired, zone.serial.is_some(), secondary.failures) {
            (true, ..) => "expired",
            (_, false, _) => "not transferred",
            (.., 0) => "current",
            _ => "refresh fails",
        };
    }
    match (zone.ok, zone.loaded) {
        (true, _) => "current",
        (false, Some(_)) => "outdated",
        (false, None) => "not loaded",
    }
}

fn file(zone: &ZoneStatus) -> &str {
    match (&zone.file, &zone.secondary) {
        (Some(file), _) => file,
        (None, Some(_)) => "from its primaries",
        (None, None) => "built-in example",
    }
}

fn secondary_rows(table: &mut TextTable, zone: &SecondaryZoneStatus) {
    table.row(["primaries", &zone.primaries.join(", ")]);
    if let Some(primary) = &zone.primary {
        let serial = zone.primary_serial.map_or("-".to_owned(), |serial| serial.to_string());
        table.row(["last had from", &format!("{primary}, serial {serial} there")]);
    }
    table.row(["checked", &zone.checked.map_or("never".to_owned(), utc)]);
    table.row(["next look", &utc(zone.next)]);
    table.row(["expires", &zone.expires.map_or("-".to_owned(), utc)]);
    if let Some(failure) = &zone.failure {
        table.row(["failing", &format!("{} in a row: {failure}", zone.failures)]);
    }
    if let Some(primary) = &zone.whole_only {
        table.row(["whole zones only", &format!("from {primary}: its differences failed")]);
    }
}

pub(super) fn zone_status(_: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    let zones: Vec<ZoneStatus> = if answer.is_array() { read(answer)? } else { vec![read(answer)?] };
    for (index, zone) in zones.iter().enumerate() {
        if index > 0 {
            writeln!(to.out)?;
        }
        let mut table = TextTable::default();
        table.row(["zone", &zone.name]);
        table.row(["state", state(zone)]);
        if let Some(trouble) = &zone.trouble {
            table.row(["trouble", trouble]);
        }
        table.row(["role", &zone.versions.role]);
        table.row(["serial", &serial_text(zone)]);
        table.row(["records", &zone.records.to_string()]);
        if zone.left_out > 0 {
            table.row([
                "left out",
                &format!("{}; the log has them", counted(zone.left_out, "record", "records")),
            ]);
        }
        match &zone.secondary {
            Some(secondary) => secondary_rows(&mut table, secondary),
            None => table.row(["file", file(zone)]),
        }
        table.row(["loaded", &zone.loaded.map_or("never".to_owned(), utc)]);
        versions::rows(&mut table, &zone.versions);
        for notice in zone.parent.iter().flatten() {
            let server = notice.server.as_deref().unwrap_or("the parent");
            let text = format!("{}, {}: {server} {}", notice.r#type, utc(notice.time), notice.outcome);
            table.row(["parent", &text]);
        }
        if zone.parent.as_ref().is_some_and(Vec::is_empty) {
            table.row(["parent", "is told of new CDS, CDNSKEY and CSYNC; there was none yet"]);
        }
        table.row(["rule", &zone.rule]);
        table.write(to.out)?;
    }
    Ok(())
}

pub(super) fn cached(given: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    let entries: Vec<ShownCacheEntry> = read(answer)?;
    let name = given.name("name").map(ToString::to_string).unwrap_or_default();
    if entries.is_empty() {
        return writeln!(to.out, "nothing is cached of {}", plain(&name));
    }
    for entry in &entries {
        let kind = if entry.failure { "failure" } else { "answer" };
        let from = match (&entry.upstream, &entry.domain) {
            (Some(upstream), Some(domain)) => format!(" from {upstream} (for {domain})"),
            (None, Some(domain)) => format!(" of the upstreams for {domain}"),
            _ => String::new(),
        };
        let left =
            if entry.left == 0 { "stale".to_owned() } else { format!("{} left", span(entry.left.into())) };
        let flags = [(entry.dnssec_ok, ", for queries with DO"), (entry.checking_disabled, ", with CD")];
        let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, text)| *text).collect();
        let age = span(entry.age.into());
        let line = format!("{name} {}: {} {kind}{from}, {age} old, {left}{flags}", entry.r#type, entry.rcode);
        writeln!(to.out, "{}", plain(&line))?;
        entry.records.iter().try_for_each(|record| writeln!(to.out, "  {}", plain(record)))?;
    }
    Ok(())
}

pub(super) fn requests(_: &CommandArguments, answer: Value, to: &mut AnswerStreams<'_>) -> io::Result<()> {
    let found: ShownLookups = read(answer)?;
    if found.count == 0 {
        return writeln!(to.out, "nothing is being resolved");
    }
    let mut table = TextTable::with_head(["FOR", "NAME", "TYPE", "BY"]);
    for lookup in &found.lookups {
        table.row([&format!("{} ms", lookup.ms), &lookup.name, &lookup.r#type, &lookup.domain]);
    }
    table.write(&mut *to.out)?;
    let left_out = found.count - found.lookups.len().min(found.count);
    if left_out > 0 { writeln!(to.out, "and {left_out} more") } else { Ok(()) }
}
