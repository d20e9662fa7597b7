use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use super::*;
use crate::operator::fake::ScratchFolder;

fn bits(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn it_has_the_mode_asked_for() {
    let folder = ScratchFolder::new("bind");
    for mode in [0o600, 0o660, 0o666, 0o777, 0o000] {
        let path = folder.path().join("s");
        let listener = bind(&path, mode).unwrap();
        assert_eq!(bits(&path), mode);
        assert_eq!(listener.path(), path);
        let other = (mode & 0o077 != 0).then_some(ControlAccess::Full);
        assert_eq!(listener.access(geteuid().as_raw() + 1000), other);
        assert_eq!(listener.access(0), Some(ControlAccess::Full));
        assert_eq!(listener.access(geteuid().as_raw()), Some(ControlAccess::Full));
        drop(listener);
        assert!(!path.exists());
    }
}

#[test]
fn a_group_may_be_let_in_to_look() {
    let folder = ScratchFolder::new("bind");
    let path = folder.path().join("s");
    let mut listener = bind(&path, 0o600).unwrap();
    // One's own group can always be given.
    listener.admit_readers(nix::unistd::getegid().as_raw()).unwrap();
    assert_eq!(bits(&path), 0o660);
    assert_eq!(listener.access(geteuid().as_raw() + 1000), Some(ControlAccess::Read));
    assert_eq!(listener.access(geteuid().as_raw()), Some(ControlAccess::Full));
}

#[test]
fn nobody_connects_before_it_has_its_mode() {
    let folder = ScratchFolder::new("bind");
    let path = folder.path().join("s");
    let socket = stream_socket().unwrap();
    socket::bind(socket.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    assert_eq!(connect(&path).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let listener = listen(socket, &path, 0o600).unwrap();
    assert!(connect(&path).is_ok());
    drop(listener);
}

#[test]
fn the_dead_are_replaced_and_the_living_are_not() {
    let folder = ScratchFolder::new("bind");
    let path = folder.path().join("s");
    // Dropping std's listener leaves its file, as a killed server does.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let living = bind(&path, 0o600).unwrap();
    let error = bind(&path, 0o600).unwrap_err();
    assert!(
        matches!(error, ControlBindError::ServerState { pid: Some(pid), .. } if pid == std::process::id().cast_signed())
    );
    let text = error.to_string();
    assert!(
        text.contains("s: a running server has it (process ") && text.contains("control.socket"),
        "{text}"
    );
    assert!(connect(&path).is_ok(), "it was left alone");
    drop(living);
}

#[test]
fn a_full_backlog_is_alive() {
    let folder = ScratchFolder::new("bind");
    let path = folder.path().join("s");
    let _living = bind(&path, 0o600).unwrap();
    let mut held = Vec::new();
    let error = loop {
        match connect(&path) {
            Ok(stream) => held.push(stream),
            Err(error) => break error,
        }
        assert!(held.len() < 1000);
    };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert!(matches!(bind(&path, 0o600), Err(ControlBindError::ServerState { pid: None, .. })));
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = ScratchFolder::new("bind");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "mine").unwrap();
    fs::create_dir(at("folder")).unwrap();
    std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
    std::os::unix::fs::symlink(at("none"), at("dangling")).unwrap();
    let _datagrams = UnixDatagram::bind(at("datagrams")).unwrap();
    for (name, kind) in [
        ("file", "a file"),
        ("folder", "a folder"),
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("datagrams", "a socket of another kind"),
    ] {
        let text = bind(&at(name), 0o600).unwrap_err().to_string();
        assert!(text.contains(&format!("{name}: {kind} is there")), "{text}");
    }
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "mine");
    let text = bind(&at("none").join("s"), 0o600).unwrap_err().to_string();
    assert!(text.contains("No such file"), "{text}");
    assert!(bind(&at(&"x".repeat(120)), 0o600).is_err());
}

#[test]
fn only_its_own_file_goes_with_it() {
    let folder = ScratchFolder::new("bind");
    let path = folder.path().join("s");
    let first = bind(&path, 0o600).unwrap();
    fs::rename(&path, folder.path().join("moved")).unwrap();
    let second = bind(&path, 0o600).unwrap();
    drop(first);
    assert!(path.exists(), "it is the second's");
    drop(second);
    assert!(!path.exists());
}

#[test]
fn of_many_that_start_at_once_one_wins() {
    let folder = ScratchFolder::new("bind");
    let path = Arc::new(folder.path().join("s"));
    for _ in 0..20 {
        drop(UnixListener::bind(&*path).unwrap());
        let started: Vec<_> = (0..4)
            .map(|_| {
                let path = Arc::clone(&path);
                std::thread::spawn(move || bind(&path, 0o600))
            })
            .collect();
        let results: Vec<_> = started.into_iter().map(|one| one.join().unwrap()).collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        assert!(connect(&path).is_ok());
        let lost = results
            .iter()
            .filter(|result| matches!(result, Err(ControlBindError::ServerState { .. })))
            .count();
        assert_eq!(lost, 3, "{results:?}");
    }
}

#[test]
fn it_can_be_given_away() {
    if !geteuid().is_root() {
        println!("skipped: only root gives files away");
        return;
    }
    let folder = ScratchFolder::new("bind");
    let path = folder.path().join("s");
    let mut listener = bind(&path, 0o600).unwrap();
    listener.give_to(65_534, 65_533).unwrap();
    let owner = |path: &Path| fs::metadata(path).map(|file| (file.uid(), file.gid())).unwrap();
    assert_eq!(owner(&path), (65_534, 65_533));
    assert_eq!(owner(folder.path()).0, 0, "it was there before");
    listener.owns_folder();
    listener.give_to(65_534, 65_533).unwrap();
    assert_eq!(owner(folder.path()), (65_534, 65_533));
}
