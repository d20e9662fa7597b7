//! The file in the folder of the state.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rhumb_config::read_regular_file;

use super::stored_form::{parse, to_text};
use crate::snapshot::{FollowedAnchor, LiveAnchors};

/// The file; what is not finished; what was damaged.
const FILE: &str = "trust-anchors";
const PART: &str = "trust-anchors.part";
const DAMAGED: &str = "trust-anchors.damaged";
/// The largest file that is read, in bytes: far above what the most zones and keys take.
const MOST_BYTES: usize = 4 << 20;

/// Reads what is kept in `folder`, and has the anchors kept there from now on. To be called before a configuration is in force.
pub fn restore_anchors(anchors: &LiveAnchors, folder: &Path) {
    anchors.keep_in(folder);
    let path = folder.join(FILE);
    let why = match read_regular_file(&path, MOST_BYTES) {
        Ok((bytes, _)) => match parse(&String::from_utf8_lossy(&bytes)) {
            Ok(kept) => return anchors.restore(kept),
            Err(error) => error.to_string(),
        },
        Err(error) if error.is_missing() => return,
        Err(error) => error.to_string(),
    };
    anchors.file_failed();
    tracing::error!("{}: {why}; trust anchors begin with the keys that are configured", path.display());
    // Kept for those who want to know what happened to it.
    let _ = fs::rename(&path, folder.join(DAMAGED));
}

/// Writes what has changed since the last call. Blocks until the disk has it. What fails is written the next time.
pub fn keep_anchors(anchors: &LiveAnchors) {
    let Some(folder) = anchors.folder() else { return };
    let Some(unkept) = anchors.take_unkept() else { return };
    if let Err(error) = write(folder, &unkept) {
        anchors.file_failed();
        anchors.mark_unkept();
        tracing::error!("{}: {error}", folder.join(FILE).display());
        let _ = fs::remove_file(folder.join(PART));
    }
}

fn write(folder: &Path, anchors: &[FollowedAnchor]) -> io::Result<()> {
    let part = folder.join(PART);
    // One that a crash has left behind is written over.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(to_text(anchors).as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, folder.join(FILE))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use rhumb_resolver::validate::{AnchorKeyIdentity, TrackedAnchor, ZoneKey};
    use rhumb_wire::NameRef;

    use super::*;

    fn anchor(number: u8, seed: u8) -> FollowedAnchor {
        let key = ZoneKey::parse(&[1, 1, 3, 15, number, 7]).unwrap();
        let tracked = TrackedAnchor::new(NameRef::ROOT, [AnchorKeyIdentity::Key(key)], 1_790_000_000);
        FollowedAnchor::new(tracked, [seed; 32])
    }

    /// What is kept goes on; other keys in the configuration begin anew; what cannot be read is set aside.
    #[test]
    fn anchors_outlive_the_process() {
        let folder = std::env::temp_dir().join(format!("rhumb-anchors-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let start = |wanted: FollowedAnchor| {
            let live = LiveAnchors::default();
            restore_anchors(&live, &folder);
            let begun = live.follow(Some(vec![wanted]));
            keep_anchors(&live);
            (live.followed(), begun, live.file_failures())
        };
        let root = NameRef::ROOT.to_name();
        assert_eq!(start(anchor(1, 1)), (vec![anchor(1, 1)], vec![(root.clone(), false)], 0));
        // The same configuration: what is kept counts, not what an anchor would begin with.
        assert_eq!(start(anchor(2, 1)), (vec![anchor(1, 1)], Vec::new(), 0));
        assert_eq!(start(anchor(2, 2)), (vec![anchor(2, 2)], vec![(root.clone(), true)], 0));
        assert_eq!(start(anchor(3, 2)).0, [anchor(2, 2)]);
        let file = folder.join(FILE);
        let mut bytes = fs::read(&file).unwrap();
        bytes[40] ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert_eq!(start(anchor(3, 2)), (vec![anchor(3, 2)], vec![(root, false)], 1));
        assert_eq!(fs::read(folder.join(DAMAGED)).unwrap(), bytes);
        fs::remove_dir_all(folder).unwrap();
    }

    /// What is not configured for a while is not forgotten.
    #[test]
    fn an_anchor_that_is_not_configured_waits() {
        let live = LiveAnchors::default();
        live.follow(Some(vec![anchor(1, 1)]));
        live.follow(None);
        assert_eq!((live.followed(), live.trusted()), (Vec::new(), None));
        assert_eq!(live.take_unkept().map(|unkept| unkept.len()), Some(1));
        assert_eq!(live.follow(Some(vec![anchor(2, 1)])), []);
        assert_eq!(live.followed(), [anchor(1, 1)]);
    }
}
