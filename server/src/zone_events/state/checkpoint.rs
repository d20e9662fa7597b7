//! A large zone in a file of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use rhumb_zones::ZoneVersion;
use rhumb_zones::journal::{JournalRecord, RecordKind, SEGMENT_START};

use super::encode::StateChange;
use super::files::{StateFile, sync_folder};
use super::folder::StateFolder;
use super::index::StateIndex;

/// Bytes written at a time.
const BUFFER: usize = 256 << 10;
/// More than the head of a record has.
const HEAD: u64 = 1024;

/// Writes a whole zone to a file of its own: to another name, synced, renamed, the folder synced. The file, and how many bytes it has.
///
/// Errors: the system says so; there is no such file then.
pub(super) fn write(
    folder: &StateFolder,
    change: &StateChange,
    (sequence, base): (u64, u64),
    earlier: &[ZoneVersion],
) -> io::Result<(StateFile, u64)> {
    let file = StateFile::Zone(sequence);
    let path = file.path(folder);
    let part = path.with_extension("part");
    let made = (|| {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        let mut out = BufWriter::with_capacity(BUFFER, opened);
        let mut length = SEGMENT_START.len() as u64;
        out.write_all(&SEGMENT_START)?;
        change.encode(sequence, base, earlier, &mut |bytes| {
            length += bytes.len() as u64;
            out.write_all(bytes)
        })?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&part, &path)?;
        sync_folder(&folder.zones())?;
        Ok(length)
    })();
    if made.is_err() {
        // It may not have been made at all.
        let _ = std::fs::remove_file(&part);
    }
    made.map(|length| (file, length))
}

/// Notes what the file of a large zone holds, by its first record. Whether it is such a file.
pub(super) fn note(index: &mut StateIndex, folder: &StateFolder, file: StateFile) -> io::Result<bool> {
    let opened = File::open(file.path(folder))?;
    let length = opened.metadata()?.len();
    let mut start = Vec::new();
    opened.take(SEGMENT_START.len() as u64 + HEAD).read_to_end(&mut start)?;
    let Some(head) = start.strip_prefix(&SEGMENT_START) else { return Ok(false) };
    let Ok((record, _)) = JournalRecord::parse_head(head) else { return Ok(false) };
    let offset = SEGMENT_START.len() as u64;
    let whole = JournalRecord { kind: RecordKind::Whole, ..record };
    index.note(&whole, file, offset, length.saturating_sub(offset));
    Ok(true)
}
