use std::io::{self, Write};
use std::path::PathBuf;

use super::*;
use crate::operator::fake::{FakeOutcome, FakeServer, ScratchFolder};

mod reaching;

/// What a command line ends with, and what it writes.
pub(super) fn run(line: &str, target: &ServerTarget, json: bool) -> (CommandExit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run_to(line, target, json, &mut AnswerStreams { out: &mut out, err: &mut err });
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn run_to(line: &str, target: &ServerTarget, json: bool, streams: &mut AnswerStreams<'_>) -> CommandExit {
    let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let mut words: Vec<String> = std::iter::once("rhumb").chain(line.split(' ')).map(str::to_owned).collect();
    words.extend(target.config.iter().flat_map(|file| ["--config".to_owned(), path(file)]));
    words.extend(target.socket.iter().flat_map(|file| ["--socket".to_owned(), path(file)]));
    words.extend(json.then(|| "--json".to_owned()));
    crate::cli::run(&crate::cli::command().try_get_matches_from(words).unwrap(), streams)
}

fn at(server: &FakeServer) -> ServerTarget {
    ServerTarget { config: None, socket: Some(server.path.clone()) }
}

fn good(server: &FakeServer, line: &str) -> String {
    let (exit, out, err) = run(line, &at(server), false);
    assert_eq!((exit, err.as_str()), (CommandExit::Good, ""), "{line}: {out}");
    assert!(!out.contains('\u{1b}') && !out.contains('\u{7}'), "{out:?}");
    out
}

const QUESTION: &str = "explain www.a\\.b aaaa --from 192.0.2.1 --to ::1";

const LINES: [&str; 14] = [
    "reload",
    "diff",
    "status",
    "stats",
    "flush",
    "flush a.example --subtree",
    "zone list",
    "zone status B.example",
    "zone reload b.example",
    "upstream down 192.0.2.1",
    "upstream up tls://192.0.2.1#name.example",
    "requests",
    "cache show a.example",
    QUESTION,
];

#[test]
fn changes_have_a_line_each() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    assert_eq!(good(&server, "reload"), "zone a. loaded, serial 7\nupstream x\u{fffd}y gone\n");
    assert_eq!(good(&server, "diff"), "nothing would change\n");
    assert_eq!(server.fake.calls(), ["/reload", "/diff"]);
    let file = server.folder.path().join("new.yaml");
    let compared = ServerTarget { config: Some(file.clone()), ..at(&server) };
    let (exit, out, err) = run("diff", &compared, false);
    assert_eq!((exit, out), (CommandExit::Good, format!("cache size as in {}\n", file.display())));
    assert_eq!(
        err,
        "warning: zone b.example. is broken and keeps serial 8\n\
         warning:   a.zone:3:1: not a \u{fffd}[31mrecord at all\n"
    );
}

#[test]
fn a_strict_reload_fails() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let (exit, out, err) = run("reload --strict", &at(&server), false);
    let problem = "a.zone:3:1: not a \u{fffd}[31mrecord at all\n";
    assert_eq!((exit, out.as_str(), err.as_str()), (CommandExit::Failed, "", problem));
    assert_eq!(server.fake.calls(), ["/reload?strict=true"]);
}

#[test]
fn flushing_says_how_much() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    assert_eq!(good(&server, "flush"), "1234 entries dropped from the cache\n");
    assert_eq!(good(&server, "flush a.Example --subtree"), "1 entry dropped from the cache\n");
    assert_eq!(server.fake.calls(), ["/flush", "/flush?name=a.Example.&subtree=true"]);
}

#[test]
fn what_is_being_resolved_has_a_line_each() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let expected = "FOR      NAME           TYPE  BY\n\
                    1900 ms  slow.example.  AAAA  .\n\
                    7 ms     a.example.     AAAA  .\n\
                    and 1 more\n";
    assert_eq!(good(&server, "requests"), expected);
    let idle = FakeServer::start(FakeOutcome::Fail);
    assert_eq!(good(&idle, "requests"), "nothing is being resolved\n");
}

