//! The way from a path to its file: every folder and every symlink passed, as the kernel would walk it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

/// Symlinks followed before a path counts as a loop, as in the kernel (`path_resolution(7)`).
const MAX_LINKS: usize = 40;
/// Names looked up before a path counts as unreasonable.
const MAX_STEPS: usize = 512;

/// Which folder it is, whatever its path: device, inode, and birth where the file system knows it, since inode
/// numbers are given out again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
    born: Option<SystemTime>,
}

impl FileIdentity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), born: metadata.created().ok() }
    }
}

/// One name looked up in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChainStep {
    /// The folder, by a path without symlinks.
    pub(super) folder: PathBuf,
    /// Which folder that was.
    pub(super) identity: FileIdentity,
    /// The folder's path with the name looked up.
    pub(super) place: PathBuf,
}

impl ChainStep {
    /// The name looked up.
    pub(super) fn name(&self) -> &OsStr {
        self.place.file_name().unwrap_or_default()
    }
}

/// A walked path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LinkChain {
    /// The names looked up, from the root on; the last may be missing.
    pub(super) steps: Vec<ChainStep>,
    /// What the path leads to, by a path without symlinks; `None` when it leads to nothing.
    pub(super) end: Option<(PathBuf, FileIdentity)>,
}

/// Where a walk stands.
struct ChainWalk {
    at: PathBuf,
    identity: Option<FileIdentity>,
    /// Names still to look up, the next one last.
    rest: Vec<OsString>,
    links: usize,
    steps: Vec<ChainStep>,
}

/// Walks an absolute path. Never fails: what cannot be walked ends the chain early.
pub(super) fn walk_chain(path: &Path) -> LinkChain {
    let mut walk =
        ChainWalk { at: PathBuf::new(), identity: None, rest: Vec::new(), links: 0, steps: Vec::new() };
    walk.push(path);
    while let Some(name) = walk.rest.pop() {
        if walk.step(&name).is_none() {
            return LinkChain { steps: walk.steps, end: None };
        }
    }
    let end = walk.identity.map(|identity| (walk.at, identity));
    LinkChain { steps: walk.steps, end }
}

impl ChainWalk {
    /// Goes to the root.
    fn restart(&mut self) {
        self.at = PathBuf::from("/");
        self.identity = fs::metadata(&self.at).ok().as_ref().map(FileIdentity::of);
    }

    /// Puts the names of a path before those still to look up.
    fn push(&mut self, path: &Path) {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.rest.push(name.to_owned()),
                Component::ParentDir => self.rest.push("..".into()),
                Component::RootDir => self.restart(),
                Component::CurDir | Component::Prefix(_) => {}
            }
        }
    }

    /// Looks up one name; `None` when the walk ends here.
    fn step(&mut self, name: &OsStr) -> Option<()> {
        if name == ".." {
            // `at` has no symlinks, so its parent is the folder's parent.
            self.at.pop();
            self.identity = fs::symlink_metadata(&self.at).ok().as_ref().map(FileIdentity::of);
            return Some(());
        }
        if self.steps.len() >= MAX_STEPS {
            return None;
        }
        let place = self.at.join(name);
        let identity = self.identity?;
        self.steps.push(ChainStep { folder: self.at.clone(), identity, place: place.clone() });
        let found = fs::symlink_metadata(&place).ok()?;
        if found.is_symlink() {
            self.links += 1;
            if self.links > MAX_LINKS {
                return None;
            }
            self.push(&fs::read_link(&place).ok()?);
        } else if found.is_dir() || self.rest.is_empty() {
            self.at = place;
            self.identity = Some(FileIdentity::of(&found));
        } else {
            return None;
        }
        Some(())
    }
}
