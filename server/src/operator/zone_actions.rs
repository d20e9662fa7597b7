//! What the commands of zones do that are about their versions.

use rhumb_wire::DomainName;
use rhumb_zones::ZoneContents;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::actions::{ending, no_zone};
use super::admin::ServerAdmin;
use super::zone_versions::{self, ExportPart};
use crate::control::command::{CommandAnswer, CommandArguments, CommandFailure, CommandResult, LaterResult};
use crate::snapshot::{NotifyTopics, ZoneEntry};
use crate::zone_events::{VersionCommand, parent_topics};

pub(super) fn zone_history(admin: &ServerAdmin, given: &CommandArguments) -> CommandResult {
    let past = zone_versions::past(&entry(admin, given)?).map_err(CommandFailure::new)?;
    CommandAnswer::new(&past)
}

pub(super) fn zone_diff<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let entry = entry(admin, given)?;
        let (Some(from), Some(to)) = (given.serial("from"), given.serial("to")) else {
            return Err(CommandFailure::new("which versions?"));
        };
        let found = blocking(move || zone_versions::difference(&entry, from, to)).await?;
        CommandAnswer::new(&found)
    })
}

pub(super) fn zone_export<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let entry = entry(admin, given)?;
        let parts = ["signed", "unsigned", "updates"].map(|part| given.is_on(part));
        if parts.iter().filter(|is_on| **is_on).count() > 1 {
            return Err(CommandFailure::new("signed, unsigned and updates go one at a time"));
        }
        let [_, unsigned, updates] = parts;
        let store = admin.store.clone();
        let exported = blocking(move || match (unsigned, updates) {
            (_, true) => {
                let name = entry.zone.name();
                let file = store.as_ref().map_or(Ok(None), |store| store.file_contents(name))?;
                match file {
                    Some(file) => zone_versions::export(&entry, &ExportPart::Updates(&file)),
                    None => Err(format!("zone {name}: nothing but its file or its primaries changes it")),
                }
            }
            (true, _) => zone_versions::export(&entry, &ExportPart::Unsigned),
            _ => zone_versions::export(&entry, &ExportPart::All),
        });
        CommandAnswer::new(&exported.await?)
    })
}

pub(super) fn zone_set_serial<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let serial = given.serial("serial").ok_or_else(|| CommandFailure::new("which serial?"))?;
        changed(admin, VersionCommand::SetSerial(name(given)?, serial)).await
    })
}

pub(super) fn zone_freeze<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async { changed(admin, VersionCommand::Freeze(name(given)?)).await })
}

pub(super) fn zone_thaw<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async { changed(admin, VersionCommand::Thaw(name(given)?)).await })
}

pub(super) fn zone_notify<'a>(
    admin: &'a ServerAdmin,
    given: &'a CommandArguments,
) -> LaterResult<'a, CommandResult> {
    Box::pin(async {
        let entry = entry(admin, given)?;
        let name = entry.zone.name();
        let Some(contents) = entry.zone.contents() else {
            return Err(CommandFailure::new(format!("zone {name} is not loaded")));
        };
        let topics = announced_topics(&entry, &contents).map_err(CommandFailure::new)?;
        let (reply, mut outcomes) = mpsc::unbounded_channel();
        admin.live.announcements.push_awaited(&entry, topics, reply);
        let mut servers = Vec::new();
        while let Some((server, outcome)) = outcomes.recv().await {
            servers.push((server, outcome));
        }
        servers.sort();
        let told: Vec<String> =
            servers.iter().map(|(server, outcome)| format!("{server} {outcome}")).collect();
        let servers: Vec<_> =
            servers.iter().map(|(server, outcome)| json!({ "server": server, "outcome": outcome })).collect();
        let done = format!("zone {name}: {}", told.join(", "));
        CommandAnswer::new(&json!({ "servers": servers, "done": done }))
    })
}

/// What there is to announce of a zone. Errors: nothing, in words.
fn announced_topics(entry: &ZoneEntry, contents: &ZoneContents) -> Result<NotifyTopics, String> {
    let (name, origin) = (entry.zone.name(), &entry.origin);
    let mut topics = if origin.parent_notify { parent_topics(contents) } else { NotifyTopics::default() };
    topics.version = !origin.notify.is_empty();
    if !topics.is_empty() {
        return Ok(topics);
    }
    let parent =
        if origin.parent_notify { ", and it has neither CDS, CDNSKEY nor CSYNC for its parent" } else { "" };
    Err(format!("zone {name} has no server to announce it to: `notify` and `transfer-to` name none{parent}"))
}

fn name(given: &CommandArguments) -> Result<DomainName, CommandFailure> {
    given.name("name").cloned().ok_or_else(|| CommandFailure::new("which zone?"))
}

fn entry(admin: &ServerAdmin, given: &CommandArguments) -> Result<ZoneEntry, CommandFailure> {
    let name = name(given)?;
    let entry = admin.live.snapshot.load().view.zone_at(&name).cloned();
    entry.ok_or_else(|| no_zone(&name))
}

/// Has a version changed, and waits until that is kept.
async fn changed(admin: &ServerAdmin, command: VersionCommand) -> CommandResult {
    let (reply, answer) = oneshot::channel();
    admin.zones.command(command, reply);
    let done = answer.await.map_err(|_| ending())?.map_err(CommandFailure::new)?;
    CommandAnswer::new(&json!({ "done": done }))
}

/// Does what takes its time with a large zone.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, CommandFailure> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| ending())?;
    done.map_err(CommandFailure::new)
}
