//! Who we are afterwards, seen through /proc in a process of its own.

use std::net::UdpSocket;
use std::process::{Command, Output};

use caps::{CapSet, Capability, CapsHashSet};
use nix::unistd::{Gid, Uid, geteuid, getgroups, setgroups, setresgid, setresuid};

use super::account::{AccountError, find_in};
use super::{PrivilegeError, RemainingPrivileges, give_up, give_up_here, successor};

/// Set in the process that gives up its privileges: what it is to do.
const ROLE: &str = "RHUMB_TEST_ROLE";
/// Only `CAP_NET_BIND_SERVICE`, number 10, as in /proc.
const BIND_ONLY: &str = "0000000000000400";

/// What this process is to do, if it was started by [`again`].
pub(in crate::boot) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Runs one test of this binary in a process of its own, with a role.
pub(in crate::boot) fn again(module: &str, test: &str, role: &str) -> Output {
    let (_, module) = module.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("{module}::{test}"), "--nocapture"]);
    command.env(ROLE, role).output().unwrap()
}

pub(in crate::boot) fn succeeded(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}

/// A line of the calling thread's /proc status.
pub(in crate::boot) fn status(key: &str) -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(in crate::boot) fn root() -> bool {
    let root = geteuid().is_root();
    if !root {
        eprintln!("skipped: needs root");
    }
    root
}

fn check_unprivileged(uid: u32, gid: u32) {
    for place in ["this thread", "a later thread"] {
        let check = move || {
            assert_eq!(status("Uid"), [uid.to_string().as_str(); 4].join(" "), "{place}");
            assert_eq!(status("Gid"), [gid.to_string().as_str(); 4].join(" "), "{place}");
            for set in ["CapPrm", "CapEff", "CapBnd"] {
                assert_eq!(status(set), BIND_ONLY, "{set} of {place}");
            }
            for set in ["CapInh", "CapAmb"] {
                assert_eq!(status(set), "0000000000000000", "{set} of {place}");
            }
            assert_eq!(status("NoNewPrivs"), "1", "{place}");
        };
        std::thread::spawn(check).join().unwrap();
        check();
    }
    assert!(!nix::sys::prctl::get_dumpable().unwrap());
    let bound = (600..1000).map(|port| UdpSocket::bind(("127.0.0.1", port)));
    let refused = bound.take_while(Result::is_err).map(Result::unwrap_err);
    assert!(!refused.into_iter().any(|error| error.kind() == std::io::ErrorKind::PermissionDenied));
}

pub(in crate::boot) fn become_somebody(user: Option<&str>) -> RemainingPrivileges {
    let account = successor(user).unwrap();
    give_up_here(account.as_ref(), false).unwrap()
}

#[test]
fn root_becomes_an_unprivileged_user() {
    let Some(role) = role() else {
        if root() {
            for user in ["", "12345", "12345:12346", "nobody"] {
                succeeded(&again(module_path!(), "root_becomes_an_unprivileged_user", user));
            }
        }
        return;
    };
    let left = become_somebody(Some(role.as_str()).filter(|user| !user.is_empty()));
    assert!(left.low_ports && left.bounded);
    let (uid, gid) = match role.as_str() {
        "12345" => (12345, 12345),
        "12345:12346" => (12345, 12346),
        _ => (65534, 65534),
    };
    check_unprivileged(uid, gid);
    assert_eq!(getgroups().unwrap().iter().map(|gid| gid.as_raw()).collect::<Vec<_>>(), [gid]);
    assert!(left.to_string().contains(&format!("uid {uid} gid {gid}, only CAP_NET_BIND_SERVICE")));
}

fn bound(kept: &CapsHashSet) {
    for capability in caps::read(None, CapSet::Bounding).unwrap().difference(kept) {
        caps::drop(None, CapSet::Bounding, *capability).unwrap();
    }
}

/// Makes this thread what another start than by root would make it.
fn start_as(uid: u32, capabilities: &[Capability]) {
    let kept: CapsHashSet = capabilities.iter().copied().collect();
    bound(&kept);
    nix::sys::prctl::set_keepcaps(true).unwrap();
    setgroups(&[]).unwrap();
    setresgid(Gid::from_raw(uid), Gid::from_raw(uid), Gid::from_raw(uid)).unwrap();
    setresuid(Uid::from_raw(uid), Uid::from_raw(uid), Uid::from_raw(uid)).unwrap();
    caps::set(None, CapSet::Effective, &kept).unwrap();
    caps::set(None, CapSet::Permitted, &kept).unwrap();
    caps::set(None, CapSet::Inheritable, &kept).unwrap();
    caps::set(None, CapSet::Ambient, &kept).unwrap();
}

