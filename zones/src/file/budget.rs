//! What one zone may take in all, so that a few bytes of a file cannot stand for hours of work.

use std::collections::HashSet;

use super::disk::OpenFile;

/// Bytes of all files together. Offsets in a file and numbers of lines have 32 bits; each inclusion takes a few numbers.
const BYTES: u64 = u32::MAX as u64 - 0x0001_0000;
/// Inclusions, each counted as often as it is made.
const INCLUSIONS: u32 = 1000;
/// Bytes of files that were read before. Reading them again takes time without being in the size of any file.
const BYTES_AGAIN: u64 = 64 << 20;
/// Records made by `$GENERATE`.
const GENERATED: u64 = 1 << 20;

/// What is left for one zone.
#[derive(Debug)]
pub(super) struct ReadBudget {
    bytes: u64,
    bytes_again: u64,
    inclusions: u32,
    generated: u64,
    /// The files read so far.
    known: HashSet<(u64, u64)>,
}

impl Default for ReadBudget {
    fn default() -> Self {
        Self {
            bytes: BYTES,
            bytes_again: BYTES_AGAIN,
            inclusions: INCLUSIONS,
            generated: GENERATED,
            known: HashSet::new(),
        }
    }
}

impl ReadBudget {
    /// Before a file is looked for. Errors: a sentence; there were too many.
    pub(super) fn include(&mut self) -> Result<(), String> {
        self.inclusions = self.inclusions.checked_sub(1).ok_or_else(|| {
            format!("a zone has at most {INCLUSIONS} inclusions, files included again among them")
        })?;
        Ok(())
    }

    /// The text of a file. Errors: a sentence; the files are too large together, or as [`OpenFile::read`].
    pub(super) fn read(&mut self, file: OpenFile) -> Result<Vec<u8>, String> {
        let again = !self.known.insert(file.identity);
        if again && file.length > self.bytes_again {
            return Err(format!(
                "was read before, and what is read again has at most {} MiB",
                BYTES_AGAIN >> 20
            ));
        }
        let text = file.read(self.bytes)?;
        self.bytes -= text.len() as u64;
        if again {
            self.bytes_again = self.bytes_again.saturating_sub(text.len() as u64);
        }
        Ok(text)
    }

    /// Before so many records are made. Errors: a sentence; there were too many.
    pub(super) fn generate(&mut self, records: u64) -> Result<(), String> {
        self.generated = self
            .generated
            .checked_sub(records)
            .ok_or_else(|| format!("all $GENERATE of a zone make at most {GENERATED} records"))?;
        Ok(())
    }
}
