//! Zones of other servers: what is asked of the task that refreshes them, and how each is.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rhumb_wire::DomainName;
use tokio::sync::{Notify, oneshot};

/// Takes what came of a command: what was done, or what is wrong.
pub type RefreshReply = oneshot::Sender<Result<String, String>>;

/// What an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshCommand {
    /// Ask the primary now.
    Refresh,
    /// Take the whole zone, whatever its serial.
    Retransfer,
    /// Keep nothing any more of a zone that is not configured.
    Purge,
}

/// What is asked of one zone: one slot, however often.
#[derive(Debug, Default)]
pub struct RefreshRequest {
    /// Who announced a new version.
    pub notified_by: Option<IpAddr>,
    /// What an operator asks for.
    pub command: Option<RefreshCommand>,
    /// Who waits for it.
    pub replies: Vec<RefreshReply>,
}

/// How a zone of other servers is. Times are in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefreshStatus {
    /// The primary that was last asked.
    pub primary: Option<SocketAddr>,
    /// Its serial.
    pub primary_serial: Option<u32>,
    /// When the zone was last found to be that of a primary.
    pub checked: Option<u64>,
    /// When a primary is asked next.
    pub next: u64,
    /// Until when the zone may be served.
    pub expires: Option<u64>,
    /// Why the last look failed, if it did, and how often in a row.
    pub failure: Option<String>,
    /// See there.
    pub failures: u32,
    /// Seconds between two looks.
    pub interval: u64,
    /// Seconds that the zone may be served without its primaries; 0: not known.
    pub lifetime: u64,
    /// The primary whose differences are not asked for, because they failed.
    pub whole_only: Option<SocketAddr>,
}

/// The way to the task, and what it tells.
#[derive(Debug, Default)]
pub struct ZoneRefreshes {
    requests: Mutex<(HashMap<DomainName, RefreshRequest>, bool)>,
    changed: Notify,
    states: Mutex<HashMap<DomainName, RefreshStatus>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ZoneRefreshes {
    /// Somebody who may says that there is a new version.
    pub fn notified(&self, zone: &DomainName, by: IpAddr) {
        lock(&self.requests).0.entry(zone.clone()).or_default().notified_by = Some(by);
        self.changed.notify_one();
    }

    /// An operator asks for something.
    pub fn command(&self, zone: &DomainName, command: RefreshCommand, reply: RefreshReply) {
        let mut requests = lock(&self.requests);
        let request = requests.0.entry(zone.clone()).or_default();
        if request.command != Some(RefreshCommand::Retransfer) {
            request.command = Some(command);
        }
        request.replies.push(reply);
        drop(requests);
        self.changed.notify_one();
    }

    /// The zones of the server are others than before.
    pub fn look(&self) {
        lock(&self.requests).1 = true;
        self.changed.notify_one();
    }

    /// Takes all that is asked, and whether zones are to be looked for, as soon as there is something.
    pub async fn take(&self) -> (HashMap<DomainName, RefreshRequest>, bool) {
        loop {
            let taken = std::mem::take(&mut *lock(&self.requests));
            if !taken.0.is_empty() || taken.1 {
                return taken;
            }
            self.changed.notified().await;
        }
    }

    /// How a zone is; none of one that has not been looked at.
    pub fn status(&self, zone: &DomainName) -> Option<RefreshStatus> {
        lock(&self.states).get(zone).cloned()
    }

    /// Notes how a zone is.
    pub fn note(&self, zone: &DomainName, change: impl FnOnce(&mut RefreshStatus)) {
        change(lock(&self.states).entry(zone.clone()).or_default());
    }

    /// A zone is not one of other servers any more.
    pub fn forget(&self, zone: &DomainName) {
        lock(&self.states).remove(zone);
    }
}