/// As a container runtime starts it: `--user 65532:65532 --cap-drop ALL --cap-add NET_BIND_SERVICE`, and one more.
#[test]
fn a_container_user_keeps_only_what_binds_low_ports() {
    if role().is_none() {
        if root() {
            succeeded(&again(module_path!(), "a_container_user_keeps_only_what_binds_low_ports", "user"));
        }
        return;
    }
    start_as(65532, &[Capability::CAP_NET_BIND_SERVICE, Capability::CAP_CHOWN]);
    assert_eq!(status("CapAmb"), "0000000000000401", "the test's own start");
    assert_eq!(successor(Some("nobody")).unwrap(), None, "not root: stays who it is");
    let left = give_up_here(None, false).unwrap();
    assert_eq!((left.uid, left.gid, left.low_ports, left.bounded), (65532, 65532, true, false));
    for set in ["CapPrm", "CapEff"] {
        assert_eq!(status(set), BIND_ONLY, "{set}");
    }
    assert_eq!(status("CapInh"), "0000000000000000");
    assert_eq!(status("CapAmb"), "0000000000000000");
    assert_eq!(status("NoNewPrivs"), "1");
}

#[test]
fn a_user_without_capabilities_stays_without() {
    if role().is_none() {
        if root() {
            succeeded(&again(module_path!(), "a_user_without_capabilities_stays_without", "user"));
        }
        return;
    }
    start_as(65532, &[]);
    let left = become_somebody(None);
    assert!(!left.low_ports && left.bounded);
    assert_eq!(left.to_string(), "uid 65532 gid 65532, no capabilities, no new privileges");
    assert_eq!(status("CapEff"), "0000000000000000");
    assert_eq!(status("NoNewPrivs"), "1");
}

/// A container's root without the capability to become another: an error that says what to do.
#[test]
fn root_that_cannot_become_another_is_told() {
    if role().is_none() {
        if root() {
            // A program that root executes has the capabilities of the bounding set.
            let start = || {
                bound(&CapsHashSet::from([Capability::CAP_NET_BIND_SERVICE]));
                again(module_path!(), "root_that_cannot_become_another_is_told", "root")
            };
            succeeded(&std::thread::spawn(start).join().unwrap());
        }
        return;
    }
    assert_eq!(status("CapEff"), BIND_ONLY, "the test's own start");
    let account = successor(None).unwrap();
    let error = give_up_here(account.as_ref(), false).unwrap_err();
    assert!(matches!(error, PrivilegeError::Switch { call: "setgroups", .. }), "{error}");
    assert!(error.to_string().contains("--user"), "{error}");
}

#[test]
fn threads_that_run_already_are_an_error() {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || ended.recv());
    assert!(matches!(give_up(None, false), Err(PrivilegeError::Threads(2..))));
    drop(end);
    assert!(other.join().unwrap().is_err());
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbroken\n:x:7:7::/:\nshort:x:8\n\
                      rhumb:x:990:991:nameserver:/:/sbin/nologin\n1000:x:5000:5000:a name of digits:/:\n\
                      toor:x:0:0:::\nlast:x:4294967295:1:::\ntwelve:x:12:13:::";
const GROUP: &str = "root:x:0:rhumb2\nssl:x:110:bind,rhumb\nbad:x:nan:rhumb\nrhumb:x:991:\nno\nkeys:x:111: rhumb ,x\n\
                     twice:x:110:rhumb\n";

#[test]
fn accounts_are_found_as_the_files_say() {
    let found = |user| {
        find_in(user, PASSWD, GROUP).map(|account| {
            let groups: Vec<_> = account.groups.iter().map(|gid| gid.as_raw()).collect();
            (account.name, account.uid.as_raw(), groups)
        })
    };
    assert_eq!(found("rhumb").unwrap(), (Some("rhumb".into()), 990, vec![991, 110, 111]));
    assert_eq!(found("990").unwrap(), (Some("rhumb".into()), 990, vec![991, 110, 111]));
    assert_eq!(found("990:5").unwrap(), (None, 990, vec![5]));
    assert_eq!(found("12").unwrap(), (Some("twelve".into()), 12, vec![13]), "the last line has no end");
    assert_eq!(found("4242").unwrap(), (None, 4242, vec![4242]));
    assert_eq!(found("1000").unwrap(), (Some("1000".into()), 5000, vec![5000]), "a name before a number");
    assert_eq!(find_in("65532:65532", "", "").unwrap().uid.as_raw(), 65532, "no files at all");
    for unknown in
        ["", "nobody-here", "short", "broken", "rhumb:rhumb", "5:", ":5", "+5", "-1", "99999999999", "1:2:3"]
    {
        assert!(matches!(found(unknown), Err(AccountError::Unknown(_))), "{unknown:?}");
    }
    for root in ["root", "0", "0:0", "00", "toor"] {
        assert!(matches!(found(root), Err(AccountError::Root(_))), "{root:?}");
    }
    for reserved in ["last", "4294967295", "4294967295:1", "1:4294967295"] {
        assert!(matches!(found(reserved), Err(AccountError::Reserved(_))), "{reserved:?}");
    }
}
