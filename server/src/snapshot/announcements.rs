//! Zones whose secondaries are to be told of a new version.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use rhumb_wire::DomainName;
use tokio::sync::{Notify, mpsc};

use super::zone::ZoneEntry;

/// Takes what each server said, and ends with the last.
pub type NotifyReply = mpsc::UnboundedSender<(SocketAddr, String)>;

/// A zone that has a new version, and who wants to know what its servers say.
#[derive(Debug)]
pub struct AnnouncedZone {
    /// The zone.
    pub entry: ZoneEntry,
    /// Who wants to know.
    pub replies: Vec<NotifyReply>,
}

/// The zones that wait for it, each once.
#[derive(Debug, Default)]
pub struct ZoneAnnouncements {
    waiting: Mutex<HashMap<DomainName, AnnouncedZone>>,
    changed: Notify,
}

impl ZoneAnnouncements {
    /// The servers of `entry` are to be told.
    pub fn push(&self, entry: &ZoneEntry) {
        self.add(entry, None);
    }

    /// The same, and `reply` takes what they say.
    pub fn push_awaited(&self, entry: &ZoneEntry, reply: NotifyReply) {
        self.add(entry, Some(reply));
    }

    fn add(&self, entry: &ZoneEntry, reply: Option<NotifyReply>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let announced = waiting
            .entry(entry.zone.name().clone())
            .or_insert_with(|| AnnouncedZone { entry: entry.clone(), replies: Vec::new() });
        announced.entry = entry.clone();
        announced.replies.extend(reply);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Takes all that wait, as soon as there is one.
    pub async fn take(&self) -> Vec<AnnouncedZone> {
        loop {
            let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if !taken.is_empty() {
                return taken.into_values().collect();
            }
            self.changed.notified().await;
        }
    }
}
