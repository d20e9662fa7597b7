//! The zones whose updates are held back, in a file: a name a line.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use rhumb_wire::DomainName;

use super::files::sync_folder;
use super::store::StateStore;

const FILE: &str = "frozen";

/// Reads them; a line that is no name is left out with a warning.
///
/// Errors: the system says so.
pub(in crate::zone_events) fn read_frozen(store: &StateStore) -> io::Result<BTreeSet<DomainName>> {
    let path = store.path().join(FILE);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        text => text?,
    };
    let name = |line: &str| {
        let name = line.parse::<DomainName>();
        name.inspect_err(|error| tracing::warn!("{}: `{line}`: {error}", path.display())).ok()
    };
    Ok(text.lines().filter_map(name).collect())
}

/// Writes them to another name, has the disk take it, and renames it.
///
/// Errors: the system says so; the file is as it was.
pub(in crate::zone_events) fn write_frozen(
    store: &StateStore,
    zones: &BTreeSet<DomainName>,
) -> io::Result<()> {
    let (path, part) = (store.path().join(FILE), store.path().join("frozen.part"));
    let mut options = OpenOptions::new();
    let mut file: File = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    for zone in zones {
        writeln!(file, "{zone}")?;
    }
    file.sync_all()?;
    fs::rename(&part, &path)?;
    sync_folder(store.path())
}
