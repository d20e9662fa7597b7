//! The walls from inside, in a process of its own.

use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::{SandboxError, SandboxForce, enter, enter_here, folder_of};
use crate::boot::privilege::tests::{again, role, root, status, succeeded};

/// Two folders that anyone may write to, removed at the end: in one the sandbox allows it.
struct Folders(PathBuf);

impl Folders {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rhumb-sandbox-{}-{name}", std::process::id()));
        for folder in ["inside", "outside"] {
            fs::create_dir_all(path.join(folder)).unwrap();
            fs::set_permissions(path.join(folder), fs::Permissions::from_mode(0o777)).unwrap();
        }
        fs::write(path.join("outside/file"), "to be read").unwrap();
        fs::set_permissions(path.join("outside/file"), fs::Permissions::from_mode(0o666)).unwrap();
        Self(path)
    }

    fn inside(&self, name: &str) -> PathBuf {
        self.0.join("inside").join(name)
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.0.join("outside").join(name)
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn check_status() {
    assert_eq!(status("Seccomp"), "2");
    assert_eq!(status("NoNewPrivs"), "1");
}

fn check_processes() {
    let error = Command::new("/bin/true").status().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "a new process: {error}");
    // Were it allowed, this process would end here with a bad status.
    let program = CString::new("/bin/false").unwrap();
    assert_eq!(nix::unistd::execv(&program, &[&program]).unwrap_err(), Errno::EPERM);
}

fn check_sockets() {
    for family in [AddressFamily::Alg, AddressFamily::Packet, AddressFamily::Vsock] {
        let made = socket(family, SockType::Datagram, SockFlag::empty(), None);
        assert_eq!(made.unwrap_err(), Errno::EPERM, "{family:?}");
    }
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::empty(), None);
    assert!(netlink.is_ok(), "the routing table");
    UdpSocket::bind("127.0.0.1:0").unwrap();
    TcpListener::bind("127.0.0.1:0").unwrap();
    UdpSocket::bind("[::1]:0").unwrap();
}

fn check_files(folders: &Folders, landlock: &SandboxForce) {
    fs::write(folders.inside("file"), "1").unwrap();
    drop(UnixListener::bind(folders.inside("socket")).unwrap());
    fs::remove_file(folders.inside("socket")).unwrap();
    assert_eq!(fs::read_to_string(folders.outside("file")).unwrap(), "to be read");
    if let SandboxForce::None(why) = landlock {
        eprintln!("skipped: writing outside, {why}");
        return;
    }
    let denied = |result: std::io::Result<()>, what: &str| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied, "{what}");
    };
    denied(fs::write(folders.outside("new"), "1"), "a new file");
    denied(fs::write(folders.outside("file"), "1"), "an old file");
    denied(fs::remove_file(folders.outside("file")), "removing");
    denied(fs::create_dir(folders.outside("folder")), "a folder");
    denied(UnixListener::bind(folders.outside("socket")).map(drop), "a socket");
}

#[test]
fn an_unprivileged_server_in_its_sandbox() {
    let Some(path) = role() else {
        let folders = Folders::new("server");
        let path = folders.0.to_str().unwrap();
        return succeeded(&again(module_path!(), "an_unprivileged_server_in_its_sandbox", path));
    };
    // Removed by the process outside: this one will not be able to.
    let folders = std::mem::ManuallyDrop::new(Folders(path.into()));
    if root() {
        crate::boot::privilege::tests::become_somebody(None);
        assert_eq!(status("CapEff"), "0000000000000400");
        assert_eq!(status("Uid"), "65534 65534 65534 65534");
    }
    let sandbox = enter_here(&[folders.0.join("inside")]).unwrap();
    assert_eq!(sandbox.seccomp, SandboxForce::Full, "{sandbox}");
    let everything = || {
        check_status();
        check_processes();
        check_sockets();
        check_files(&folders, &sandbox.landlock);
    };
    everything();
    std::thread::scope(|scope| scope.spawn(everything).join().unwrap());
}

/// As root the same calls would be allowed: it is the filter that refuses.
#[test]
fn root_is_held_too() {
    if role().is_none() {
        if root() {
            succeeded(&again(module_path!(), "root_is_held_too", "inside"));
        }
        return;
    }
    let (ready, entered) = std::sync::mpsc::channel();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let earlier = std::thread::spawn(move || {
        ready.send(nix::unistd::chroot("/")).unwrap();
        gone.recv().unwrap_err();
        (status("Seccomp"), nix::unistd::chroot("/"))
    });
    assert_eq!(entered.recv().unwrap(), Ok(()), "before");
    enter_here(&[]).unwrap();
    assert_eq!(nix::unistd::chroot("/"), Err(Errno::EPERM));
    assert_eq!(nix::unistd::setgroups(&[]), Err(Errno::EPERM));
    let nobody = nix::unistd::Uid::from_raw(65534);
    assert_eq!(nix::unistd::setresuid(nobody, nobody, nobody), Err(Errno::EPERM));
    drop(go);
    assert_eq!(earlier.join().unwrap(), ("2".into(), Err(Errno::EPERM)), "a thread that ran before");
}

#[test]
fn threads_and_missing_folders_are_errors() {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || ended.recv());
    assert!(matches!(enter(&[]), Err(SandboxError::Threads(2..))));
    drop(end);
    assert!(other.join().unwrap().is_err());
    let missing = enter_here(&["/nonexistent/folder".into()]).unwrap_err();
    assert!(missing.to_string().starts_with("/nonexistent/folder: "), "{missing}");
}

#[test]
fn the_folder_of_a_socket() {
    for (socket, folder) in [("/run/rhumb/control.sock", "/run/rhumb"), ("control.sock", "."), ("a/b", "a")] {
        assert_eq!(folder_of(Path::new(socket)), Path::new(folder));
    }
}
