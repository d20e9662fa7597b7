//! A hash over all that the configuration in force comes to: its values, the upstreams of its lists, the contents of its zones.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use rhumb_config::ServerConfig;

use crate::snapshot::{ServerSnapshot, ZoneEntry};

/// The hash, of which the part that takes long is kept from one look to the next.
#[derive(Debug, Default)]
pub(super) struct ConfigHash(Mutex<Option<(Arc<ServerConfig>, u64)>>);

impl ConfigHash {
    /// Of what `snapshot` has at this moment. Equal where all is alike, as long as the program is the same.
    pub(super) fn of(&self, snapshot: &ServerSnapshot) -> u64 {
        let mut all = DefaultHasher::new();
        self.values(&snapshot.config).hash(&mut all);
        for (domain, entry) in snapshot.view.routes.iter() {
            domain.hash(&mut all);
            entry.route.state().members.iter().for_each(|member| member.identity.to_string().hash(&mut all));
        }
        // In whichever order they stand.
        let zones = snapshot.view.zones.iter().map(|(_, entry)| hash_zone(entry)).fold(0, u64::wrapping_add);
        zones.hash(&mut all);
        all.finish()
    }

    fn values(&self, config: &Arc<ServerConfig>) -> u64 {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((known, hash)) if Arc::ptr_eq(known, config) => *hash,
            _ => kept.insert((Arc::clone(config), rhumb_config::digest(config))).1,
        }
    }
}

/// By name, serial and number of records: looking at each record would take too long.
fn hash_zone(entry: &ZoneEntry) -> u64 {
    let mut zone = DefaultHasher::new();
    entry.zone.name().hash(&mut zone);
    let contents = entry.zone.load();
    contents.as_ref().map(|contents| (contents.serial(), contents.record_count())).hash(&mut zone);
    zone.finish()
}
