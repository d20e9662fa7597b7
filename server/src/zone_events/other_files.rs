//! Files in a folder of zones that are called otherwise than its pattern: most likely zones that were meant to be served.

use std::ffi::OsStr;
use std::path::Path;

use rhumb_config::{FilePlace, ZoneFilePattern};
use rhumb_wire::DomainName;

/// How zone files are often called. The last one fits every file, and counts only where no other is there.
const USUAL: [&str; 5] = ["NAME.zone", "db.NAME", "NAME.db", "NAME.hosts", "NAME"];

/// The files of a folder that are no zones by its pattern.
#[derive(Debug, Default)]
pub(super) struct OtherFiles {
    /// By each of the usual patterns, how many there are, and the first by name.
    usual: [(usize, Option<String>); USUAL.len()],
    count: usize,
    first: Option<String>,
}

impl OtherFiles {
    /// Counts a file. Hidden files and backups are not counted.
    pub(super) fn add(&mut self, file: &OsStr) {
        let Some(file) = file.to_str() else { return };
        if file.starts_with('.') || file.ends_with('~') {
            return;
        }
        count(&mut self.count, &mut self.first, file);
        for (pattern, (number, first)) in USUAL.iter().zip(&mut self.usual) {
            if is_zone_by(file, pattern) {
                count(number, first, file);
            }
        }
    }

    /// What to say of them, if there is something: that files are zones by another pattern, or that no file at all is one by this.
    /// `zones` is how many are.
    pub(super) fn warning(
        &self,
        folder: &Path,
        pattern: &ZoneFilePattern,
        place: &FilePlace,
        zones: usize,
    ) -> Option<String> {
        let folder = folder.display();
        let mut usual = USUAL.iter().zip(&self.usual);
        let found = usual.find_map(|(usual, (number, first))| {
            // Beside zone files, files of any other name may be what they include.
            let is_sure = *usual != "NAME" || zones == 0;
            first.as_ref().filter(|_| is_sure).map(|first| (usual, number, first))
        });
        if let Some((usual, number, first)) = found {
            let files = if *number == 1 { "file that is" } else { "files that are" };
            return Some(format!(
                "{place}: zones: {folder} has {number} {files} not read, such as {first}: zone files are called {pattern} here; \
                 `pattern: {usual}` reads them"
            ));
        }
        let first = self.first.as_ref().filter(|_| zones == 0)?;
        Some(format!(
            "{place}: zones: no file in {folder} is called {pattern}, and so no zone is read from it; there is {first}; `pattern` \
             says how zone files are called"
        ))
    }
}

fn count(number: &mut usize, first: &mut Option<String>, file: &str) {
    *number += 1;
    if first.as_deref().is_none_or(|first| file < first) {
        *first = Some(file.to_owned());
    }
}

/// Whether a file is a zone of two labels or more by this pattern: a name of one label may be anything.
fn is_zone_by(file: &str, pattern: &str) -> bool {
    let pattern: Option<ZoneFilePattern> = pattern.parse().ok();
    let name = pattern.as_ref().and_then(|pattern| pattern.zone_name(file));
    let name = name.filter(|name| name.contains('.') && !is_text(name));
    name.is_some_and(|name| name.parse::<DomainName>().is_ok())
}

/// Whether the name ends as those of other files do.
fn is_text(name: &str) -> bool {
    [".txt", ".md", ".inc", ".include", ".conf", ".key", ".private", ".sh", ".py", ".yaml", ".json", ".state"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(files: &[&str], pattern: &str, zones: usize) -> Option<String> {
        let mut others = OtherFiles::default();
        for file in files {
            others.add(OsStr::new(file));
        }
        let place = FilePlace { file: Path::new("x.yaml").into(), line: 2, column: 5 };
        others.warning(Path::new("zones"), &pattern.parse().unwrap(), &place, zones)
    }

    #[test]
    fn files_that_are_zones_by_another_pattern_are_named() {
        for (files, pattern, zones, words) in [
            (&["db.example.org", "db.example.com"][..], "NAME.zone", 0, Some("`pattern: db.NAME`")),
            (
                &["db.example.com"],
                "NAME.zone",
                7,
                Some("has 1 file that is not read, such as db.example.com"),
            ),
            (&["example.com.db", "example.net.db"], "NAME.zone", 0, Some("2 files that are not read")),
            (&["example.com.zone"], "db.NAME", 0, Some("`pattern: NAME.zone`")),
            (&["example.com", "README.md"], "NAME.zone", 0, Some("`pattern: NAME`")),
            (&["example.com", "README.md"], "NAME.zone", 1, None),
            (&["hosts", "common.inc", "Kexample.com.+013+1.key"], "NAME.zone", 3, None),
            (&["README"], "NAME.zone", 0, Some("no file in zones is called NAME.zone")),
            (&[".db.example.com", "db.example.com~"], "NAME.zone", 0, None),
            (&["db.root", "db.local"], "NAME.zone", 1, None),
            (&[], "NAME.zone", 0, None),
        ] {
            let found = warning(files, pattern, zones);
            assert_eq!(found.is_some(), words.is_some(), "{files:?}: {found:?}");
            if let (Some(found), Some(words)) = (found, words) {
                assert!(found.starts_with("x.yaml:2:5: zones: ") && found.contains(words), "{found}");
            }
        }
    }
}
