//! Finding the server, and what becomes of it where there is none.

use std::os::unix::net::UnixListener;
use std::time::Instant;

use super::*;

#[test]
fn without_a_server() {
    let folder = ScratchFolder::new("client");
    let path = folder.path().join("s");
    let target = ServerTarget { config: None, socket: Some(path.clone()) };
    let told = |text: &str| {
        let (exit, out, err) = run("status", &target, false);
        assert_eq!((exit, out.as_str()), (CommandExit::Failed, ""));
        assert!(err.contains(text), "{err}");
    };
    told(&format!("  {}: is not there", path.display()));
    std::fs::write(&path, "").unwrap();
    told("its server is gone");
    std::fs::remove_file(&path).unwrap();
    drop(UnixListener::bind(&path).unwrap());
    told("its server is gone");
}

#[test]
fn servers_that_are_none() {
    let folder = ScratchFolder::new("client");
    for (index, (said, told)) in [
        ("", "no answer from the server"),
        ("220 mail.example ESMTP\r\n\r\n", "not a response in HTTP"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", "no answer from the server"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "is not understood"),
        ("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", "HTTP status 500"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(index.to_string());
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || {
            use std::io::Read as _;
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(said.as_bytes()).unwrap();
        });
        let (exit, _, err) = run("status", &ServerTarget { config: None, socket: Some(path) }, false);
        server.join().unwrap();
        assert_eq!(exit, CommandExit::Failed, "{said}");
        assert!(err.contains(told), "{said}: {err}");
    }
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let folder = ScratchFolder::new("client");
    let path = folder.path().join("s");
    let _hung = UnixListener::bind(&path).unwrap();
    let target = ServerTarget { config: None, socket: Some(path) };
    let channel = target::channel(&target).unwrap();
    let begun = Instant::now();
    let within = Duration::from_millis(300);
    let error = channel.ask("GET", "/status", b"", within).unwrap_err();
    assert_eq!(error.lines(&channel, within), ["the server did not answer within 0.3 s"]);
    assert!(begun.elapsed() < within * 3);
}

#[test]
fn the_configuration_says_where() {
    let server = FakeServer::start(FakeOutcome::Fail);
    let file = server.folder.path().join("rhumb.yaml");
    let target = ServerTarget { config: Some(file.clone()), socket: None };
    // The rest of it is wrong: that is for the server to tell.
    std::fs::write(&file, "control: { socket: control.sock }\nworkers: none\n").unwrap();
    let (exit, _, err) = run("reload", &target, false);
    assert_eq!((exit, server.fake.calls()), (CommandExit::Failed, vec!["/reload".to_owned()]), "{err}");
    // Where nobody answers, that may be why.
    std::fs::write(&file, "control: { socket: other.sock }\nworkers: none\n").unwrap();
    let (exit, _, err) = run("reload", &target, false);
    assert_eq!((exit, err.lines().count()), (CommandExit::Wrong, 1), "{err}");
    std::fs::write(&file, "control: { sockets: control.sock }\nworkers: none\n").unwrap();
    let (exit, out, err) = run("reload", &target, false);
    assert_eq!((exit, out.as_str(), err.lines().count()), (CommandExit::Wrong, "", 2), "{err}");
    assert!(err.contains("rhumb.yaml:2:10: workers: "), "{err}");
    assert_eq!(server.fake.calls(), [""; 0]);
}
