//! What the commands do.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rhumb_config::LogLevel;
use rhumb_wire::{DomainName, NameRef};
use serde_json::json;
use tokio::sync::oneshot;

use super::admin::ServerAdmin;
use super::discovery::DiscoveryStatus;
use super::explained_updates::{UpdateSender, explain_updates};
use super::server_status::BrokenZoneStatus;
use super::{cached, running, status};
use crate::cache_file::CacheFile;
use crate::change::{ChangeText, ReadStrictness, joined};
use crate::control::command::{CommandAnswer, CommandArguments, CommandFailure, CommandResult, LaterResult};
use crate::reload::ReloadRequest;
use crate::snapshot::RefreshCommand;
use crate::zone_events::BrokenZone;

pub(super) fn reload<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let (reply, answer) = oneshot::channel();
        let strictness = if given.is_on("strict") { ReadStrictness::Strict } else { ReadStrictness::Lenient };
        admin.requests.send(ReloadRequest::Reload(strictness, reply));
        let report = answer.await.map_err(|_| ending())?.map_err(|failure| failure.errors)?;
        CommandAnswer::new(&json!({
            "changes": words(&report.changes),
            "warnings": report.warnings,
            "broken": broken(report.broken),
            "serial": report.serial,
        }))
    })
}

pub(super) fn diff<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let (reply, answer) = oneshot::channel();
        let file = given.file("config").map(ToOwned::to_owned);
        admin.requests.send(ReloadRequest::Diff(file, reply));
        let difference = answer.await.map_err(|_| ending())?.map_err(|failure| failure.errors)?;
        CommandAnswer::new(&json!({
            "changes": words(&difference.changes),
            "broken": broken(difference.broken),
            "pending_restart": admin.pending_restart(),
        }))
    })
}

pub(super) fn status(admin: &ServerAdmin, given: &CommandArguments) -> CommandResult {
    if given.is_on("ddr") {
        return CommandAnswer::new(&DiscoveryStatus::of(&admin.live));
    }
    CommandAnswer::new(&status::whole(admin))
}

pub(super) fn stats(admin: &ServerAdmin, _: &CommandArguments) -> CommandResult {
    let finite = admin.live.metrics.series().into_iter().filter(|(_, value)| value.is_finite());
    CommandAnswer::new(&finite.collect::<BTreeMap<_, _>>())
}

pub(super) fn flush(admin: &ServerAdmin, given: &CommandArguments) -> CommandResult {
    let cache = &admin.live.cache;
    let (name, subtree) = match given.name("name") {
        None => (NameRef::ROOT, true),
        Some(name) => (name.as_ref(), given.is_on("subtree")),
    };
    let dropped = cache.flush(name, subtree) + admin.live.resolver.flush(name, subtree);
    admin.cache_file.iter().for_each(CacheFile::forget);
    CommandAnswer::new(&json!({ "dropped": dropped }))
}

pub(super) fn log(admin: &ServerAdmin, given: &CommandArguments) -> CommandResult {
    let word = given.text("level").unwrap_or_default();
    let level = match word {
        "error" => LogLevel::Error,
        "warn" => LogLevel::Warn,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        _ => LogLevel::Info,
    };
    (admin.controls.set_level)(level);
    tracing::info!(level = word, "log level set by the control socket");
    CommandAnswer::new(
        &json!({ "done": format!("logs {word} and more serious messages until the next reload") }),
    )
}

pub(super) fn stop(admin: &ServerAdmin, _: &CommandArguments) -> CommandResult {
    tracing::info!("stopped by the control socket");
    admin.controls.stop.notify_one();
    CommandAnswer::new(&json!({ "done": "the server ends" }))
}

pub(super) fn zone_list(admin: &ServerAdmin, _: &CommandArguments) -> CommandResult {
    CommandAnswer::new(&status::zones(admin))
}

pub(super) fn zone_status(admin: &ServerAdmin, given: &CommandArguments) -> CommandResult {
    match given.name("name") {
        None => zone_list(admin, given),
        Some(name) => CommandAnswer::new(&status::zone(admin, name).ok_or_else(|| no_zone(name))?),
    }
}

pub(super) fn zone_refresh<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(refreshed(admin, given, RefreshCommand::Refresh))
}

pub(super) fn zone_retransfer<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(refreshed(admin, given, RefreshCommand::Retransfer))
}

pub(super) fn zone_purge<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let name = given.name("name").ok_or_else(|| CommandFailure::new("name is missing"))?;
        let (reply, answer) = oneshot::channel();
        admin.live.refreshes.command(name, RefreshCommand::Purge, reply);
        let done = answer.await.map_err(|_| ending())?.map_err(CommandFailure::new)?;
        CommandAnswer::new(&json!({ "done": done }))
    })
}

