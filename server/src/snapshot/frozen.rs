//! Zones whose updates an operator holds back.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rhumb_wire::DomainName;

/// The names of these zones, in lower case.
#[derive(Debug, Default)]
pub struct FrozenZones(ArcSwap<BTreeSet<DomainName>>);

impl FrozenZones {
    /// Whether it is one of them.
    pub fn has(&self, zone: &DomainName) -> bool {
        let zones = self.0.load();
        !zones.is_empty() && zones.contains(&zone.as_ref().to_lowercase())
    }

    /// All of them.
    pub fn zones(&self) -> BTreeSet<DomainName> {
        BTreeSet::clone(&self.0.load())
    }

    /// From now on it is these.
    pub fn set(&self, zones: BTreeSet<DomainName>) {
        self.0.store(Arc::new(zones));
    }
}
