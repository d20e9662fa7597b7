//! The files that are followed, and what was reported of them.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_config::{
    CertificateSource, ConfigSources, IncludePattern, RootHints, ServerConfig, TrustAnchors, UpstreamSource,
    ZoneSource,
};
use rhumb_watch::{FileWatch, FollowedPath, NamePattern, OpenWriters, WatchEvent};

use crate::snapshot::{FileRead, incomplete_file};
use crate::supervision::WorkerRegistry;
use crate::zone_events::FileChanges;

/// The time between two comparisons of followed files, where inotify is silent.
const COMPARE_EVERY: Duration = Duration::from_secs(2);

/// What was reported and not yet acted on.
#[derive(Debug, Default)]
pub(super) struct FileReports {
    /// Files of the configuration itself that differ, or folders that it is made of.
    pub(super) config: Vec<PathBuf>,
    /// Other files that differ.
    pub(super) changes: FileChanges,
    /// What an operator should look at.
    pub(super) warnings: Vec<String>,
}

/// The files that the configuration and its zones depend on.
pub(super) struct FollowedFiles {
    watch: FileWatch,
    paths: Vec<FollowedPath>,
    /// The files that the configuration is made of, those of a reading that failed among them.
    sources: ConfigSources,
    /// The files that are read with the configuration in force.
    settings: Vec<PathBuf>,
    pub(super) reports: FileReports,
}

impl FollowedFiles {
    /// Follows nothing yet. `notify` is called when there is something to [collect](Self::collect).
    ///
    /// Errors: no thread for following files could be made.
    pub(super) fn start(
        workers: &Arc<WorkerRegistry>,
        notify: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (watch, mut follower) = FileWatch::new(COMPARE_EVERY, notify)?;
        let worker = workers.register("watch", "watch");
        std::thread::Builder::new().name("watch".into()).spawn(move || {
            worker.supervise(|worker| {
                follower.run(|busy| if busy { worker.begin(Instant::now()) } else { worker.end() });
            });
        })?;
        Ok(Self {
            watch,
            paths: Vec::new(),
            sources: ConfigSources::default(),
            settings: Vec::new(),
            reports: FileReports::default(),
        })
    }

    /// Which files are being written.
    pub(super) fn writers(&self) -> OpenWriters {
        self.watch.writers()
    }

    /// The first of `files`, as they were when they were read, that is not complete; `seen` are those of an earlier look.
    pub(super) fn incomplete(&self, files: &[FileRead], seen: &[FileRead]) -> Option<PathBuf> {
        incomplete_file(&self.watch.writers(), files, seen).map(|file| file.path().to_owned())
    }

    /// The files that the configuration is made of from now on, to be followed with the next [`follow`](Self::follow). Whether
    /// they are the same as before.
    pub(super) fn set_sources(&mut self, sources: ConfigSources) -> bool {
        let same = self.sources == sources;
        self.sources = sources;
        same
    }

    /// The files that a reload reads itself: those of the configuration and those read with it, and the lists of upstreams.
    pub(super) fn own_files(&self, config: &ServerConfig) -> Vec<FileRead> {
        let named = settings(config).chain(lists(config));
        self.sources.files.iter().chain(named).map(|path| FileRead::now(path.clone())).collect()
    }

    /// Whether this is a file of the configuration itself.
    pub(super) fn is_source(&self, path: &Path) -> bool {
        self.sources.files.iter().any(|source| source == path)
    }

    /// Whether files of these names in a folder are included; without a name, any may be.
    fn has_sources(&self, folder: &Path, names: &[OsString]) -> bool {
        let of_folder = self.sources.folders.iter().filter(|(followed, _)| followed == folder);
        let covered = |pattern: &IncludePattern| names.iter().any(|name| pattern.covers(name));
        of_folder.into_iter().any(|(_, pattern)| names.is_empty() || covered(pattern))
    }

    /// Follows what `config` names, and the files that zones include, so that what changes while they are read is seen.
    pub(super) fn follow(&mut self, config: &ServerConfig, included: &[PathBuf]) {
        self.settings = settings(config).cloned().collect();
        let paths = paths(&self.sources, config, included);
        if paths == self.paths {
            return;
        }
        if !self.watch.follow(&paths) {
            tracing::warn!("looking at all followed files for the first time takes more than ten seconds");
        }
        self.paths = paths;
        // An included file is followed only after it was read: look whether it has changed in between.
        self.reports.changes.files.extend(included.iter().cloned());
    }

