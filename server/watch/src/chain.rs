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
pub(super) struct Identity {
    device: u64,
    inode: u64,
    born: Option<SystemTime>,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), born: metadata.created().ok() }
    }
}

/// One name looked up in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The folder, by a path without symlinks.
    pub(super) folder: PathBuf,
    /// Which folder that was.
    pub(super) identity: Identity,
    /// The folder's path with the name looked up.
    pub(super) place: PathBuf,
}

impl Step {
    /// The name looked up.
    pub(super) fn name(&self) -> &OsStr {
        self.place.file_name().unwrap_or_default()
    }
}

/// A walked path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The names looked up, from the root on; the last may be missing.
    pub(super) steps: Vec<Step>,
    /// What the path leads to, by a path without symlinks; `None` when it leads to nothing.
    pub(super) end: Option<(PathBuf, Identity)>,
}

/// Where a walk stands.
struct Walk {
    at: PathBuf,
    identity: Option<Identity>,
    /// Names still to look up, the next one last.
    rest: Vec<OsString>,
    links: usize,
    steps: Vec<Step>,
}

/// Walks an absolute path. Never fails: what cannot be walked ends the chain early.
pub(super) fn walk(path: &Path) -> Chain {
    let mut walk = Walk { at: PathBuf::new(), identity: None, rest: Vec::new(), links: 0, steps: Vec::new() };
    walk.push(path);
    while let Some(name) = walk.rest.pop() {
        if walk.step(&name).is_none() {
            return Chain { steps: walk.steps, end: None };
        }
    }
    let end = walk.identity.map(|identity| (walk.at, identity));
    Chain { steps: walk.steps, end }
}

impl Walk {
    /// Goes to the root.
    fn restart(&mut self) {
        self.at = PathBuf::from("/");
        self.identity = fs::metadata(&self.at).ok().as_ref().map(Identity::of);
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
            self.identity = fs::symlink_metadata(&self.at).ok().as_ref().map(Identity::of);
            return Some(());
        }
        if self.steps.len() >= MAX_STEPS {
            return None;
        }
        let place = self.at.join(name);
        let identity = self.identity?;
        self.steps.push(Step { folder: self.at.clone(), identity, place: place.clone() });
        let found = fs::symlink_metadata(&place).ok()?;
        if found.is_symlink() {
            self.links += 1;
            if self.links > MAX_LINKS {
                return None;
            }
            self.push(&fs::read_link(&place).ok()?);
        } else if found.is_dir() || self.rest.is_empty() {
            self.at = place;
            self.identity = Some(Identity::of(&found));
        } else {
            return None;
        }
        Some(())
    }
}
