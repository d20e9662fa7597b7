//! The form of the file: a mark, then frames, each with its length and checksum; the last one says how many there were.
//!
//! ```text
//! mark · frames
//! frame: length (4) · CRC-32C of the length and what follows (4) · kind (1) · content
//! ```

use std::io::{self, ErrorKind, Read, Write};

use rhumb_zones::journal::crc32c;

/// How a file begins; another version of the form has another mark.
const MARK: [u8; 16] = *b"\xf7rhumb cache 001";
/// Bytes of a frame before its content: length, checksum, kind.
const FRAME_HEAD: usize = 9;
/// The most bytes of the content of a frame.
pub(super) const LONGEST: usize = 4 << 20;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// When it was written, and under which configuration.
    Head,
    /// Entries, each behind its length (4).
    Entries,
    /// The number of frames before it (8).
    End,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It begins with another mark.
    #[error("no file of this form")]
    Foreign,
    /// A frame that begins at this byte is not what was written.
    #[error("damaged at byte {0}")]
    Damaged(u64),
}

const KINDS: [FrameKind; 3] = [FrameKind::Head, FrameKind::Entries, FrameKind::End];

/// Writes frames.
pub(super) struct FrameWriter<W> {
    out: W,
    frames: u64,
    /// Bytes written.
    pub(super) bytes: u64,
}

impl<W: Write> FrameWriter<W> {
    /// Writes the mark.
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&MARK)?;
        Ok(Self { out, frames: 0, bytes: MARK.len() as u64 })
    }

    /// Writes a frame of at most [`LONGEST`] bytes.
    ///
    /// Errors: `InvalidInput` for a longer one; the system says so.
    pub(super) fn write(&mut self, kind: FrameKind, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len()).ok().filter(|length| *length as usize <= LONGEST);
        let length = length.ok_or(ErrorKind::InvalidInput)?.to_be_bytes();
        let sum = crc32c(&[&length, &[kind as u8], content]).to_be_bytes();
        for part in [&length[..], &sum, &[kind as u8], content] {
            self.out.write_all(part)?;
        }
        self.frames += 1;
        self.bytes += (FRAME_HEAD + content.len()) as u64;
        Ok(())
    }

    /// Writes the last frame. What was written to.
    pub(super) fn end(mut self) -> io::Result<(W, u64)> {
        let frames = self.frames.to_be_bytes();
        self.write(FrameKind::End, &frames)?;
        Ok((self.out, self.bytes))
    }
}

/// Reads frames, one at a time.
pub(super) struct FrameReader<R> {
    input: R,
    frames: u64,
    at: u64,
    content: Vec<u8>,
    ended: bool,
}

impl<R: Read> FrameReader<R> {
    /// Reads the mark.
    ///
    /// Errors: `Foreign`, `Io`.
    pub(super) fn new(mut input: R) -> Result<Self, FrameError> {
        let mut mark = [0; MARK.len()];
        match input.read_exact(&mut mark) {
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error.into()),
            _ if mark != MARK => Err(FrameError::Foreign),
            _ => Ok(Self { input, frames: 0, at: MARK.len() as u64, content: Vec::new(), ended: false }),
        }
    }

    /// The next frame; none once the last one was read and nothing stands behind it.
    ///
    /// Errors: `Damaged`, also where the end is missing; `Io`.
    pub(super) fn next(&mut self) -> Result<Option<(FrameKind, &[u8])>, FrameError> {
        let damaged = FrameError::Damaged(self.at);
        if self.ended {
            let more = self.input.read(&mut [0])?;
            return if more == 0 { Ok(None) } else { Err(damaged) };
        }
        let mut head = [0; FRAME_HEAD];
        self.read_exact(&mut head)?;
        let [l0, l1, l2, l3, s0, s1, s2, s3, kind] = head;
        let length = [l0, l1, l2, l3];
        let size = u32::from_be_bytes(length) as usize;
        let Some(&kind) = KINDS.get(usize::from(kind)).filter(|_| size <= LONGEST) else {
            return Err(damaged);
        };
        let mut content = std::mem::take(&mut self.content);
        content.resize(size, 0);
        self.read_exact(&mut content)?;
        if crc32c(&[&length, &[kind as u8], &content]) != u32::from_be_bytes([s0, s1, s2, s3]) {
            return Err(damaged);
        }
        self.ended = kind == FrameKind::End;
        if self.ended && content != self.frames.to_be_bytes() {
            return Err(damaged);
        }
        self.frames += 1;
        self.at += (FRAME_HEAD + size) as u64;
        self.content = content;
        Ok(Some((kind, &self.content)))
    }

    fn read_exact(&mut self, into: &mut [u8]) -> Result<(), FrameError> {
        self.input.read_exact(into).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => FrameError::Damaged(self.at),
            _ => error.into(),
        })
    }
}
