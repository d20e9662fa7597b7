use std::net::IpAddr;

use serde_json::Value;

use super::*;
use crate::control::fake::{Folder, Mood, Server};

mod reaching;

fn run(order: &Order, target: &Target, json: bool) -> (Exit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = carry_out(order, target, json, Output { out: &mut out, err: &mut err });
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn at(server: &Server) -> Target {
    Target { config: None, socket: Some(server.path.clone()) }
}

fn good(server: &Server, order: &Order) -> String {
    let (exit, out, err) = run(order, &at(server), false);
    assert_eq!((exit, err.as_str()), (Exit::Good, ""), "{order:?}: {out}");
    assert!(!out.contains('\u{1b}') && !out.contains('\u{7}'), "{out:?}");
    out
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn question() -> Order {
    let from: Option<IpAddr> = Some("192.0.2.1".parse().unwrap());
    let to = Some("::1".parse().unwrap());
    Order::Explain(Explain { name: name("www.a\\.b"), rtype: "aaaa".parse().unwrap(), from, to })
}

fn orders() -> [Order; 9] {
    [
        Order::Reload,
        Order::Diff,
        Order::Status,
        Order::Stats,
        Order::Flush { name: None, subtree: false },
        Order::Flush { name: Some(name("a.example")), subtree: true },
        Order::ZoneList,
        Order::ZoneStatus(Some(name("B.example"))),
        question(),
    ]
}

#[test]
fn changes_are_told_one_a_line() {
    let server = Server::start(Mood::Well);
    assert_eq!(good(&server, &Order::Reload), "zone a. loaded, serial 7\nupstream x\u{fffd}y gone\n");
    assert_eq!(good(&server, &Order::Diff), "nothing would change\n");
    assert_eq!(server.fake.calls(), ["reload", "diff None"]);
    let file = server.folder.path().join("new.yaml");
    let compared = Target { config: Some(file.clone()), ..at(&server) };
    let (exit, out, _) = run(&Order::Diff, &compared, false);
    assert_eq!((exit, out), (Exit::Good, format!("cache size as in {}\n", file.display())));
}

#[test]
fn flushing_says_how_much() {
    let server = Server::start(Mood::Well);
    let all = Order::Flush { name: None, subtree: false };
    assert_eq!(good(&server, &all), "1234 entries dropped from the cache\n");
    let below = Order::Flush { name: Some(name("a.Example")), subtree: true };
    assert_eq!(good(&server, &below), "1 entry dropped from the cache\n");
    assert_eq!(server.fake.calls(), ["flush None false", "flush Some(\"a.Example.\") true"]);
}

#[test]
fn the_status_is_readable() {
    let server = Server::start(Mood::Well);
    let expected = "\
rhumb          1.2.3, process 42, up 1 d 1 h
configuration  /etc/rhumb.yaml
last reload    succeeded 2001-09-09 01:46:40 UTC
zones          2
cache          1 entry, 1.5 KiB of 256 MiB, 87.5 % hits
account        rhumb
sandbox        seccomp, landlock

LISTENER  TRANSPORTS  WORKERS
[::]:53   udp, tcp    2

forward . (fastest, r.yaml:9)
UPSTREAM      HEALTHY  RTT     QUERIES  TIMEOUTS
192.0.2.1:53  yes      1.2 ms  10       0
192.0.2.1:53  no       -       10       10
list /etc/resolv.conf: followed
list /etc/resolv.conf: its last good list is kept: is empty
";
    assert_eq!(good(&server, &Order::Status), expected);
    let failing = Server::start(Mood::Failing);
    let text = good(&failing, &Order::Status);
    for line in [
        "configuration  built-in default\n",
        "last reload    failed 2001-09-09 01:46:40 UTC\n",
        "zones          2, 1 failed\n",
        "cache          1 entry, 1.5 KiB of 256 MiB\n",
        "sandbox        none\n",
        "\nerrors of the last reload\n  r.yaml:1:2: wrong\n",
        "\nwarnings\n  look here\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
}

#[test]
fn counters_are_readable() {
    let server = Server::start(Mood::Well);
    assert_eq!(
        good(&server, &Order::Stats),
        "queries_00000000000000000000  12\nratio                         0.5\n"
    );
}

#[test]
fn zones_are_readable() {
    let server = Server::start(Mood::Well);
    let list = "\
ZONE          SERIAL  RECORDS  STATE       FILE
example.com.  7       5        current     built-in example
b.example.    8       5        outdated    b.zone
c.example.    -       5        not loaded  c.zone
";
    assert_eq!(good(&server, &Order::ZoneList), list);
    let one = "\
zone     b.example.
state    outdated
trouble  a.zone:3:1: not a \u{fffd}[31mrecord at all
serial   8
records  5
file     b.zone
loaded   1970-01-01 00:00:00 UTC
rule     r.yaml:7
";
    assert_eq!(good(&server, &Order::ZoneStatus(Some(name("B.Example")))), one);
    let all = good(&server, &Order::ZoneStatus(None));
    assert!(all.contains(one) && all.contains("\n\nzone     c.example.\n") && all.contains("never"), "{all}");
    let (exit, out, err) = run(&Order::ZoneStatus(Some(name("d.example"))), &at(&server), false);
    let told = (exit, out.as_str(), err.as_str());
    assert_eq!(told, (Exit::Failed, "", "the server has no zone d.example.\n"));
}

#[test]
fn explanations_are_readable() {
    let server = Server::start(Mood::Well);
    let expected = "\
www.a\\.b. AAAA from 192.0.2.1 to ::1

admit  from loopback
route  forward . (r.yaml:9)

UPSTREAM      TRANSPORT  OUTCOME    TIME
192.0.2.1:53  udp        timed out  400.0 ms
192.0.2.1:53  udp        NOERROR    12.3 ms

NOERROR, flags qr ra, 412500 µs

extended errors
  3 (Stale Answer)

answer
  www.example. 60 IN A 192.0.2.9
";
    assert_eq!(good(&server, &question()), expected);
    assert_eq!(server.fake.calls(), ["explain www.a\\.b. AAAA Some(192.0.2.1) Some(::1)"]);
}

#[test]
fn json_is_json() {
    let server = Server::start(Mood::Well);
    for order in orders() {
        let (exit, out, err) = run(&order, &at(&server), true);
        assert_eq!((exit, err.as_str()), (Exit::Good, ""), "{order:?}");
        assert!(serde_json::from_str::<Value>(&out).is_ok(), "{out}");
    }
    let (_, out, _) = run(&Order::Reload, &at(&server), true);
    assert!(out.starts_with("{\n  \"changes\": [\n") && out.ends_with("\"serial\": 3\n}\n"), "{out}");
    let (_, out, _) = run(&Order::ZoneStatus(Some(name("c.example"))), &at(&server), true);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["trouble"], "is missing");
}

#[test]
fn each_error_has_its_line() {
    let server = Server::start(Mood::Failing);
    let (exit, out, err) = run(&Order::Reload, &at(&server), false);
    let lines = "r.yaml:1:2: listen: is wrong\na.zone:3:1: not a \u{fffd}[31mrecord at all\n";
    assert_eq!((exit, out.as_str(), err.as_str()), (Exit::Failed, "", lines));
    let (exit, out, err) = run(&Order::Reload, &at(&server), true);
    assert_eq!((exit, err.as_str()), (Exit::Failed, lines));
    let json = serde_json::from_str::<Value>(&out).unwrap();
    assert_eq!(json["errors"][0], "r.yaml:1:2: listen: is wrong");
    for (order, line) in [
        (Order::Diff, "it is wrong\n"),
        (Order::Flush { name: None, subtree: false }, "there is no cache\n"),
        (question(), "not now\n"),
    ] {
        assert_eq!(run(&order, &at(&server), false), (Exit::Failed, String::new(), line.to_owned()));
    }
    let broken = Server::start(Mood::Broken);
    let (exit, _, err) = run(&Order::Status, &at(&broken), false);
    assert_eq!((exit, err.as_str()), (Exit::Failed, "the server failed at it; its log says more\n"));
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_may_hang_up() {
    let server = Server::start(Mood::Well);
    for order in orders() {
        let mut err = Vec::new();
        let output = Output { out: &mut Closed, err: &mut err };
        assert_eq!((carry_out(&order, &at(&server), false, output), err.len()), (Exit::Good, 0));
    }
}
