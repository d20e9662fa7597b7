use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;
use crate::operator::fake::ScratchFolder;

/// Answers every query on the port of `from`: those to `asked` leave from `from`.
fn nameserver(asked: &str, from: &str) -> u16 {
    let replying = UdpSocket::bind(from).unwrap();
    let port = replying.local_addr().unwrap().port();
    let at = SocketAddr::new(asked.parse().unwrap(), port);
    let asking = if replying.local_addr().unwrap() == at {
        replying.try_clone().unwrap()
    } else {
        UdpSocket::bind(at).unwrap()
    };
    thread::spawn(move || {
        let mut room = [0; 512];
        while let Ok((count, client)) = asking.recv_from(&mut room) {
            room[2] |= 0x80;
            assert_ne!(client.ip(), at.ip(), "asked from the address itself");
            replying.send_to(&room[..count], client).unwrap();
        }
    });
    let streams = TcpListener::bind(at).unwrap();
    thread::spawn(move || {
        for stream in streams.incoming() {
            let (mut stream, mut question) = (stream.unwrap(), [0; 19]);
            stream.read_exact(&mut question).unwrap();
            question[4] |= 0x80;
            stream.write_all(&question).unwrap();
        }
    });
    port
}

fn run(listen: &str, json: bool) -> (CommandExit, String, String) {
    let folder = ScratchFolder::new("selftest");
    let config = folder.path().join("rhumb.yaml");
    std::fs::write(&config, format!("listen: [{listen}]")).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let target = ServerTarget { config: Some(config), socket: None };
    let exit = selftest(&target, json, &mut AnswerStreams { out: &mut out, err: &mut err });
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn replies_from_the_address_asked_are_good() {
    for asked in ["127.0.0.1", "127.0.0.7"] {
        let port = nameserver(asked, &format!("{asked}:0"));
        let listen = format!("{{ address: {asked}, port: {port} }}");
        let (exit, out, err) = run(&listen, false);
        let at = format!("{asked}:{port}");
        let width = at.len().max(7);
        let expected = format!(
            "{:width$}  TRANSPORT  {:width$}  OK\n{at:width$}  udp        {at:width$}  yes\n\
             {at:width$}  tcp        {at:width$}  yes\n",
            "ADDRESS", "REPLIED FROM"
        );
        assert_eq!((exit, out, err.as_str()), (CommandExit::Good, expected, ""));
        let (_, out, _) = run(&listen, true);
        let found: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((found[0]["ok"].as_bool(), found[1]["replied_from"].as_str()), (Some(true), Some(&*at)));
    }
}

#[test]
fn a_reply_from_another_address_is_found_out() {
    let port = nameserver("127.0.0.8", "127.0.0.9:0");
    let (exit, out, err) = run(&format!("{{ address: 127.0.0.8, port: {port} }}"), false);
    assert_eq!((exit, err.as_str()), (CommandExit::Failed, "1 of 2 not answered from the address asked\n"));
    let udp = format!("127.0.0.8:{port}  udp        127.0.0.9:{port}  no\n");
    assert!(out.contains(&udp), "{out}");
}

#[test]
fn no_reply_is_no_good() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let listen = format!("{{ address: 0.0.0.0, port: {port} }}");
    let (exit, out, err) = run(&listen, false);
    assert_eq!(exit, CommandExit::Failed);
    assert!(out.contains("no: no reply\n") && out.contains("refused") && err.contains(" of "), "{out}{err}");
}

#[test]
fn questions_come_from_elsewhere() {
    let local: Vec<(IpAddr, u32)> =
        [("127.0.0.1", 0), ("::1", 0), ("2001:db8::1", 0), ("fe80::1", 2), ("fe80::2", 2)]
            .map(|(ip, scope)| (ip.parse().unwrap(), scope))
            .to_vec();
    for (to, first) in [
        ("127.0.0.1:53", "127.0.0.2:0"),
        ("192.0.2.1:53", "127.0.0.1:0"),
        ("[::1]:53", "[2001:db8::1]:0"),
        ("[2001:db8::1]:53", "[::1]:0"),
        ("[fe80::1%2]:53", "[fe80::2%2]:0"),
    ] {
        let to: SocketAddr = to.parse().unwrap();
        let from = sources(to, &local);
        assert_eq!(from[0].to_string(), first, "{to}");
        assert!(from.iter().all(|own| own.ip() != to.ip()), "{from:?}");
        assert!(from.last().unwrap().ip().is_unspecified());
    }
}