    /// Notes what was reported until now.
    pub(super) fn collect(&mut self) {
        for event in self.watch.take() {
            match event {
                WatchEvent::FileChanged(path) if self.is_source(&path) || self.settings.contains(&path) => {
                    self.reports.config.push(path);
                }
                WatchEvent::FileChanged(path) => self.reports.changes.files.push(path),
                WatchEvent::FolderChanged { path, names } => {
                    tracing::debug!("{}: {} files changed", path.display(), names.len());
                    if self.has_sources(&path, &names) {
                        self.reports.config.push(path.clone());
                    }
                    self.reports.changes.folders.push((path, names));
                }
                WatchEvent::Stale { path, reason } => {
                    self.reports.warnings.push(format!("{}: {reason}", path.display()));
                }
            }
        }
    }

    /// Looks at all files now and notes what differs. Where the kernel does not tell of every change, any file may.
    pub(super) fn look(&mut self) {
        let certain = self.watch.look();
        self.collect();
        self.reports.changes.all |= !certain;
    }
}

/// The files that are read with the configuration: secrets, the servers of the root, and trusted keys.
fn settings(config: &ServerConfig) -> impl Iterator<Item = &PathBuf> {
    let hints = match &config.recursion.root_hints {
        RootHints::BuiltIn => None,
        RootHints::File(path) => Some(path),
    };
    let anchors = match &config.recursion.trust_anchors {
        TrustAnchors::File(path) => Some(path),
        TrustAnchors::BuiltIn | TrustAnchors::Given(_) => None,
    };
    config.keys.iter().filter_map(|key| key.secret_file.as_ref()).chain(hints).chain(anchors)
}

fn certificates(config: &ServerConfig) -> impl Iterator<Item = &PathBuf> {
    let files =
        config.listen.iter().flat_map(|listen| &listen.certificates).filter_map(|source| match source {
            CertificateSource::SelfSigned => None,
            CertificateSource::Files { certificate, key } => Some([certificate, key]),
        });
    let authorities = config.listen.iter().filter_map(|listen| listen.client_ca.as_ref());
    files.flatten().chain(authorities)
}

fn lists(config: &ServerConfig) -> impl Iterator<Item = &PathBuf> {
    config.forward.iter().flat_map(|forward| &forward.upstreams).filter_map(|source| match source {
        UpstreamSource::List(path, _) | UpstreamSource::ResolvConf(path, _) => Some(path),
        UpstreamSource::Server(..) | UpstreamSource::Named(..) => None,
    })
}

/// The files and folders that `config` is made of and names, and those that zones include.
fn paths(sources: &ConfigSources, config: &ServerConfig, included: &[PathBuf]) -> Vec<FollowedPath> {
    let mut paths: Vec<FollowedPath> = sources.files.iter().cloned().map(FollowedPath::File).collect();
    paths.extend(sources.folders.iter().map(|(folder, pattern)| {
        let (prefix, suffix) = (pattern.prefix().to_owned(), pattern.suffix().to_owned());
        FollowedPath::Folder(folder.clone(), NamePattern { prefix, suffix })
    }));
    let root = config.recursion.local_root.iter().filter_map(|local| local.file.as_ref());
    let files = settings(config).chain(lists(config)).chain(certificates(config)).chain(root);
    paths.extend(files.cloned().map(FollowedPath::File));
    for source in &config.zones {
        match source {
            ZoneSource::File { file, .. } => paths.push(FollowedPath::File(file.clone())),
            ZoneSource::Directory { path, pattern, .. } => {
                let (prefix, suffix) = (pattern.prefix().to_owned(), pattern.suffix().to_owned());
                paths.push(FollowedPath::Folder(path.clone(), NamePattern { prefix, suffix }));
            }
            ZoneSource::Secondary(_) | ZoneSource::BuiltIn { .. } => {}
        }
    }
    paths.extend(included.iter().cloned().map(FollowedPath::File));
    paths
}
