use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;

use super::*;
use crate::operator::fake::{FakeOutcome, FakeServer, ScratchFolder};

fn check(target: &ServerTarget) -> (CommandExit, String, Duration) {
    let (mut out, mut err, begun) = (Vec::new(), Vec::new(), Instant::now());
    let exit = healthcheck(target, &mut AnswerStreams { out: &mut out, err: &mut err });
    assert_eq!(out, b"");
    (exit, String::from_utf8(err).unwrap(), begun.elapsed())
}

fn configured(folder: &ScratchFolder, listen: &str) -> ServerTarget {
    let file: PathBuf = folder.path().join("rhumb.yaml");
    std::fs::write(&file, format!("control: {{ socket: none.sock }}\nlisten: [{listen}]\n")).unwrap();
    ServerTarget { config: Some(file), socket: None }
}

/// An answer made from a question.
type Answer = fn(&[u8]) -> Vec<u8>;

/// Answers the first datagram with those, made from the question's bytes.
fn answering(at: &str, answers: Vec<Answer>) -> u16 {
    let socket = UdpSocket::bind(at).unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut room = [0; 512];
        let (count, from) = socket.recv_from(&mut room).unwrap();
        for answer in answers {
            socket.send_to(&answer(&room[..count]), from).unwrap();
        }
    });
    port
}

fn refused(question: &[u8]) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] |= 0x80;
    answer[3] |= 5;
    answer
}

#[test]
fn the_server_says_so_itself() {
    let good = FakeServer::start(FakeOutcome::Succeed);
    let at = |server: &FakeServer| ServerTarget { config: None, socket: Some(server.path.clone()) };
    assert_eq!((check(&at(&good)).0, good.fake.calls()), (CommandExit::Good, vec!["/healthy".to_owned()]));
    let failing = FakeServer::start(FakeOutcome::Fail);
    let (exit, err, _) = check(&at(&failing));
    assert_eq!((exit, err.as_str()), (CommandExit::Failed, "reload: no progress for 31 s\n"));
    let none = ServerTarget { config: None, socket: Some(good.folder.path().join("none")) };
    assert!(matches!(check(&none), (CommandExit::Failed, err, _) if err.contains("is not there")));
}

#[test]
fn a_server_that_hangs_is_not_healthy() {
    let folder = ScratchFolder::new("health");
    let path = folder.path().join("s");
    let _hung = UnixListener::bind(&path).unwrap();
    let (exit, err, took) = check(&ServerTarget { config: None, socket: Some(path) });
    assert_eq!((exit, err.as_str()), (CommandExit::Failed, "the server did not answer within 1.8 s\n"));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn any_response_to_a_query_counts() {
    let folder = ScratchFolder::new("health");
    for (bound, address) in [("127.0.0.1:0", "127.0.0.1"), ("127.0.0.1:0", "0.0.0.0"), ("127.0.0.1:0", "::")]
    {
        let port = answering(bound, vec![refused]);
        let target = configured(&folder, &format!("{{ address: '{address}', port: {port} }}"));
        assert_eq!((check(&target).0, address), (CommandExit::Good, address));
    }
    // What does not belong to the question does not count.
    let port = answering(
        "127.0.0.1:0",
        vec![|question| question.to_vec(), |_| vec![0; 17], |_| Vec::new(), refused],
    );
    let target = configured(&folder, &format!("{{ address: 127.0.0.1, port: {port} }}"));
    assert_eq!(check(&target).0, CommandExit::Good);
}

#[test]
fn a_listener_without_udp_is_asked_by_tcp() {
    let folder = ScratchFolder::new("health");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut question = [0; 19];
        stream.read_exact(&mut question).unwrap();
        question[4] |= 0x80;
        stream.write_all(&question).unwrap();
    });
    let target = configured(&folder, &format!("{{ address: '::', port: {port}, transports: [tcp] }}"));
    assert_eq!(check(&target).0, CommandExit::Good);
    server.join().unwrap();
}

#[test]
fn silence_is_not_healthy() {
    let folder = ScratchFolder::new("health");
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let target = configured(&folder, &format!("{{ address: 127.0.0.1, port: {port} }}"));
    let (exit, err, took) = check(&target);
    assert_eq!(exit, CommandExit::Failed);
    assert!(err.contains(&format!("nor to a DNS query on 127.0.0.1:{port}")), "{err}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    drop(silent);
    let (exit, _, took) = check(&target);
    assert_eq!(exit, CommandExit::Failed);
    assert!(took < Duration::from_millis(500), "nothing listens, and that is said at once: {took:?}");
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let folder = ScratchFolder::new("health");
    let target = ServerTarget { config: Some(folder.path().join("none.yaml")), socket: None };
    assert!(matches!(check(&target), (CommandExit::Wrong, err, _) if err.contains("none.yaml:1:1: ")));
}
