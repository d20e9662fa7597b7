//! The zones that a folder does not speak for: every reload looks at them.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rhumb_wire::DomainName;

use crate::snapshot::{ZoneEntry, ZoneFile};

/// Zones with a file of their own, with trouble, or with files that they include.
#[derive(Debug, Default)]
pub(super) struct ZoneAttention {
    zones: HashSet<DomainName>,
    including: HashMap<DomainName, Vec<PathBuf>>,
    /// All included files, in order, each once.
    included: Arc<ArcSwap<Vec<PathBuf>>>,
}

impl ZoneAttention {
    pub(super) fn zones(&self) -> &HashSet<DomainName> {
        &self.zones
    }

    /// The files that zones include, brought up to date as zones are.
    pub(super) fn included(&self) -> Arc<ArcSwap<Vec<PathBuf>>> {
        Arc::clone(&self.included)
    }

    /// Looks at a zone anew. Whether it includes other files than before.
    pub(super) fn update(&mut self, entry: &ZoneEntry) -> bool {
        let name = entry.zone.name();
        let included = entry.zone.included();
        let needs = !matches!(entry.origin.source, ZoneFile::Folder(..))
            || entry.zone.trouble().is_some()
            || !included.is_empty();
        if needs {
            self.zones.insert(name.clone());
        } else {
            self.zones.remove(name);
        }
        let before = if included.is_empty() {
            self.including.remove(name)
        } else {
            self.including.insert(name.clone(), included)
        };
        before.as_ref() != self.including.get(name)
    }

    /// Forgets a zone that is gone. Whether it included files.
    pub(super) fn remove(&mut self, name: &DomainName) -> bool {
        self.zones.remove(name);
        self.including.remove(name).is_some()
    }

    /// Tells those who follow the included files.
    pub(super) fn publish(&self) {
        let mut included: Vec<PathBuf> = self.including.values().flatten().cloned().collect();
        included.sort();
        included.dedup();
        self.included.store(Arc::new(included));
    }
}
