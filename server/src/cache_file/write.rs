//! Writing the file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

use rhumb_cache::{RecordWalk, store_proof, store_records};
use rhumb_resolver::ResolverState;

use super::file_error::CacheFileError;
use super::file_head::FileHead;
use super::frames::{FrameKind, FrameWriter, LONGEST};

/// Bytes of entries after which a frame is written.
const FRAME: usize = 128 << 10;
/// Bytes written at a time.
const BUFFER: usize = 256 << 10;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrittenFile {
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

/// Writes all that is known at `now`, in seconds of the cache's clock, to a new file at `path`, and has the disk take it.
///
/// Errors: `Late` once `until` has passed; `Io`.
pub(super) fn write_file(
    path: &Path,
    head: &FileHead,
    resolver: &ResolverState,
    now: u32,
    until: Option<Instant>,
) -> Result<WrittenFile, CacheFileError> {
    // One that a crash has left behind is written over.
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let out = BufWriter::with_capacity(BUFFER, opened);
    let (out, written) = write_to(out, head, resolver, now, until)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(written)
}

/// Gives the file its name, and has the disk take that.
pub(super) fn rename_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The same to anything that takes bytes.
pub(super) fn write_to<W: Write>(
    out: W,
    head: &FileHead,
    resolver: &ResolverState,
    now: u32,
    until: Option<Instant>,
) -> Result<(W, WrittenFile), CacheFileError> {
    let mut frames = FrameWriter::new(out)?;
    frames.write(FrameKind::Head, &head.to_bytes())?;
    let mut entries = EntryFrames { frames, content: Vec::new(), entries: 0, until };
    for batch in RecordWalk::new(&resolver.records) {
        for learnt in batch {
            entries.add(|into| store_records(&learnt, now, into))?;
        }
    }
    for zone in resolver.proofs.zones() {
        for proof in resolver.proofs.proofs_of(&zone) {
            entries.add(|into| proof.until > now && store_proof(zone.as_ref(), &proof, now, into))?;
        }
    }
    entries.flush()?;
    let (out, bytes) = entries.frames.end()?;
    Ok((out, WrittenFile { entries: entries.entries, bytes }))
}

/// Frames that are filled with entries.
struct EntryFrames<W> {
    frames: FrameWriter<W>,
    content: Vec<u8>,
    entries: u64,
    until: Option<Instant>,
}

impl<W: Write> EntryFrames<W> {
    /// Adds the entry that `store` appends, if it does.
    fn add(&mut self, store: impl FnOnce(&mut Vec<u8>) -> bool) -> Result<(), CacheFileError> {
        let start = self.content.len();
        self.content.extend_from_slice(&[0; 4]);
        let stored = store(&mut self.content);
        let length = self.content.len() - start - 4;
        if !stored || length > LONGEST / 2 {
            self.content.truncate(start);
            return Ok(());
        }
        if let Some(place) = self.content.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<4>) {
            *place = (length as u32).to_be_bytes();
        }
        self.entries += 1;
        if self.content.len() >= FRAME { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), CacheFileError> {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return Err(CacheFileError::Late);
        }
        if !self.content.is_empty() {
            self.frames.write(FrameKind::Entries, &self.content)?;
            self.content.clear();
        }
        Ok(())
    }
}
