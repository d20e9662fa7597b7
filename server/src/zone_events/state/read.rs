//! A zone out of its places on the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rhumb_wire::DomainName;
use rhumb_zones::journal::{JournalRecord, RecordDamage, ReplayError, ReplayedZone, ZoneReplay};

use super::files::StateFile;
use super::folder::StateFolder;
use super::index::{RecordPlace, ZonePlaces};

/// Bytes read at a time; records that are longer are read whole.
const CHUNK: usize = 1 << 20;

/// Why a zone cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ZoneReadFault {
    /// It was found when the log was read.
    #[error("{0}")]
    Damaged(String),
    /// The system says so.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// The bytes there are not those that were written.
    #[error("{0}: damaged at byte {1}")]
    Bytes(String, u64),
    /// They do not make a zone.
    #[error("{0}: {1}")]
    Replay(String, ReplayError),
}

/// Reads a zone; none where nothing is kept of it.
///
/// Errors: see [`ZoneReadFault`].
pub(super) fn read_zone(
    folder: &StateFolder,
    name: &DomainName,
    zone: &ZonePlaces,
) -> Result<Option<ReplayedZone>, ZoneReadFault> {
    if let Some(damage) = &zone.damage {
        return Err(ZoneReadFault::Damaged(damage.clone()));
    }
    let mut replay = ZoneReplay::new(name.as_ref());
    let mut open: Option<(StateFile, File)> = None;
    for place in &zone.places {
        let path = place.file.path(folder).display().to_string();
        let file = match &open {
            Some((file, opened)) if *file == place.file => opened,
            _ => {
                let opened = File::open(place.file.path(folder));
                let opened = opened.map_err(|error| ZoneReadFault::Io(path.clone(), error))?;
                &open.insert((place.file, opened)).1
            }
        };
        read_place(file, place, &path, &mut replay)?;
    }
    Ok(replay.finish())
}

fn read_place(
    file: &File,
    place: &RecordPlace,
    path: &str,
    replay: &mut ZoneReplay,
) -> Result<(), ZoneReadFault> {
    let end = place.offset + place.length;
    let mut at = place.offset;
    let mut wanted = CHUNK;
    let mut buffer = Vec::new();
    while at < end {
        let length = (end - at).min(wanted as u64) as usize;
        buffer.resize(length, 0);
        file.read_exact_at(&mut buffer, at).map_err(|error| ZoneReadFault::Io(path.to_owned(), error))?;
        let mut taken = 0;
        wanted = CHUNK;
        while let Some(rest) = buffer.get(taken..).filter(|rest| !rest.is_empty()) {
            match JournalRecord::parse(rest) {
                Ok((record, length)) => {
                    replay.take(&record).map_err(|error| ZoneReadFault::Replay(path.to_owned(), error))?;
                    taken += length;
                }
                Err(RecordDamage::Cut(needed))
                    if at + ((taken + needed) as u64) <= end && taken + needed > length =>
                {
                    wanted = needed.max(CHUNK);
                    break;
                }
                Err(_) => return Err(ZoneReadFault::Bytes(path.to_owned(), at + taken as u64)),
            }
        }
        at += taken as u64;
    }
    Ok(())
}
