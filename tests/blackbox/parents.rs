//! What parents are told of their children (RFC 9859), from both sides; and who is told nothing any more.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::script::{Script, records, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Host, Message, Server, Upstream};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("parents::are_told_of_new_records", told),
    Test::beside("parents::are_found_as_the_standard_says", found),
    Test::beside("parents::hear_their_children", heard),
    Test::beside("parents::who_is_not_configured_any_more_is_told_nothing", removed),
];

const TO: &str = "192.0.2.1:53";
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Longer than the first message is waited for.
const QUIET: Duration = Duration::from_secs(5);
/// Opcode 4 and AA.
const NOTIFY: u16 = 4 << 11 | 0x0400;
const CDS: u16 = 59;
const CSYNC: u16 = 62;

/// Takes messages at a port of 192.0.2.2, and answers them if `answers` says so.
struct Receiver {
    seen: Arc<Mutex<Vec<Message>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    fn start(host: &Host, port: u16, answers: bool) -> Result<Self, Failure> {
        let socket = host.within(|| UdpSocket::bind(("192.0.2.2", port)))?.context("a receiver")?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let (seen, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (into, until) = (Arc::clone(&seen), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !until.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                let Ok(message) = Message::from_wire(&buffer[..length]) else { continue };
                if answers {
                    let mut reply = Message::reply_to(&message);
                    reply.flags |= NOTIFY;
                    let _ = socket.send_to(&reply.to_wire(), from);
                }
                into.lock().unwrap().push(message);
            }
        });
        Ok(Self { seen, ended, thread: Some(thread) })
    }

    /// Name and type of each message so far, in order.
    fn told(&self) -> Vec<(String, u16)> {
        self.seen.lock().unwrap().iter().map(|message| (message.name().to_owned(), message.kind())).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A DSYNC record by which the messages of a type go to a port of `target`.
fn dsync(owner: &str, kind: u16, port: u16, target: &str) -> String {
    let mut data = [&kind.to_be_bytes()[..], &[1], &port.to_be_bytes()].concat();
    for label in target.split_terminator('.') {
        data.push(label.len() as u8);
        data.extend(label.as_bytes());
    }
    data.push(0);
    let digits = data.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    format!("{owner} 60 IN TYPE66 \\# {} {digits}", data.len())
}

fn zone(serial: u32, more: &str) -> String {
    format!("$TTL 300\n@ SOA ns admin {serial} 86400 86400 864000 60\n@ NS ns\nns A 192.0.2.1\n{more}")
}

const CDS_RECORD: &str = "@ CDS 1 13 2 0707070707070707070707070707070707070707070707070707070707070707\n";

/// No client may ask for anything but the zones.
fn config(entry: &str) -> Config {
    let more = format!("recursion: {{ allow: [] }}\nzones:\n  - {entry}\n");
    Config::new().listen("::").forward_raw(".", "\"192.0.2.2\"", "in-order, dnssec: off").more(&more)
}

/// Of new CDS, CDNSKEY and CSYNC records, where the parent wants it, and of nothing else.
fn told() -> Verdict {
    for (entry, file) in [
        ("{ name: child.test, file: child.test.zone, parent-notify: true }", "child.test.zone"),
        ("{ directory: folder, parent-notify: true }", "folder/child.test.zone"),
    ] {
        told_of(entry, file)?;
    }
    Ok(Outcome::Passed)
}

fn told_of(entry: &str, file: &str) -> Result<(), Failure> {
    let (host, client) = Host::pair()?;
    let parent = [
        dsync("child._dsync.test.", CDS, 5300, "scan.other."),
        dsync("child._dsync.test.", CSYNC, 5301, "scan.other."),
        "scan.other. 60 IN A 192.0.2.2".to_owned(),
    ];
    let lines: Vec<&str> = parent.iter().map(String::as_str).collect();
    let _parent = Upstream::start(&client, "192.0.2.2", records(&lines))?;
    let (keys, servers) = (Receiver::start(&client, 5300, true)?, Receiver::start(&client, 5301, true)?);
    let config = |serial, more: &str| config(entry).file(file, &zone(serial, more));
    let server = Server::start(&host, &config(1, ""))?;
    let publish = |serial, more: &str| -> Result<(), Failure> {
        server.rewrite(&config(serial, more))?;
        server.reload().map(drop)
    };
    let wanted = |count: usize, kind| vec![("child.test.".to_owned(), kind); count];
    let are_told = |cds: usize, csync: usize| {
        until(TIME_LIMIT, || keys.told() == wanted(cds, CDS) && servers.told() == wanted(csync, CSYNC))
    };
    let what = || format!("{entry}: {:?} {:?} {}", keys.told(), servers.told(), server.log_tail());
    let csync = format!("{CDS_RECORD}@ CSYNC 1 3 NS\n");
    for (serial, more, cds, csync) in [
        (2, CDS_RECORD.to_owned(), 1, 0),
        (3, format!("{CDS_RECORD}www A 192.0.2.7\n"), 1, 0),
        (4, csync.clone(), 1, 1),
        (5, format!("{csync}@ CDNSKEY 257 3 13 {}==\n", "A".repeat(86)), 2, 1),
        (6, csync, 3, 1),
    ] {
        publish(serial, &more)?;
        ensure!(are_told(cds, csync), "serial {serial} of {}", what());
    }
    shown_and_told_again(&server)?;
    ensure!(are_told(4, 2), "zone notify: {}", what());
    // What is gone asks nothing of a parent.
    publish(7, "")?;
    std::thread::sleep(Duration::from_millis(1500));
    ensure!(are_told(4, 2), "records that are gone: {}", what());
    let message = keys.seen.lock().unwrap().first().cloned().context("no message")?;
    ensure_eq!(message.flags, NOTIFY, "its flags");
    let acknowledged =
        || server.metric("rhumb_notify_total", &["\"out\"", "acknowledged"]).unwrap_or_default();
    ensure!(until(TIME_LIMIT, || (acknowledged() - 6.0).abs() < 0.5), "{} acknowledged", acknowledged());
    let nothing = server.tell(&["zone", "notify", "child.test"])?;
    ensure!(nothing.code == Some(1) && nothing.err.contains("neither CDS"), "{}{}", nothing.out, nothing.err);
    Ok(())
}

/// The status has the last results, and `zone notify` sends them once more.
fn shown_and_told_again(server: &Server) -> Result<(), Failure> {
    let status =
        || server.tell(&["zone", "status", "child.test"]).map_or_else(|_| String::new(), |told| told.out);
    let is_shown = |port: u16| {
        let wanted = format!("scan.other. (192.0.2.2:{port}) has acknowledged it");
        until(TIME_LIMIT, || status().contains(&wanted))
    };
    ensure!(is_shown(5300) && is_shown(5301), "{}", status());
    let again = server.tell(&["zone", "notify", "child.test"])?;
    ensure!(
        again.code == Some(0) && again.out.contains("of CSYNC, has acknowledged it"),
        "{}{}",
        again.out,
        again.err
    );
    Ok(())
}

/// By the steps of section 4.1; and what is said where there is nothing.
fn found() -> Verdict {
    let address = "scan.other. 60 IN A 192.0.2.2".to_owned();
    let at = |owner: &str| vec![dsync(owner, CDS, 5300, "scan.other."), address.clone()];
    let has = "has acknowledged it";
    let failing = script(|asked| asked.code(rcode::SERVFAIL));
    let of =
        |lines: Vec<String>| -> Script { records(&lines.iter().map(String::as_str).collect::<Vec<_>>()) };
    for (what, script, outcome, result) in [
        ("in place of the parent's label", of(at("a._dsync.b.test.")), has, "acknowledged"),
        ("above", of(at("a.b._dsync.test.")), has, "acknowledged"),
        ("without a wildcard", of(at("_dsync.test.")), has, "acknowledged"),
        ("nowhere", of(vec![address.clone()]), "it has no DSYNC record", "no-endpoint"),
        (
            "of another type",
            of(vec![dsync("a._dsync.b.test.", CSYNC, 5300, "scan.other."), address.clone()]),
            "it has no DSYNC record",
            "no-endpoint",
        ),
        (
            "no address",
            of(vec![dsync("_dsync.test.", CDS, 5300, "none.other.")]),
            "cannot be found now (the addresses of none.other.: NXDOMAIN)",
            "unanswered",
        ),
        (
            "on this host alone",
            of(vec![
                dsync("_dsync.test.", CDS, 5300, "scan.other."),
                "scan.other. 60 IN A 127.0.0.1".to_owned(),
            ]),
            "no address that can be used",
            "unanswered",
        ),
        ("no answer", failing, "cannot be found now (a._dsync.b.test. DSYNC: SERVFAIL)", "unanswered"),
    ] {
        let (host, client) = Host::pair()?;
        let _parent = Upstream::start(&client, "192.0.2.2", script)?;
        let receiver = Receiver::start(&client, 5300, true)?;
        let entry = "{ name: a.b.test, file: a.b.test.zone, parent-notify: true }";
        let server = Server::start(&host, &config(entry).file("a.b.test.zone", &zone(1, CDS_RECORD)))?;
        let told = server.tell(&["zone", "notify", "a.b.test"])?;
        ensure!(told.out.contains(outcome), "{what}: {}{} {}", told.out, told.err, server.log_tail());
        let shown = server.tell(&["zone", "status", "a.b.test"])?.out;
        ensure!(shown.contains(outcome), "{what}: {shown}");
        let count = server.metric("rhumb_notify_total", &["\"out\"", result])?;
        ensure!(count > 0.5, "{what}: none is {result}");
        let count = usize::from(outcome == has);
        ensure_eq!(receiver.told(), vec![("a.b.test.".to_owned(), CDS); count], "{what}");
    }
    Ok(Outcome::Passed)
}

/// Whoever says it: acknowledged, counted, logged once a second.
fn heard() -> Verdict {
    let (host, client) = Host::pair()?;
    let server =
        Server::start(&host, &Config::new().listen("::").zone("test", &zone(1, "child NS ns.child\n")))?;
    let client = Client::new(&client);
    let ask = |name: &str, kind: &str| -> Result<Message, Failure> {
        let mut message = Message::query(name, kind).no_recursion().edns(1232);
        message.flags |= NOTIFY;
        Ok(client.udp(TO.parse::<SocketAddr>()?, &message)?.message)
    };
    for kind in ["TYPE59", "TYPE62"] {
        for _ in 0..20 {
            let answer = ask("child.test.", kind)?;
            ensure_eq!((answer.rcode(), answer.flags & NOTIFY), (rcode::NOERROR, NOTIFY), "{kind}");
        }
        for name in ["child.other.", "test.", "other."] {
            let answer = ask(name, kind)?;
            ensure_eq!(
                (answer.rcode(), answer.extended_error()),
                (rcode::REFUSED, Some(20)),
                "{name} {kind}"
            );
        }
    }
    ensure_eq!(ask("child.test.", "SOA")?.rcode(), rcode::REFUSED, "a new version of a child");
    for (result, expected) in [("child", "40"), ("no-zone", "7"), ("accepted", "0")] {
        let count = server.metric("rhumb_notify_total", &["\"in\"", result])?;
        ensure_eq!(format!("{count:.0}"), expected, "{result}");
    }
    let log = server.log();
    let lines = log.matches("a child zone announces a change of its").count();
    ensure!((1..10).contains(&lines), "{lines} lines: {log}");
    ensure!(log.contains("child.test."), "{log}");
    Ok(Outcome::Passed)
}

/// A server or a zone that has left the configuration ends what was to be sent again.
fn removed() -> Verdict {
    let (host, client) = Host::pair()?;
    let receivers = [Receiver::start(&client, 5400, false)?, Receiver::start(&client, 5401, false)?];
    let config = |zones: &str| {
        let text = format!(
            "remotes:\n  - {{ name: a, addresses: \"192.0.2.2:5400\" }}\n  - {{ name: b, addresses: \"192.0.2.2:5401\" }}\n\
             zones:\n{zones}"
        );
        Config::new().listen("::").file("x.zone", &zone(1, "")).more(&text)
    };
    let entry =
        |name: &str, notify: &str| format!("  - {{ name: {name}, file: x.zone, notify: [{notify}] }}\n");
    let server = Server::start(&host, &config(&(entry("one.test", "a, b") + &entry("two.test", "a, b"))))?;
    let count = |number: usize, name: &str| {
        receivers[number].told().iter().filter(|(told, _)| *told == format!("{name}.")).count()
    };
    let all_told = || {
        [(0, "one.test"), (1, "one.test"), (0, "two.test"), (1, "two.test")]
            .iter()
            .all(|(number, name)| count(*number, name) >= 1)
    };
    ensure!(until(TIME_LIMIT, all_told), "{}", server.log_tail());
    server.rewrite(&config(&entry("one.test", "b")))?;
    server.reload()?;
    let before = [count(0, "one.test"), count(0, "two.test"), count(1, "two.test")];
    let again = count(1, "one.test");
    // The one that stays is told again meanwhile.
    ensure!(until(TIME_LIMIT, || count(1, "one.test") > again), "{}", server.log_tail());
    std::thread::sleep(QUIET);
    let after = [count(0, "one.test"), count(0, "two.test"), count(1, "two.test")];
    ensure_eq!(after, before, "messages to those that are gone");
    Ok(Outcome::Passed)
}
