//! What is shown of the file that the cache is kept in over a restart.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is shown of the file of the cache.
#[derive(Debug, Default)]
pub struct CacheFileFigures {
    loaded: AtomicU64,
    left_out: AtomicU64,
    refused: AtomicU64,
    written: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
    failures: AtomicU64,
}

/// The figures at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheFileReading {
    /// Entries taken from it at the start.
    pub loaded: u64,
    /// Entries of it that were of no use.
    pub left_out: u64,
    /// Files that could not be used.
    pub refused: u64,
    /// When it was written last, in seconds since 1970; 0 before the first time.
    pub written: u64,
    /// Entries in it.
    pub entries: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Times that it could not be written.
    pub failures: u64,
}

impl CacheFileFigures {
    /// It was read.
    pub fn loaded(&self, loaded: u64, left_out: u64) {
        self.loaded.store(loaded, Relaxed);
        self.left_out.store(left_out, Relaxed);
    }

    /// It could not be used.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// It was written at `time`, in seconds since 1970.
    pub fn written(&self, time: u64, entries: u64, bytes: u64) {
        self.written.store(time, Relaxed);
        self.entries.store(entries, Relaxed);
        self.bytes.store(bytes, Relaxed);
    }

    /// It could not be written.
    pub fn failed(&self) {
        self.failures.fetch_add(1, Relaxed);
    }

    /// All of them.
    pub fn read(&self) -> CacheFileReading {
        CacheFileReading {
            loaded: self.loaded.load(Relaxed),
            left_out: self.left_out.load(Relaxed),
            refused: self.refused.load(Relaxed),
            written: self.written.load(Relaxed),
            entries: self.entries.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            failures: self.failures.load(Relaxed),
        }
    }
}
