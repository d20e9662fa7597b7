//! Zones whose secondaries are to be told of a new version.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rhumb_wire::DomainName;
use tokio::sync::Notify;

use super::zone::ZoneEntry;

/// The zones that wait for it, each once.
#[derive(Debug, Default)]
pub struct ZoneAnnouncements {
    waiting: Mutex<HashMap<DomainName, ZoneEntry>>,
    changed: Notify,
}

impl ZoneAnnouncements {
    /// The servers of `entry` are to be told.
    pub fn push(&self, entry: &ZoneEntry) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(entry.zone.name().clone(), entry.clone());
        drop(waiting);
        self.changed.notify_one();
    }

    /// Takes all that wait, as soon as there is one.
    pub async fn take(&self) -> Vec<ZoneEntry> {
        loop {
            let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if !taken.is_empty() {
                return taken.into_values().collect();
            }
            self.changed.notified().await;
        }
    }
}