/// Has a zone of other servers looked at, and waits for what comes of it.
async fn refreshed(admin: &ServerAdmin, given: &CommandArguments, command: RefreshCommand) -> CommandResult {
    let name = given.name("name").ok_or_else(|| CommandFailure::new("name is missing"))?;
    let zone = admin.live.snapshot.load().view.zone_at(name).map(|entry| entry.zone.name().clone());
    let zone = zone.ok_or_else(|| no_zone(name))?;
    let (reply, answer) = oneshot::channel();
    admin.live.refreshes.command(&zone, command, reply);
    let done = answer.await.map_err(|_| ending())?.map_err(CommandFailure::new)?;
    CommandAnswer::new(&json!({ "done": done }))
}

pub(super) fn no_zone(name: &DomainName) -> CommandFailure {
    CommandFailure::new(format!("the server has no zone {name}"))
}

pub(super) fn zone_reload<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let Some(name) = given.name("name") else { return Err(CommandFailure::new("name is missing")) };
        status::zone(admin, name).ok_or_else(|| no_zone(name))?;
        let (reply, answer) = oneshot::channel();
        admin.requests.send(ReloadRequest::Zone(name.clone(), reply));
        let serial = answer.await.map_err(|_| ending())??;
        CommandAnswer::new(
            &json!({ "done": format!("zone {name}: read again, serial {serial}"), "serial": serial }),
        )
    })
}

pub(super) fn upstream_down<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(withhold(admin, given, true))
}

pub(super) fn upstream_up<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(withhold(admin, given, false))
}

/// Takes an upstream out, or back.
async fn withhold(admin: &ServerAdmin, given: &CommandArguments, out: bool) -> CommandResult {
    let upstream = given.upstream("upstream").ok_or_else(|| CommandFailure::new("upstream is missing"))?;
    let (reply, answer) = oneshot::channel();
    let request = ReloadRequest::Upstream { upstream: Box::new(upstream.clone()), out, reply };
    admin.requests.send(request);
    let domains = answer.await.map_err(|_| ending())?.map_err(CommandFailure::new)?;
    let (word, domains) = (if out { "taken out" } else { "taken back" }, joined(&domains));
    tracing::info!("upstream {upstream}: {word} by the control socket (for {domains})");
    CommandAnswer::new(&json!({ "done": format!("upstream {upstream}: {word} (for {domains})") }))
}

pub(super) fn cache_show(admin: &ServerAdmin, given: &CommandArguments) -> CommandResult {
    let Some(name) = given.name("name") else { return Err(CommandFailure::new("name is missing")) };
    CommandAnswer::new(&cached::entries(&admin.live, name))
}

pub(super) fn requests(admin: &ServerAdmin, _: &CommandArguments) -> CommandResult {
    CommandAnswer::new(&running::lookups(&admin.live))
}

pub(super) fn healthy(admin: &ServerAdmin, _: &CommandArguments) -> CommandResult {
    admin.healthy().map_err(|errors| CommandFailure { errors, unhealthy: true })?;
    CommandAnswer::new(&json!({ "healthy": true, "done": "healthy" }))
}

fn broken(zones: Vec<BrokenZone>) -> Vec<BrokenZoneStatus> {
    let status = |zone: BrokenZone| BrokenZoneStatus {
        name: zone.name.to_string(),
        serial: zone.serial,
        problems: zone.problems,
    };
    zones.into_iter().map(status).collect()
}

fn words(changes: &[ChangeText]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

pub(super) fn ending() -> CommandFailure {
    CommandFailure::new("the server is about to end, or failed; its log has more")
}

/// Answers a question and says how.
pub(super) fn explain_update<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let live = Arc::clone(&admin.live);
        let contents = given.contents("contents").unwrap_or_default().to_vec();
        let sender = UpdateSender {
            client: given.address("from").unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            key: given.name("key").cloned(),
            tls_name: given.name("tls-name").cloned(),
        };
        let explain = move || explain_updates(&live, &contents, &sender);
        let told = tokio::task::spawn_blocking(explain).await.map_err(|_| ending())?;
        CommandAnswer::new(&told.map_err(CommandFailure::new)?)
    })
}

pub(super) fn explain<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let (Some(name), Some(rtype)) = (given.name("name"), given.record_type("type")) else {
            return Err(CommandFailure::new("name and type are missing"));
        };
        let (from, to) = (given.address("from"), given.address("to"));
        let via = given.text("via").and_then(|word| word.parse().ok());
        let explanation = admin.explained(name, rtype, from, to, via).await.map_err(CommandFailure::new)?;
        CommandAnswer::new(&explanation)
    })
}