#[test]
fn the_status_is_readable() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let expected = "\
rhumb          1.2.3, process 42, up 1 d 1 h
configuration  /etc/rhumb.yaml
last reload    succeeded 2001-09-09 01:46:40 UTC
zones          2
load           12.3 queries/s, half within 0.25 ms
cache          1 entry, 1.5 KiB of 256 MiB, 87.5 % hits
cache file     written 2023-11-14 22:13:20 UTC, 1 entry, 1.5 KiB; 12 entries from before the start
account        rhumb
sandbox        seccomp, landlock

LISTENER  TRANSPORTS  WORKERS
[::]:53   udp, tcp    2

forward . (fastest, r.yaml:9)
UPSTREAM      STATE                   RTT     QUERIES  TIMEOUTS
192.0.2.1:53  answers                 1.2 ms  10       0
192.0.2.1:53  down: no reply in time  -       10       10
list /etc/resolv.conf: followed
list /etc/resolv.conf: its last good list is kept: is empty
";
    assert_eq!(good(&server, "status"), expected);
    let failing = FakeServer::start(FakeOutcome::Fail);
    let text = good(&failing, "status");
    for line in [
        "configuration  built-in default\n",
        "last reload    failed 2001-09-09 01:46:40 UTC\n",
        "zones          2, 2 failed\n",
        "load           7 queries\n",
        "cache          1 entry, 1.5 KiB of 256 MiB\n",
        "sandbox        none\n",
        "\nerrors of the last reload\n  r.yaml:1:2: wrong\n",
        "\nwaits for a restart\n  user: none -> rhumb\n",
        "\nwarnings\n  look here\n",
        "\nfailures\n  reload: no progress for 31 s\n",
        "\nbroken zones\n  zone b.example. is broken and keeps serial 8\n    a.zone:3:1: not a \u{fffd}[31mrecord at all\n",
        "  and 1 more\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
}

#[test]
fn counters_are_readable() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    assert_eq!(
        good(&server, "stats"),
        "queries_00000000000000000000     12\nratio                         x  0.5\n"
    );
}

#[test]
fn zones_are_readable() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let list = "\
ZONE          SERIAL  RECORDS  STATE       FILE
example.com.  7       5        current     built-in example
b.example.    8       5        outdated    b.zone
c.example.    -       5        not loaded  c.zone
";
    assert_eq!(good(&server, "zone list"), list);
    let one = "\
zone      b.example.
state     outdated
trouble   a.zone:3:1: not a \u{fffd}[31mrecord at all
role      primary
serial    8, 7 where it comes from
records   5
left out  1 record; the log has them
file      b.zone
loaded    1970-01-01 00:00:00 UTC
changed   1970-01-01 00:00:00 UTC, update by key k. 192.0.2.1
history   1 earlier version, 1.5 KiB
updates   frozen: they are refused until `rhumb zone thaw`
client    192.0.2.2, 1970-01-01 00:00:00 UTC: asked for what is newer than 6, serial 7 then
parent    CDS, 1970-01-01 00:00:00 UTC: a.zone:3:1: not a \u{fffd}[31mrecord at all (192.0.2.3:53) has acknowledged it
rule      r.yaml:7
";
    assert_eq!(good(&server, "zone status B.Example"), one);
    let all = good(&server, "zone status");
    assert!(
        all.contains(one) && all.contains("\n\nzone      c.example.\n") && all.contains("never"),
        "{all}"
    );
    let (exit, out, err) = run("zone status d.example", &at(&server), false);
    let told = (exit, out.as_str(), err.as_str());
    assert_eq!(told, (CommandExit::Failed, "", "the server has no zone d.example.\n"));
}

#[test]
fn versions_are_readable() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let history = "\
SERIAL  SINCE                    CAUSE   BY                ADDED  REMOVED
7       2001-09-09 01:46:40 UTC  file    -                 -      -
8       2001-09-09 01:46:40 UTC  update  key k. 192.0.2.1  1      2
1 difference kept, 1.5 KiB
";
    assert_eq!(good(&server, "zone history a"), history);
    let difference = "- a. 60 IN A 192.0.2.1\n+ a. 60 IN TXT \"x\"\n";
    assert_eq!(good(&server, "zone diff a 7 8"), difference);
    assert_eq!(good(&server, "zone export a"), "a. 60 IN A 192.0.2.1\nb.a. 60 IN A 192.0.2.2\n");
    assert_eq!(
        server.fake.calls(),
        ["/zones/history?name=a.", "/zones/diff?from=7&name=a.&to=8", "/zones/export?name=a."]
    );
}

