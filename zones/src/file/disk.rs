//! Where the text of files comes from.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::LARGEST;

/// Gives the text of files by name.
pub(super) trait Files {
    /// The path under which `name` was found, and its text. `from` is the file that includes it. Errors: a sentence.
    fn read(&self, name: &Path, from: Option<&Path>) -> Result<(PathBuf, Vec<u8>), String>;
}

/// No file can be had.
pub(super) struct Closed;

impl Files for Closed {
    fn read(&self, _: &Path, _: Option<&Path>) -> Result<(PathBuf, Vec<u8>), String> {
        Err("nothing can be included here".to_owned())
    }
}

/// The folder of a zone file, and what lies below it.
pub(super) struct Folder<'p>(&'p Path);

impl<'p> Folder<'p> {
    /// The folder that the file at `path` lies in.
    pub(super) fn of(path: &'p Path) -> Self {
        Self(match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => Path::new("/"),
        })
    }

    /// Errors: the file lies elsewhere, also by way of `..` or of a link.
    fn check(&self, path: &Path) -> Result<(), String> {
        let real = path.canonicalize().map_err(|error| format!("cannot be read: {error}"))?;
        match self.0.canonicalize() {
            Ok(folder) if real.starts_with(&folder) => Ok(()),
            _ => Err(format!("{} does not lie in the folder of the zone file", path.display())),
        }
    }
}

impl Files for Folder<'_> {
    fn read(&self, name: &Path, from: Option<&Path>) -> Result<(PathBuf, Vec<u8>), String> {
        let path = match from.and_then(Path::parent) {
            Some(folder) => folder.join(name),
            None => name.to_owned(),
        };
        if from.is_some() {
            self.check(&path)?;
        }
        let failed = |error: std::io::Error| format!("cannot be read: {error}");
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err("is not a file".to_owned());
        }
        let mut text = Vec::with_capacity(usize::try_from(metadata.len().min(LARGEST)).unwrap_or(0) + 1);
        file.take(LARGEST).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 >= LARGEST {
            return Err("is larger than 4 GiB".to_owned());
        }
        Ok((path, text))
    }
}
