//! Versions of other servers come into force.

use rhumb_wire::DomainName;
use tokio::sync::oneshot;

use super::load::LoadedZone;
use super::outcome::PlannedRead;
use super::schedule::ZoneSchedule;

/// A version that was transferred, and is kept.
#[derive(Debug)]
pub(super) struct TransferredZone {
    pub(super) name: DomainName,
    /// The version that was served when it was asked for.
    pub(super) version: u32,
    pub(super) loaded: LoadedZone,
    /// Told whether it is served now.
    pub(super) done: oneshot::Sender<bool>,
}

impl ZoneSchedule {
    /// Serves a version, if the zone is still one of other servers and nothing else has been served since.
    pub(super) fn publish_transferred(&mut self, transferred: TransferredZone) {
        let TransferredZone { name, version, loaded, done } = transferred;
        let snapshot = self.live.snapshot.load_full();
        let entry = snapshot.view.zone_at(&name).filter(|entry| entry.origin.secondary.is_some());
        let is_served = entry.is_some_and(|entry| {
            let is_next = entry.zone.version() == version;
            if is_next {
                self.publish_read(PlannedRead { entry: entry.clone(), version, read: Ok(loaded) });
                self.announce();
            }
            is_next
        });
        // Whoever asked may be gone.
        let _ = done.send(is_served);
    }

    /// Serves nothing of a zone any more.
    pub(super) fn expire(&mut self, name: &DomainName) {
        let snapshot = self.live.snapshot.load_full();
        let Some(entry) = snapshot.view.zone_at(name).filter(|entry| entry.origin.secondary.is_some()) else {
            return;
        };
        if let Some(old) = entry.zone.expire() {
            tracing::error!("zone {name} has expired: no primary had it in time; it is answered by SERVFAIL");
            self.retired.add_contents(old);
        }
    }
}
