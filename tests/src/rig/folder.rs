//! Folders that go with the test that made them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::{Context, Failure};

/// Names are `rhumb-test-PID-N`, so that a later run knows whose are left over.
const PREFIX: &str = "rhumb-test-";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh folder below the system's temporary one, readable by everyone, removed on drop.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder.
    pub fn new() -> Result<Self, Failure> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir_all(&path).context(path.display())?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a file in it is.
    pub fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in place, with the folders above it; gives its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf, Failure> {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text).context(path.display())?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !kept() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Whether folders are to be left for somebody to look at.
fn kept() -> bool {
    std::env::var_os("RHUMB_TEST_KEEP").is_some()
}

/// Removes the folders of runs that are no more, and with `own` those of this one.
pub fn sweep(own: bool) {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()) else { continue };
        let mine = pid == std::process::id().to_string();
        let gone = !Path::new("/proc").join(pid).exists();
        if !kept() && (gone || own && mine) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
