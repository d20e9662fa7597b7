//! Where the configuration has lists of upstreams.

use std::collections::HashMap;
use std::path::Path;

use rhumb_config::{ServerConfig, UpstreamSource};

use super::list_file::{ListFile, ListFormat};
use crate::snapshot::ListSource;

/// The lists that `config` names, one as often as it is named.
pub(super) fn sources_of(config: &ServerConfig) -> impl Iterator<Item = ListSource> {
    config.forward.iter().flat_map(|forward| &forward.upstreams).filter_map(source_of)
}

/// The list that a source names; none for an address.
pub(super) fn source_of(source: &UpstreamSource) -> Option<ListSource> {
    match source {
        UpstreamSource::Server(..) | UpstreamSource::Named(..) => None,
        UpstreamSource::List(path, _) => Some(ListSource::List(path.clone())),
        UpstreamSource::ResolvConf(path, _) => Some(ListSource::ResolvConf(path.clone())),
    }
}

/// The file of a list and its form.
pub(super) fn file_of(source: &ListSource) -> (&Path, ListFormat) {
    match source {
        ListSource::List(path) => (path, ListFormat::List),
        ListSource::ResolvConf(path) => (path, ListFormat::ResolvConf),
    }
}

/// A list that was never read.
pub(super) fn unread(source: &ListSource) -> ListFile {
    let (path, kind) = file_of(source);
    ListFile::new(path.to_owned(), kind)
}

/// Lists that were read before privileges were given up, for files that only root may read.
#[derive(Debug, Default)]
pub struct PreloadedLists(pub(super) HashMap<ListSource, ListFile>);

impl PreloadedLists {
    /// Reads every list that `config` names.
    pub fn read(config: &ServerConfig) -> Self {
        let read = sources_of(config).map(|source| {
            let mut list = unread(&source);
            list.refresh();
            (source, list)
        });
        Self(read.collect())
    }
}
