//! Zones whose files are not complete: when they are looked at again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rhumb_watch::OpenWriters;
use rhumb_wire::DomainName;

use super::load::ZoneRefusal;
use super::read_job::ReadJob;
use crate::snapshot::{CONFIRM, FileRead};

/// Pause between two looks at open files.
pub(super) const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// A zone that is read once its file is closed, however long that takes.
#[derive(Debug)]
struct OpenZone {
    seen: Vec<FileRead>,
    /// Not looked at before.
    next: Instant,
}

/// A zone that somebody waits for.
#[derive(Debug)]
struct HeldRead {
    job: ReadJob,
    file: PathBuf,
    next: Instant,
    until: Instant,
}

/// What has become of the files.
#[derive(Debug, Default)]
pub(super) struct ClosedFiles {
    /// To be read now, where their files are closed.
    pub(super) jobs: Vec<ReadJob>,
    /// Still open after they were waited for.
    pub(super) refused: Vec<(ReadJob, ZoneRefusal)>,
    /// Zones to look at now.
    pub(super) zones: Vec<DomainName>,
}

/// Zones with files that are not complete.
#[derive(Debug)]
pub(super) struct OpenZoneFiles {
    writers: OpenWriters,
    zones: HashMap<DomainName, OpenZone>,
    held: Vec<HeldRead>,
    /// The files as they were when they were found incomplete, for the next look to confirm.
    seen: HashMap<DomainName, Vec<FileRead>>,
}

impl OpenZoneFiles {
    /// With files that were seen to be complete.
    pub(super) fn new(writers: OpenWriters, seen: HashMap<DomainName, Vec<FileRead>>) -> Self {
        Self { writers, zones: HashMap::new(), held: Vec::new(), seen }
    }

    pub(super) const fn writers(&self) -> &OpenWriters {
        &self.writers
    }

    /// The zones that are looked at again.
    pub(super) fn zones(&self) -> impl Iterator<Item = &DomainName> {
        self.zones.keys()
    }

    pub(super) fn clear(&mut self) {
        self.zones.clear();
        self.held.clear();
        self.seen.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.zones.is_empty() && self.held.is_empty()
    }

    /// The zone is looked at again until its files are complete; `seen` is what it was read from now.
    pub(super) fn await_close(&mut self, name: DomainName, seen: Vec<FileRead>) {
        self.zones.insert(name, OpenZone { seen, next: Instant::now() + CONFIRM });
    }

    /// The same for a zone that somebody waits for, but not longer than `until`.
    pub(super) fn hold(&mut self, job: ReadJob, file: PathBuf, until: Instant) {
        self.held.push(HeldRead { job, file, next: Instant::now() + CONFIRM, until });
    }

    /// What the zone's files were when they were last found incomplete.
    pub(super) fn take_seen(&mut self, name: &DomainName) -> Vec<FileRead> {
        self.seen.remove(name).unwrap_or_default()
    }

    /// What is to be looked at again. The threads that read do so: a file system that does not respond would hold this one up.
    pub(super) fn look(&mut self, now: Instant) -> ClosedFiles {
        let mut closed = ClosedFiles::default();
        for held in std::mem::take(&mut self.held) {
            if held.until <= now {
                closed.refused.push((held.job, still_open(&held.file)));
            } else if held.next <= now {
                closed.jobs.push(held.job);
            } else {
                self.held.push(held);
            }
        }
        let ready = self.zones.extract_if(|_, zone| zone.next <= now);
        for (name, zone) in ready {
            self.seen.insert(name.clone(), zone.seen);
            closed.zones.push(name);
        }
        closed
    }

    /// What was seen counts for one look alone.
    pub(super) fn forget_seen(&mut self) {
        self.seen.clear();
    }
}

/// The zone of a file that its writer has not closed in time.
fn still_open(file: &Path) -> ZoneRefusal {
    let problem =
        format!("{}: a program has it open for writing; it is read once it is closed", file.display());
    ZoneRefusal { problems: vec![problem], files: Vec::new() }
}
