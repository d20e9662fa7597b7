//! What operators do to versions: another serial, updates held back.

use std::sync::Arc;

use rhumb_wire::{DomainName, serial};
use rhumb_zones::journal::ChangeCause;
use rhumb_zones::{VersionOrigin, ZoneContents, ZoneVersion};

use super::event::{VersionCommand, VersionReply};
use super::thread::VersionThread;
use crate::snapshot::ZoneEntry;
use crate::zone_events::state::{
    PendingWrite, StateChange, StateError, StateStore, StateVersion, write_frozen,
};
use crate::zone_events::wall_clock::unix_time;

/// A version with another serial that is being written.
pub(super) struct BegunCommand {
    entry: ZoneEntry,
    contents: Arc<ZoneContents>,
    version: ZoneVersion,
    /// What was asked for.
    target: u32,
    reply: VersionReply,
}

impl VersionThread {
    /// Does what is asked for, or has a version written that is served then.
    pub(super) fn begin_command(
        &mut self,
        command: VersionCommand,
        reply: VersionReply,
    ) -> Option<(BegunCommand, PendingWrite)> {
        let done = match command {
            VersionCommand::SetSerial(name, target) => match self.begin_serial(&name, target) {
                Ok(Some((entry, contents, version, write))) => {
                    return Some((BegunCommand { entry, contents, version, target, reply }, write));
                }
                Ok(None) => Ok(format!("zone {name}: the serial is {target} already")),
                Err(error) => Err(error),
            },
            VersionCommand::Freeze(name) => self.set_frozen(&name, true),
            VersionCommand::Thaw(name) => self.set_frozen(&name, false),
        };
        // Whoever asked may be gone; so everywhere here.
        let _ = reply.send(done);
        None
    }

    /// Serves a version with another serial.
    pub(super) fn serve_command(&self, begun: BegunCommand, result: Result<(), StateError>) {
        let BegunCommand { entry, contents, version, target, reply } = begun;
        let name = entry.zone.name();
        if let Err(error) = result {
            let _ = reply.send(Err(format!("zone {name}: {error}")));
            return;
        }
        let (from, to) = (version.difference.from, version.difference.to);
        let old = entry.zone.change(contents, version, entry.origin.versioning.history);
        tracing::info!("zone {name}: serial {from} -> {to} by the control socket");
        let done = if to == target {
            format!("zone {name}: serial {from} -> {to}")
        } else {
            format!(
                "zone {name}: serial {from} -> {to}, on the way to {target}, which is not newer than {from}: once all secondaries have \
                 {to}, give the command again"
            )
        };
        let _ = reply.send(Ok(done));
        (self.replaced)(entry, old);
    }

    #[allow(clippy::type_complexity, reason = "the parts of what its one caller makes")]
    fn begin_serial(
        &mut self,
        name: &DomainName,
        target: u32,
    ) -> Result<Option<(ZoneEntry, Arc<ZoneContents>, ZoneVersion, PendingWrite)>, String> {
        let (entry, store) = self.kept_entry(name, "whose serial could be set")?;
        let base = entry.zone.contents().ok_or_else(|| format!("zone {name} is not loaded"))?;
        if base.serial() == target {
            return Ok(None);
        }
        let to = serial::step_towards(base.serial(), target);
        let updated = base.with_serial(to).map_err(|error| format!("zone {name}: {error}"))?;
        // From now on the serial in the file is not the one that is served. That is known before there is such a version.
        self.keep_base(&entry, &base, &store)?;
        let difference = Arc::new(updated.difference);
        let origin =
            VersionOrigin { cause: ChangeCause::Command, time: unix_time(), who: "set-serial".into() };
        let version = StateVersion::Difference(Arc::clone(&difference));
        let (zone, kept) = (entry.zone.name().clone(), origin.clone());
        let write = store.begin(&StateChange { zone, origin: kept, expires: 0, version });
        Ok(Some((entry, Arc::new(updated.contents), ZoneVersion { difference, origin }, write)))
    }

    /// Refuses the updates of a zone from now on, or takes them again. That is on the disk then.
    fn set_frozen(&self, name: &DomainName, is_frozen: bool) -> Result<String, String> {
        let (entry, store) = self.kept_entry(name, "that updates change")?;
        if entry.origin.update.is_empty() && is_frozen {
            return Err(format!("zone {name}: nobody may update it, there is nothing to freeze"));
        }
        let word = if is_frozen { "frozen: updates are refused" } else { "updates are taken again" };
        let mut zones = self.live.frozen.zones();
        let name = entry.zone.name().as_ref().to_lowercase();
        let is_change = if is_frozen { zones.insert(name.clone()) } else { zones.remove(&name) };
        if !is_change {
            return Ok(format!("zone {name}: as it was, {word}"));
        }
        write_frozen(&store, &zones).map_err(|error| format!("the state cannot be written: {error}"))?;
        self.live.frozen.set(zones);
        tracing::info!("zone {name}: {word} by the control socket");
        Ok(format!("zone {name}: {word}"))
    }

    /// A zone that has a file, and where versions are kept.
    fn kept_entry(&self, name: &DomainName, what: &str) -> Result<(ZoneEntry, StateStore), String> {
        let snapshot = self.live.snapshot.load_full();
        let entry = snapshot.view.zone_at(name).filter(|entry| entry.file().is_some());
        let entry = entry.ok_or_else(|| format!("the server has no zone {name} of a file {what}"))?;
        let store = self.store.clone().ok_or_else(|| {
            format!("zone {name}: there is no `state` to keep that in, which the configuration would name")
        })?;
        Ok((entry.clone(), store))
    }
}