#[test]
fn cached_answers_are_readable() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let expected = "\
A.example. A: NOERROR answer from 192.0.2.1:53 (for .), 1 min 5 s old, 4 min 55 s left, for queries with DO
  a.example. 295 IN A 192.0.2.9
A.example. any: SERVFAIL failure of the upstreams for ., 2 s old, stale
";
    assert_eq!(good(&server, "cache show A.example"), expected);
    assert_eq!(server.fake.calls(), ["/cache?name=A.example."]);
    assert_eq!(good(&server, "cache show nothing.example"), "nothing is cached of nothing.example.\n");
}

#[test]
fn explanations_are_readable() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let expected = "\
www.a\\.b. AAAA from 192.0.2.1 to ::1

admit  from loopback
route  forward . (r.yaml:9)

UPSTREAM      TRANSPORT  OUTCOME    TIME
192.0.2.1:53  udp        timed out  400.0 ms
192.0.2.1:53  udp        NOERROR    12.3 ms

NOERROR, flags qr ra, 412.5 ms

extended errors
  3 (Stale Answer)

answer
  www.example. 60 IN A 192.0.2.9
    from example.zone:7
  www.example. 60 IN A 192.0.2.10
";
    assert_eq!(good(&server, QUESTION), expected);
    assert_eq!(server.fake.calls(), ["/explain?from=192.0.2.1&name=www.a%5C.b.&to=%3A%3A1&type=AAAA"]);
}

#[test]
fn json_is_json() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    for line in LINES {
        let (exit, out, err) = run(line, &at(&server), true);
        assert_eq!((exit, err.as_str()), (CommandExit::Good, ""), "{line}");
        assert!(serde_json::from_str::<Value>(&out).is_ok(), "{out}");
    }
    let (_, out, _) = run("reload", &at(&server), true);
    assert!(out.starts_with("{\n  \"changes\": [\n") && out.ends_with("\"serial\": 3\n}\n"), "{out}");
    let (_, out, _) = run("zone status c.example", &at(&server), true);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["trouble"], "is missing");
}

#[test]
fn each_error_has_its_line() {
    let server = FakeServer::start(FakeOutcome::Fail);
    let (exit, out, err) = run("reload", &at(&server), false);
    let lines = "r.yaml:1:2: listen: is wrong\na.zone:3:1: not a \u{fffd}[31mrecord at all\n";
    assert_eq!((exit, out.as_str(), err.as_str()), (CommandExit::Failed, "", lines));
    let (exit, out, err) = run("reload", &at(&server), true);
    assert_eq!((exit, err.as_str()), (CommandExit::Failed, lines));
    let json = serde_json::from_str::<Value>(&out).unwrap();
    assert_eq!(json["errors"][0], "r.yaml:1:2: listen: is wrong");
    for (line, error) in
        [("diff", "it is wrong\n"), ("flush", "there is no cache\n"), (QUESTION, "not now\n")]
    {
        assert_eq!(run(line, &at(&server), false), (CommandExit::Failed, String::new(), error.to_owned()));
    }
    let broken = FakeServer::start(FakeOutcome::Panic);
    let (exit, _, err) = run("status", &at(&broken), false);
    assert_eq!((exit, err.as_str()), (CommandExit::Failed, "the server failed at it; its log says more\n"));
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
    let server = FakeServer::start(FakeOutcome::Succeed);
    for line in LINES {
        let mut err = Vec::new();
        let mut streams = AnswerStreams { out: &mut Closed, err: &mut err };
        assert_eq!((run_to(line, &at(&server), false, &mut streams), err.len()), (CommandExit::Good, 0));
    }
}
