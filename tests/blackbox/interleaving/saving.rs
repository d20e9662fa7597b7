//! How editors and programs save a file.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use rhumb_tests::rig::server::until;
use rhumb_tests::{Failure, ensure_eq};

/// A way to save a file, and how often it closes one that it has written.
type Saving = (fn(&Path, &str) -> std::io::Result<()>, usize);

/// All of them.
pub(super) const WAYS: [Saving; 8] = [
    // In place.
    (|path, text| fs::write(path, text), 1),
    // A new file over the old one: vi with `backupcopy=no`, sed -i, rsync.
    (renamed_over, 1),
    // Taken away and made anew.
    (
        |path, text| {
            fs::remove_file(path)?;
            fs::write(path, text)
        },
        1,
    ),
    // The old one is kept under another name: vi.
    (
        |path, text| {
            fs::rename(path, beside(path, "~"))?;
            fs::write(path, text)
        },
        1,
    ),
    // A copy of the old one is kept, and the file is written in place: emacs, nano.
    (
        |path, text| {
            fs::copy(path, beside(path, "~"))?;
            fs::write(path, text)
        },
        2,
    ),
    // In two parts, with a pause.
    (
        |path, text| {
            let mut file = File::create(path)?;
            let (first, second) = text.split_at(text.len() / 2);
            file.write_all(first.as_bytes())?;
            thread::sleep(Duration::from_millis(60));
            file.write_all(second.as_bytes())
        },
        1,
    ),
    // Written at its full length at once, and cut only then.
    (
        |path, text| {
            let mut file = OpenOptions::new().write(true).mode(0o644).open(path)?;
            file.write_all(text.as_bytes())?;
            file.set_len(text.len() as u64)
        },
        1,
    ),
    // The old one keeps its time: cp -p, rsync -t.
    (
        |path, text| {
            let part = beside(path, ".part");
            fs::write(&part, text)?;
            File::open(&part)?.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(480_000))?;
            fs::rename(part, path)
        },
        1,
    ),
];

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn renamed_over(path: &Path, text: &str) -> std::io::Result<()> {
    let part = beside(path, ".new");
    let mut file = File::create(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(part, path)
}

/// Sees whoever has a file of a folder open for writing.
pub(super) struct WriterWatch(Inotify);

impl WriterWatch {
    pub(super) fn new(folder: &Path) -> Result<Self, Failure> {
        let watch = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        watch.add_watch(folder, AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MODIFY)?;
        Ok(Self(watch))
    }

    /// The names of files that were closed by writers since the last look, and of those that were changed.
    fn seen(&self) -> Result<(Vec<String>, usize), Failure> {
        let (mut closed, mut changed) = (Vec::new(), 0);
        loop {
            match self.0.read_events() {
                Ok(events) => {
                    for event in events {
                        let name = event.name.unwrap_or_default().to_string_lossy().into_owned();
                        if event.mask.contains(AddWatchFlags::IN_CLOSE_WRITE) {
                            closed.push(name);
                        } else {
                            changed += 1;
                        }
                    }
                }
                Err(Errno::EAGAIN) => return Ok((closed, changed)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Saves a file. Before, nobody has written; by it, as often as the way does.
    pub(super) fn save(&self, (save, closes): Saving, path: &Path, text: &str) -> Result<(), Failure> {
        self.nobody()?;
        save(path, text)?;
        let mut closed = Vec::new();
        // A program that another test starts at this moment has the file too, until it is that program.
        until(Duration::from_secs(5), || {
            closed.extend(self.seen().map(|(names, _)| names).unwrap_or_default());
            closed.len() >= closes
        });
        ensure_eq!(closed.len(), closes, "writers of {}: {closed:?}", path.display());
        Ok(())
    }

    /// Nobody has written since the last look.
    pub(super) fn nobody(&self) -> Result<(), Failure> {
        ensure_eq!(self.seen()?, (Vec::new(), 0), "writers of the operator's files");
        Ok(())
    }
}
