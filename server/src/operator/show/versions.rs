//! Versions of zones as text.

use std::io;

use serde_json::Value;

use super::amount::{bytes, counted, utc};
use super::answer::{AnswerStreams, read};
use super::table::{TextTable, plain};
use crate::control::command::CommandArguments;
use crate::operator::server_status::ZoneVersionsStatus;
use crate::operator::zone_versions::{ExportedZone, VersionDifference, ZonePast};

/// What `zone status` tells of versions, and of who has them.
pub(super) fn rows(table: &mut TextTable, versions: &ZoneVersionsStatus) {
    if let Some(cause) = &versions.cause {
        let who = if versions.who.is_empty() { String::new() } else { format!(" by {}", versions.who) };
        table.row(["changed", &format!("{}, {cause}{who}", utc(versions.time))]);
    }
    let count = counted(versions.earlier as u64, "earlier version", "earlier versions");
    table.row(["history", &format!("{count}, {}", bytes(versions.bytes as u64))]);
    if versions.frozen {
        table.row(["updates", "frozen: they are refused until `rhumb zone thaw`"]);
    }
    for client in &versions.clients {
        let had =
            client.had.map_or_else(|| "the whole zone".to_owned(), |had| format!("what is newer than {had}"));
        let text = format!(
            "{}, {}: asked for {had}, serial {} then",
            client.address,
            utc(client.time),
            client.serial
        );
        table.row(["client", &text]);
    }
}

/// The versions, the oldest first.
pub(in crate::operator) fn zone_history(
    _: &CommandArguments,
    answer: Value,
    to: &mut AnswerStreams<'_>,
) -> io::Result<()> {
    let past: ZonePast = read(answer)?;
    let mut table = TextTable::with_head(["SERIAL", "SINCE", "CAUSE", "BY", "ADDED", "REMOVED"]);
    for version in &past.versions {
        let who = if version.who.is_empty() { "-" } else { &version.who };
        let count = |count: usize| version.from.map_or("-".to_owned(), |_| count.to_string());
        table.row([
            &*version.serial.to_string(),
            &utc(version.time),
            &version.cause,
            who,
            &count(version.added),
            &count(version.removed),
        ]);
    }
    table.write(to.out)?;
    let steps = past.versions.iter().filter(|version| version.from.is_some()).count() as u64;
    let count = counted(steps, "difference", "differences");
    writeln!(to.out, "{count} kept, {}", bytes(past.bytes as u64))
}

/// Records removed and added, with a sign before each.
pub(in crate::operator) fn zone_diff(
    _: &CommandArguments,
    answer: Value,
    to: &mut AnswerStreams<'_>,
) -> io::Result<()> {
    let found: VersionDifference = read(answer)?;
    found.removed.iter().try_for_each(|record| writeln!(to.out, "- {}", plain(record)))?;
    found.added.iter().try_for_each(|record| writeln!(to.out, "+ {}", plain(record)))
}

/// The zone file.
pub(in crate::operator) fn zone_export(
    _: &CommandArguments,
    answer: Value,
    to: &mut AnswerStreams<'_>,
) -> io::Result<()> {
    let exported: ExportedZone = read(answer)?;
    exported.text.lines().try_for_each(|line| writeln!(to.out, "{}", plain(line)))
}
