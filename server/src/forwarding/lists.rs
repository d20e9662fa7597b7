//! The lists of upstreams that a configuration names, as last read.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_config::{ServerConfig, UpstreamServer};
use rhumb_watch::OpenWriters;

use super::list_file::{ListFile, ListFileState, ListRefresh};
use super::source::{PreloadedLists, file_of, sources_of, unread};
use crate::metrics::{ListMetrics, ServerMetrics};
use crate::snapshot::ListSource;

/// A list of upstreams, as `status` shows it.
#[derive(Debug, Clone)]
pub struct ListState {
    /// Its file.
    pub path: PathBuf,
    /// How many upstreams it gives.
    pub upstreams: usize,
    /// Why the last good list was kept, if it was.
    pub kept: Option<String>,
}

/// Every list in use, and its counters.
#[derive(Debug)]
pub(super) struct UpstreamLists {
    lists: HashMap<ListSource, (ListFile, Arc<ListMetrics>)>,
    preloaded: PreloadedLists,
    writers: OpenWriters,
}

impl UpstreamLists {
    pub(super) fn new(preloaded: PreloadedLists, writers: OpenWriters) -> Self {
        Self { lists: HashMap::new(), preloaded, writers }
    }

    /// Reads every list that `config` names.
    pub(super) fn read(&mut self, config: &ServerConfig, metrics: &ServerMetrics) {
        for source in sources_of(config) {
            let preloaded = self.preloaded.0.remove(&source);
            let (list, counters) = self.lists.entry(source.clone()).or_insert_with(|| {
                let list = preloaded.unwrap_or_else(|| unread(&source));
                let counters = metrics.list(&list.path().display().to_string());
                (list, counters)
            });
            list.refresh_closed(&self.writers);
            counters.set_ok(*list.state() == ListFileState::Ok);
        }
    }

    /// Reads the lists of one file again. Those that differ from before.
    pub(super) fn read_file(&mut self, path: &Path) -> Vec<ListSource> {
        let mut changed = Vec::new();
        for (source, (list, counters)) in &mut self.lists {
            if file_of(source).0 != path {
                continue;
            }
            let outcome = list.refresh_closed(&self.writers);
            counters.set_ok(!matches!(outcome, ListRefresh::KeptLastGood(_)));
            if outcome == ListRefresh::Changed {
                counters.changed();
                changed.push(source.clone());
            }
        }
        changed
    }

    /// Forgets the lists that `config` does not name.
    pub(super) fn keep_named(&mut self, config: &ServerConfig) {
        let named: HashSet<ListSource> = sources_of(config).collect();
        self.lists.retain(|source, _| named.contains(source));
    }

    /// The upstreams of a list, each with its line in the file; none if it was never read.
    pub(super) fn upstreams(&self, source: &ListSource) -> Arc<[(UpstreamServer, u32)]> {
        self.lists.get(source).map(|(list, _)| Arc::clone(list.upstreams())).unwrap_or_default()
    }

    /// How each list is.
    pub(super) fn states(&self) -> Vec<ListState> {
        let states = self.lists.values().map(|(list, _)| ListState {
            path: list.path().to_owned(),
            upstreams: list.upstreams().len(),
            kept: match list.state() {
                ListFileState::Ok => None,
                ListFileState::Kept { why, .. } => Some(why.clone()),
            },
        });
        states.collect()
    }
}
