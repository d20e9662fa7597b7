//! Zones of which other servers are to be told that there is something new.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rhumb_wire::DomainName;
use tokio::sync::{Notify, mpsc};

use super::zone::ZoneEntry;

/// Takes who was told and what that server said, and ends with the last.
pub type NotifyReply = mpsc::UnboundedSender<(String, String)>;

/// What is new in a zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotifyTopics {
    /// A version, which secondaries are told of (RFC 1996).
    pub version: bool,
    /// The CDS or CDNSKEY records, which the parent is told of (RFC 9859).
    pub cds: bool,
    /// The CSYNC record, which the parent is told of as well.
    pub csync: bool,
}

impl NotifyTopics {
    /// Whether there is nothing to be told.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    const fn join(&mut self, other: Self) {
        self.version |= other.version;
        self.cds |= other.cds;
        self.csync |= other.csync;
    }
}

/// A zone that has something new, and who wants to know what the servers say that are told.
#[derive(Debug)]
pub struct AnnouncedZone {
    /// The zone.
    pub entry: ZoneEntry,
    /// What is new.
    pub topics: NotifyTopics,
    /// Who wants to know.
    pub replies: Vec<NotifyReply>,
}

/// What has come up since it was last asked for.
#[derive(Debug, Default)]
pub struct AnnouncedZones {
    /// Each zone once.
    pub zones: HashMap<DomainName, AnnouncedZone>,
    /// Whether zones or their servers may be gone.
    pub reconfigured: bool,
}

/// The zones that wait for it, each once.
#[derive(Debug, Default)]
pub struct ZoneAnnouncements {
    waiting: Mutex<AnnouncedZones>,
    changed: Notify,
}

impl ZoneAnnouncements {
    /// The servers of `entry` are to be told.
    pub fn push(&self, entry: &ZoneEntry, topics: NotifyTopics) {
        self.add(entry, topics, None);
    }

    /// The same at once, and `reply` takes what they say.
    pub fn push_awaited(&self, entry: &ZoneEntry, topics: NotifyTopics, reply: NotifyReply) {
        self.add(entry, topics, Some(reply));
    }

    /// Other zones are in force, or other servers of zones.
    pub fn reconfigured(&self) {
        self.waiting().reconfigured = true;
        self.changed.notify_one();
    }

    fn add(&self, entry: &ZoneEntry, topics: NotifyTopics, reply: Option<NotifyReply>) {
        let mut waiting = self.waiting();
        let announced = waiting.zones.entry(entry.zone.name().clone()).or_insert_with(|| AnnouncedZone {
            entry: entry.clone(),
            topics,
            replies: Vec::new(),
        });
        announced.entry = entry.clone();
        announced.topics.join(topics);
        announced.replies.extend(reply);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Takes all that waits, as soon as there is something.
    pub async fn take(&self) -> AnnouncedZones {
        loop {
            let taken = std::mem::take(&mut *self.waiting());
            if taken.reconfigured || !taken.zones.is_empty() {
                return taken;
            }
            self.changed.notified().await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, AnnouncedZones> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
