//! The ways that files change: the table of section 3 of the design, and more.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{point, replace, write};

/// A way to change a file: what is there first, and the change, done as number 1, 2 and 3.
pub(super) struct ChangeCase {
    pub(super) name: &'static str,
    /// Makes what is there at first and gives the path to follow.
    pub(super) before: fn(&Path) -> PathBuf,
    pub(super) change: fn(&Path, u32),
    /// Whether the change is one step, so that it has to be reported exactly once.
    pub(super) atomic: bool,
}

pub(super) fn plain(folder: &Path) -> PathBuf {
    write(&folder.join("list"), "0");
    folder.join("list")
}

fn linked(folder: &Path) -> PathBuf {
    for number in 0..4 {
        fs::create_dir(folder.join(number.to_string())).unwrap();
        write(&folder.join(format!("{number}/list")), &number.to_string());
    }
    point(&folder.join("list"), "0/list");
    folder.join("list")
}

fn map(folder: &Path) -> PathBuf {
    fs::create_dir(folder.join("..0")).unwrap();
    write(&folder.join("..0/list"), "0");
    symlink("..0", folder.join("..data")).unwrap();
    symlink("..data/list", folder.join("list")).unwrap();
    folder.join("list")
}

fn flip(folder: &Path, number: u32) {
    let new = format!("..{number}");
    fs::create_dir(folder.join(&new)).unwrap();
    write(&folder.join(&new).join("list"), &number.to_string());
    point(&folder.join("..data"), &new);
    fs::remove_dir_all(folder.join(format!("..{}", number - 1))).unwrap();
}

pub(super) fn nested(folder: &Path) -> PathBuf {
    fs::create_dir_all(folder.join("a/b/c")).unwrap();
    write(&folder.join("a/b/c/list"), "0");
    folder.join("a/b/c/list")
}

/// `list` leads to `one`, `one` to `two` in another folder, `two` to the file `0/list`.
fn three_links(folder: &Path) -> PathBuf {
    linked(folder);
    for other in ["first", "second"] {
        fs::create_dir(folder.join(other)).unwrap();
    }
    for number in 0..4 {
        symlink(format!("../{number}/list"), folder.join(format!("second/{number}"))).unwrap();
    }
    symlink("../second/0", folder.join("first/link")).unwrap();
    point(&folder.join("list"), folder.join("first/link"));
    folder.join("list")
}

pub(super) const CASES: &[ChangeCase] = &[
    ChangeCase {
        name: "written in place, same size",
        before: plain,
        change: |folder, number| write(&folder.join("list"), &number.to_string()),
        atomic: false,
    },
    ChangeCase {
        name: "renamed over",
        before: plain,
        change: |folder, number| replace(&folder.join("list"), &number.to_string()),
        atomic: true,
    },
    ChangeCase {
        name: "removed and made anew",
        before: plain,
        change: |folder, number| {
            fs::remove_file(folder.join("list")).unwrap();
            write(&folder.join("list"), &number.to_string());
        },
        atomic: false,
    },
    ChangeCase {
        name: "symlink re-pointed",
        before: linked,
        change: |folder, number| point(&folder.join("list"), format!("{number}/list")),
        atomic: true,
    },
    ChangeCase {
        name: "symlink removed and made anew",
        before: linked,
        change: |folder, number| {
            fs::remove_file(folder.join("list")).unwrap();
            symlink(folder.join(format!("{number}/list")), folder.join("list")).unwrap();
        },
        atomic: false,
    },
    ChangeCase {
        name: "target of the symlink renamed over",
        before: linked,
        change: |folder, number| replace(&folder.join("0/list"), &number.to_string()),
        atomic: true,
    },
    ChangeCase {
        name: "re-pointed, then the new target renamed over",
        before: linked,
        change: |folder, number| match number {
            1 => point(&folder.join("list"), "1/list"),
            _ => replace(&folder.join("1/list"), &number.to_string()),
        },
        atomic: true,
    },
    ChangeCase { name: "ConfigMap flip", before: map, change: flip, atomic: true },
    ChangeCase {
        name: "three symlinks, the middle one re-pointed",
        before: three_links,
        change: |folder, number| point(&folder.join("first/link"), format!("../second/{number}")),
        atomic: true,
    },
    ChangeCase {
        name: "folder replaced",
        before: nested,
        change: |folder, number| {
            fs::create_dir_all(folder.join("new/c")).unwrap();
            write(&folder.join("new/c/list"), &number.to_string());
            fs::rename(folder.join("a/b"), folder.join(format!("old{number}"))).unwrap();
            fs::rename(folder.join("new"), folder.join("a/b")).unwrap();
        },
        atomic: false,
    },
    ChangeCase {
        name: "folder replaced, then the file in the new one written in place",
        before: nested,
        change: |folder, number| {
            if number == 1 {
                fs::create_dir_all(folder.join("new")).unwrap();
                write(&folder.join("new/list"), "1");
                fs::rename(folder.join("a/b/c"), folder.join("old")).unwrap();
                fs::rename(folder.join("new"), folder.join("a/b/c")).unwrap();
            } else {
                write(&folder.join("a/b/c/list"), &number.to_string());
            }
        },
        atomic: false,
    },
    ChangeCase {
        name: "ConfigMap flip, then written in place",
        before: map,
        change: |folder, number| match number {
            1 => flip(folder, 1),
            _ => write(&folder.join("..1/list"), &number.to_string()),
        },
        atomic: false,
    },
    ChangeCase {
        name: "folders deleted and made anew",
        before: nested,
        change: |folder, number| {
            fs::remove_dir_all(folder.join("a")).unwrap();
            fs::create_dir_all(folder.join("a/b/c")).unwrap();
            write(&folder.join("a/b/c/list"), &number.to_string());
        },
        atomic: false,
    },
    ChangeCase {
        name: "removed, and back",
        before: plain,
        change: |folder, number| match number {
            2 => write(&folder.join("list"), "0"),
            _ => fs::remove_file(folder.join("list")).unwrap(),
        },
        atomic: false,
    },
    ChangeCase {
        name: "folder removed, and back",
        before: nested,
        change: |folder, number| match number {
            2 => drop((fs::create_dir_all(folder.join("a/b/c")), write(&folder.join("a/b/c/list"), "0"))),
            _ => fs::remove_dir_all(folder.join("a")).unwrap(),
        },
        atomic: false,
    },
    ChangeCase {
        name: "a loop of symlinks, and out of it",
        before: linked,
        change: |folder, number| {
            point(&folder.join("other"), "list");
            point(&folder.join("list"), if number == 2 { "2/list" } else { "other" });
        },
        atomic: false,
    },
    ChangeCase {
        name: "a folder in its place, and back",
        before: plain,
        change: |folder, number| match number {
            2 => drop((fs::remove_dir(folder.join("list")), write(&folder.join("list"), "0"))),
            _ => drop((fs::remove_file(folder.join("list")), fs::create_dir(folder.join("list")))),
        },
        atomic: false,
    },
    ChangeCase {
        name: "written with its old time and size",
        before: plain,
        change: |folder, number| {
            let file = File::options().write(true).open(folder.join("list")).unwrap();
            let time = file.metadata().unwrap().modified().unwrap();
            std::os::unix::fs::FileExt::write_at(&file, number.to_string().as_bytes(), 0).unwrap();
            file.set_modified(time).unwrap();
        },
        atomic: false,
    },
    ChangeCase {
        name: "touched",
        before: plain,
        change: |folder, number| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(number));
            File::options().write(true).open(folder.join("list")).unwrap().set_modified(time).unwrap();
        },
        atomic: true,
    },
];
