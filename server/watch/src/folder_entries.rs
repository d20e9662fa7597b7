//! What was last seen of the files of a folder, in 24 bytes for each: names are kept by their hash.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};

/// A file: the inode of its name, which may be a symlink, and the mark of what it leads to.
#[derive(Clone, Copy)]
struct FileEntry {
    inode: u64,
    /// The mark, and as its lowest bit the round in which the file was last seen.
    mark: u64,
}

/// All files. Two names with one hash of 64 bits, one case in a thousand million for 100,000 names, would be reported as changed
/// at each comparison.
#[derive(Default)]
pub(super) struct FolderEntries {
    known: HashMap<u64, FileEntry>,
    hasher: RandomState,
    round: u64,
}

impl FolderEntries {
    /// Number of files.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn contains(&self, name: &OsStr) -> bool {
        self.known.contains_key(&self.hasher.hash_one(name))
    }

    /// The mark of a file, if it had this inode.
    pub(super) fn mark_of(&self, name: &OsStr, inode: u64) -> Option<u64> {
        self.known
            .get(&self.hasher.hash_one(name))
            .filter(|entry| entry.inode == inode)
            .map(|entry| entry.mark >> 1)
    }

    /// Notes a file as seen. Says whether it differs from before.
    pub(super) fn see(&mut self, name: &OsStr, inode: u64, mark: u64) -> bool {
        let entry = FileEntry { inode, mark: mark << 1 | self.round };
        let before = self.known.insert(self.hasher.hash_one(name), entry);
        before.is_none_or(|before| before.mark >> 1 != entry.mark >> 1)
    }

    /// Notes a file as gone. Says whether it was there before.
    pub(super) fn miss(&mut self, name: &OsStr) -> bool {
        self.known.remove(&self.hasher.hash_one(name)).is_some()
    }

    /// Begins to look at all files; [`Self::end`] has to come next.
    pub(super) fn begin(&mut self) {
        self.round ^= 1;
    }

    /// Ends it. Files not seen since are gone if `all` were looked at. Says whether one is.
    pub(super) fn end(&mut self, all: bool) -> bool {
        let (round, before) = (self.round, self.known.len());
        if all {
            self.known.retain(|_, entry| entry.mark & 1 == round);
        } else {
            self.known.values_mut().for_each(|entry| entry.mark = entry.mark & !1 | round);
        }
        self.known.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_and_what_is_gone() {
        let (a, b) = (OsStr::new("a.zone"), OsStr::new("b.zone"));
        let mut entries = FolderEntries::default();
        entries.begin();
        assert!(entries.see(a, 1, 10) && entries.see(b, 2, 20));
        assert!(!entries.end(true));
        entries.begin();
        assert!(!entries.see(a, 1, 10), "the same");
        assert!(entries.see(a, 1, 11), "another mark");
        assert!(!entries.end(false), "not all were looked at");
        entries.begin();
        assert!(!entries.see(b, 3, 20), "another inode alone is no difference");
        assert_eq!((entries.mark_of(b, 3), entries.mark_of(b, 2)), (Some(20), None));
        assert!(entries.end(true), "a was not seen");
        assert!(!entries.miss(a) && entries.miss(b));
        assert_eq!(entries.len(), 0);
    }
}
