//! The ways in which files are changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rhumb_tests::Failure;
use rhumb_tests::rig::Folder;

/// A way to change a file: how it is laid out, which path the server is given, and how the nth change is made.
pub(crate) struct Way {
    pub(crate) lay: fn(&Folder, &str) -> Result<PathBuf, Failure>,
    pub(crate) change: fn(&Folder, usize, &str) -> Result<(), Failure>,
}

/// Puts `text` over `path` by a rename, as editors and programs of care do.
pub(crate) fn rename_over(folder: &Folder, path: &str, text: &str) -> Result<(), Failure> {
    let beside = folder.write(&format!("{path}.new"), text)?;
    Ok(fs::rename(beside, folder.at(path))?)
}

/// Makes the symlink `path` lead to `target`, in one step.
fn repoint(folder: &Folder, path: &str, target: &str) -> Result<(), Failure> {
    let beside = folder.at(&format!("{path}.new"));
    symlink(target, &beside)?;
    Ok(fs::rename(beside, folder.at(path))?)
}

pub(crate) const IN_PLACE: Way = Way {
    lay: |folder, text| folder.write("resolv.conf", text),
    change: |folder, _, text| folder.write("resolv.conf", text).map(drop),
};

pub(crate) const RENAMED_OVER: Way = Way {
    lay: |folder, text| folder.write("resolv.conf", text),
    change: |folder, _, text| rename_over(folder, "resolv.conf", text),
};

pub(crate) const MADE_ANEW: Way = Way {
    lay: |folder, text| folder.write("resolv.conf", text),
    change: |folder, number, text| {
        fs::remove_file(folder.at("resolv.conf"))?;
        // At once, and then with a while in which there is no file.
        thread::sleep(Duration::from_millis(500 * (number as u64 % 2)));
        folder.write("resolv.conf", text).map(drop)
    },
};

pub(crate) const REPOINTED: Way = Way {
    lay: |folder, text| {
        folder.write("sources/0/resolv.conf", text)?;
        symlink("sources/0/resolv.conf", folder.at("resolv.conf"))?;
        Ok(folder.at("resolv.conf"))
    },
    change: |folder, number, text| {
        let target = format!("sources/{}/resolv.conf", number + 1);
        folder.write(&target, text)?;
        repoint(folder, "resolv.conf", &target)
    },
};

pub(crate) const TARGET_RENAMED: Way = Way {
    lay: |folder, text| {
        folder.write("run/stub/resolv.conf", text)?;
        symlink("run/stub", folder.at("etc"))?;
        symlink("etc/resolv.conf", folder.at("resolv.conf"))?;
        Ok(folder.at("resolv.conf"))
    },
    change: |folder, _, text| rename_over(folder, "run/stub/resolv.conf", text),
};

pub(crate) const REPOINTED_RENAMED: Way = Way {
    lay: REPOINTED.lay,
    change: |folder, number, text| {
        if number % 2 == 0 {
            return (REPOINTED.change)(folder, number, text);
        }
        rename_over(folder, &format!("sources/{number}/resolv.conf"), text)
    },
};

/// As the kubelet does it: the file leads through `..data`, which is flipped to a new folder.
pub(crate) const CONFIGMAP: Way = Way {
    lay: |folder, text| {
        folder.write("..2026_0/resolv.conf", text)?;
        symlink("..2026_0", folder.at("..data"))?;
        symlink("..data/resolv.conf", folder.at("resolv.conf"))?;
        Ok(folder.at("resolv.conf"))
    },
    change: |folder, number, text| {
        folder.write(&format!("..2026_{}/resolv.conf", number + 1), text)?;
        repoint(folder, "..data", &format!("..2026_{}", number + 1))?;
        Ok(fs::remove_dir_all(folder.at(&format!("..2026_{number}")))?)
    },
};
