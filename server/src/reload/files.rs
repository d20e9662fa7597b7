//! The files that are followed, and what was reported of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_config::{Config, UpstreamSource, ZoneSource};
use rhumb_watch::{FileWatch, FollowedPath, NamePattern, OpenWriters, WatchEvent};

use crate::snapshot::{FileRead, incomplete_file};
use crate::supervision::WorkerRegistry;
use crate::zone_events::FileChanges;

/// The time between two comparisons of followed files, where inotify is silent.
const COMPARE_EVERY: Duration = Duration::from_secs(2);

/// What was reported and not yet acted on.
#[derive(Debug, Default)]
pub(super) struct FileReports {
    /// The configuration's own file differs.
    pub(super) config: bool,
    /// Other files that differ.
    pub(super) changes: FileChanges,
    /// What an operator should look at.
    pub(super) warnings: Vec<String>,
}

/// The files that the configuration and its zones depend on.
pub(super) struct FollowedFiles {
    watch: FileWatch,
    paths: Vec<FollowedPath>,
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
        Ok(Self { watch, paths: Vec::new(), reports: FileReports::default() })
    }

    /// Which files are being written.
    pub(super) fn writers(&self) -> OpenWriters {
        self.watch.writers()
    }

    /// The first of `files`, as they were when they were read, that is not complete; `seen` are those of an earlier look.
    pub(super) fn incomplete(&self, files: &[FileRead], seen: &[FileRead]) -> Option<PathBuf> {
        incomplete_file(&self.watch.writers(), files, seen).map(|file| file.path().to_owned())
    }

    /// Follows what `config` names, and the files that zones include, so that what changes while they are read is seen.
    pub(super) fn follow(&mut self, config: &Config, included: &[PathBuf]) {
        let paths = paths(config, included);
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

    /// Notes what was reported until now; `config` is the configuration's own file.
    pub(super) fn collect(&mut self, config: Option<&Path>) {
        for event in self.watch.take() {
            match event {
                WatchEvent::FileChanged(path) if config == Some(&path) => self.reports.config = true,
                WatchEvent::FileChanged(path) => self.reports.changes.files.push(path),
                WatchEvent::FolderChanged { path, names } => {
                    tracing::debug!("{}: {} files changed", path.display(), names.len());
                    self.reports.changes.folders.push((path, names));
                }
                WatchEvent::Stale { path, reason } => {
                    self.reports.warnings.push(format!("{}: {reason}", path.display()));
                }
            }
        }
    }

    /// Looks at all files now and notes what differs. Where the kernel does not tell of every change, any file may.
    pub(super) fn look(&mut self, config: Option<&Path>) {
        let certain = self.watch.look();
        self.collect(config);
        self.reports.changes.all |= !certain;
    }
}

/// The files that a reload reads itself: that of the configuration, and the lists of upstreams.
pub(super) fn own_files(config: &Config) -> Vec<FileRead> {
    config.file.iter().chain(lists(config)).map(|path| FileRead::now(path.clone())).collect()
}

fn lists(config: &Config) -> impl Iterator<Item = &PathBuf> {
    config.forward.iter().flat_map(|forward| &forward.upstreams).filter_map(|source| match source {
        UpstreamSource::List(path, _) | UpstreamSource::ResolvConf(path, _) => Some(path),
        UpstreamSource::Server(..) => None,
    })
}

/// The files and folders that `config` names, and those that zones include.
fn paths(config: &Config, included: &[PathBuf]) -> Vec<FollowedPath> {
    let mut paths: Vec<FollowedPath> = config.file.clone().map(FollowedPath::File).into_iter().collect();
    paths.extend(lists(config).cloned().map(FollowedPath::File));
    for source in &config.zones {
        match source {
            ZoneSource::File { file, .. } => paths.push(FollowedPath::File(file.clone())),
            ZoneSource::Directory { path, pattern, .. } => {
                let (prefix, suffix) = (pattern.prefix().to_owned(), pattern.suffix().to_owned());
                paths.push(FollowedPath::Folder(path.clone(), NamePattern { prefix, suffix }));
            }
            ZoneSource::BuiltIn { .. } => {}
        }
    }
    paths.extend(included.iter().cloned().map(FollowedPath::File));
    paths
}
