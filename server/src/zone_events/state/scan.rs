//! What is on the disk at the start.

use std::fs::{self, OpenOptions};
use std::io;

use rhumb_zones::journal::{SegmentItem, SegmentReader};

use super::checkpoint;
use super::files::{StateFile, numbered_files};
use super::folder::StateFolder;
use super::index::StateIndex;
use super::signatures::FoundSignatures;
use crate::zone_events::wall_clock::unix_time;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct StateScan {
    pub(super) index: StateIndex,
    /// The log that is written on, and its length; none: a new one is begun.
    pub(super) last: Option<(u64, u64)>,
    /// The number of the next log.
    pub(super) next: u64,
    /// Whether records are lost of which it is not known whose they were.
    pub(super) is_incomplete: bool,
    /// Signatures of messages that were carried out.
    pub(super) signatures: FoundSignatures,
}

/// Reads all logs and the heads of the files of large zones. A torn end of the last log is cut off.
///
/// Errors: the system says so.
pub(super) fn scan(folder: &StateFolder) -> io::Result<StateScan> {
    let mut scan = StateScan::default();
    for number in numbered_files(&folder.zones(), "zone")? {
        let file = StateFile::Zone(number);
        if !checkpoint::note(&mut scan.index, folder, file)? {
            tracing::error!("{}: this is no file of a zone", file.path(folder).display());
        }
    }
    let logs = numbered_files(&folder.logs(), "log")?;
    for number in &logs {
        scan.log(folder, *number, logs.last() == Some(number))?;
    }
    scan.next = logs.last().map_or(0, |number| number + 1);
    let used = scan.index.files();
    for number in numbered_files(&folder.zones(), "zone")? {
        let file = StateFile::Zone(number);
        if !used.contains(&file) {
            file.remove(folder);
        }
    }
    Ok(scan)
}

impl StateScan {
    fn log(&mut self, folder: &StateFolder, number: u64, is_last: bool) -> io::Result<()> {
        let file = StateFile::Log(number);
        let path = file.path(folder);
        let bytes = fs::read(&path)?;
        let mut is_whole = true;
        let mut end = bytes.len();
        let now = unix_time();
        for item in SegmentReader::new(&bytes) {
            match item {
                SegmentItem::Record(record, offset, length) => {
                    self.signatures.take(&record, now);
                    self.index.note(&record, file, offset as u64, length as u64);
                }
                SegmentItem::Damaged { offset, length, zones, is_whole: all_known } => {
                    is_whole = false;
                    self.is_incomplete |= !all_known;
                    let why = format!("{}: {length} bytes from {offset} on are damaged", path.display());
                    let known = zones.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    tracing::error!(zones = known, "{why}");
                    for zone in &zones {
                        self.index.note_damage(zone, why.clone());
                    }
                }
                SegmentItem::Torn(offset) if is_last => {
                    let cut = bytes.len() - offset;
                    tracing::warn!(
                        "{}: {cut} bytes of a record that was not finished are cut off",
                        path.display()
                    );
                    end = offset;
                }
                SegmentItem::Torn(offset) => {
                    is_whole = false;
                    self.is_incomplete = true;
                    tracing::error!("{}: it ends at byte {offset}, within a record", path.display());
                }
            }
        }
        if is_last && is_whole && end > 0 {
            if end < bytes.len() {
                let opened = OpenOptions::new().write(true).open(&path)?;
                opened.set_len(end as u64)?;
                opened.sync_all()?;
            }
            self.last = Some((number, end as u64));
        }
        Ok(())
    }
}
