//! Reading the file at the start.

use std::io::{BufReader, Read, Seek, SeekFrom};

use rhumb_cache::{LearntRecords, RestoreTime, SecurityStatus, StoredEntry, read_stored};
use rhumb_resolver::ResolverState;
use rhumb_resolver::validate::limits::RELEASED;
use rhumb_wire::NameRef;

use super::file_error::CacheFileError;
use super::file_head::FileHead;
use super::frames::{FrameKind, FrameReader};

/// Bytes read at a time.
const BUFFER: usize = 256 << 10;

/// What came of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LoadedFile {
    /// Entries that are in the cache now.
    pub(super) loaded: u64,
    /// Entries that are too old, known better by now, of no use under this configuration, or unreadable.
    pub(super) left_out: u64,
}

/// Takes what the file holds into `resolver`. `head` is the one that a file would get now; `now` and `stale` are as in [`RestoreTime`].
/// A damaged file is not used at all.
///
/// Errors: all of [`CacheFileError`] but `Late`.
pub(super) fn read_file(
    mut file: impl Read + Seek,
    head: &FileHead,
    resolver: &ResolverState,
    now: u32,
    stale: u32,
) -> Result<LoadedFile, CacheFileError> {
    check(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    let mut frames = FrameReader::new(BufReader::with_capacity(BUFFER, file))?;
    let found = match frames.next()? {
        Some((FrameKind::Head, content)) => FileHead::parse(content),
        _ => None,
    };
    let found = found.ok_or(CacheFileError::Damaged(0))?;
    if found.written > head.written {
        return Err(CacheFileError::Later(found.written - head.written));
    }
    if found.written < u64::from(RELEASED) {
        return Err(CacheFileError::Clock);
    }
    let elapsed = u32::try_from(head.written - found.written).unwrap_or(u32::MAX);
    let restore = CacheRestore {
        resolver,
        changed: head.changed_domains(&found),
        same_trust: head.trust == found.trust,
        time: RestoreTime { now, elapsed, stale },
    };
    let mut loaded = LoadedFile::default();
    while let Some((kind, mut content)) = frames.next()? {
        while kind == FrameKind::Entries
            && let Some((entry, rest)) = split_entry(content)
        {
            content = rest;
            let count = if restore.takes(entry) { &mut loaded.loaded } else { &mut loaded.left_out };
            *count += 1;
        }
    }
    Ok(loaded)
}

/// Reads all of the file. Errors: it is not what was written.
fn check(file: &mut impl Read) -> Result<(), CacheFileError> {
    let mut frames = FrameReader::new(BufReader::with_capacity(BUFFER, file))?;
    while frames.next()?.is_some() {}
    Ok(())
}

fn split_entry(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = content.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// What entries go through on their way into the caches.
struct CacheRestore<'r> {
    resolver: &'r ResolverState,
    /// Domains whose servers are others now.
    changed: Vec<NameRef<'r>>,
    /// Whether validation goes by what it went by.
    same_trust: bool,
    time: RestoreTime,
}

impl CacheRestore<'_> {
    /// Takes an entry: whether it is of use.
    fn takes(&self, bytes: &[u8]) -> bool {
        match read_stored(bytes, self.time) {
            Ok(Some(StoredEntry::Records(learnt))) => self.takes_records(learnt),
            Ok(Some(StoredEntry::Proof(zone, proof))) => {
                let of_use = self.same_trust && self.is_unchanged(zone.as_ref());
                of_use && self.resolver.proofs.restore(&zone, proof)
            }
            Ok(None) | Err(_) => false,
        }
    }

    fn takes_records(&self, learnt: LearntRecords) -> bool {
        let security = if self.same_trust { learnt.security } else { SecurityStatus::Unchecked };
        self.is_unchanged(learnt.owner.as_ref())
            && self.resolver.records.restore(LearntRecords { security, ..learnt })
    }

    /// Whether the servers that are asked about `name` are those of before.
    fn is_unchanged(&self, name: NameRef<'_>) -> bool {
        !self.changed.iter().any(|domain| name.is_at_or_below(*domain))
    }
}
