//! One file bound into a container, replaced on the host.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Mechanism, TestFolder, WatchEvent, file, next, replace, within, write};

/// Set in the process that runs in a mount namespace of its own.
const INSIDE: &str = "RHUMB_TEST_MOUNT_NAMESPACE";

#[test]
fn a_stale_mount_of_one_file_is_reported_once() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: a mount namespace needs root and the program unshare");
        return;
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let output = Command::new("unshare")
        .arg("--mount")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::a_stale_mount_of_one_file_is_reported_once"), "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let passed = output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(passed, "in the mount namespace: {}", String::from_utf8_lossy(&output.stdout));
}

fn mount(arguments: &[&Path]) {
    assert!(Command::new("mount").arg("--bind").args(arguments).status().unwrap().success());
}

fn inside() {
    for way in Mechanism::BOTH {
        let folder = TestFolder::new();
        let (host, mounted) = (folder.0.join("host"), folder.0.join("mounted"));
        write(&host, "nameserver 192.0.2.1\n");
        write(&mounted, "");
        mount(&[&host, &mounted]);
        let (watch, mut events) = match way {
            // No event comes: it is for the regular comparison to find.
            Mechanism::Inotify => super::start(Duration::from_millis(100), true),
            Mechanism::Comparing => way.start(),
        };
        watch.follow(&file(&mounted));
        write(&host, "nameserver 192.0.2.2\n");
        let changed = next(&mut events);
        assert_eq!(
            changed,
            Some(WatchEvent::FileChanged(mounted.clone())),
            "{way:?}: written in place on the host"
        );

        replace(&host, "nameserver 192.0.2.3\n");
        match next(&mut events) {
            Some(WatchEvent::Stale { path, reason }) => {
                assert_eq!(path, mounted);
                assert!(reason.contains("mount its folder"), "{reason}");
            }
            other => panic!("{way:?}: {other:?} instead of a warning"),
        }
        assert_eq!(within(&mut events, Duration::from_millis(400)), None, "{way:?}: reported again");
        assert!(Command::new("umount").arg(&mounted).status().unwrap().success());
        let changed = next(&mut events);
        assert_eq!(changed, Some(WatchEvent::FileChanged(mounted.clone())), "{way:?}: unmounted");
    }
}
