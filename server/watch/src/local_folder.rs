//! Where inotify misses nothing, so that what it did not speak of need not be looked at.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC,
    XFS_SUPER_MAGIC, statfs,
};

/// File systems that are changed through this kernel alone (ext2 and ext3 have the number of ext4).
const LOCAL: [FsType; 6] = [
    EXT4_SUPER_MAGIC,
    XFS_SUPER_MAGIC,
    BTRFS_SUPER_MAGIC,
    F2FS_SUPER_MAGIC,
    TMPFS_MAGIC,
    OVERLAYFS_SUPER_MAGIC,
];

/// Whether every change in the folder at `path`, which passes no symlink, goes through this folder and this kernel: it lies
/// on a local file system, and nothing is mounted within it. What is mounted over a file changes elsewhere, and no event comes.
pub(super) fn is_local(path: &Path) -> bool {
    let local = statfs(path).is_ok_and(|found| LOCAL.contains(&found.filesystem_type()));
    local && fs::read("/proc/self/mountinfo").is_ok_and(|mounts| !any_beneath(&mounts, path))
}

/// Whether one of the mounts that `proc_pid_mountinfo(5)` lists lies beneath `path`.
fn any_beneath(mounts: &[u8], path: &Path) -> bool {
    let mut folder = escaped(path);
    if !folder.ends_with(b"/") {
        folder.push(b'/');
    }
    mounts
        .split(|&byte| byte == b'\n')
        .filter_map(|line| line.split(|&byte| byte == b' ').nth(4))
        .any(|point| point.len() > folder.len() && point.starts_with(&folder))
}

/// A path as mountinfo writes it: space, tab, newline and backslash by their octal numbers.
fn escaped(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => text.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            _ => text.push(byte),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_beneath_a_folder_are_found() {
        let mounts = b"21 28 0:19 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n\
            30 28 8:1 /x /zones\\040old/a.zone rw - ext4 /dev/sda1 rw\n\
            31 28 8:1 / /var/zones rw - ext4 /dev/sda1 rw\n";
        let beneath = |path: &str| any_beneath(mounts, Path::new(path));
        assert!(beneath("/zones old") && beneath("/var") && beneath("/"));
        assert!(!beneath("/var/zones") && !beneath("/zones") && !beneath("/va") && !beneath("/proc"));
    }

    #[test]
    fn the_folders_of_the_kernel_are_not_local() {
        assert!(!is_local(Path::new("/proc")) && !is_local(Path::new("/no such folder")));
    }
}
