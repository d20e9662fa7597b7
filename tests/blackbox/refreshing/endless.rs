//! Primaries that send too slowly, or a million differences: the version before is served throughout, within bounds of time and memory.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::message::AA;
use rhumb_tests::rig::script::{Act, Asked};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::stream::framed;
use rhumb_tests::rig::{Client, Folder, Host, Message, Server};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::config;
use super::hostile::{Rig, primary, refuse, soa, whole};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("refreshing::endless::a_byte_now_and_then", slow),
    Test::beside("refreshing::endless::a_million_differences", differences),
    Test::beside("refreshing::endless::an_idle_connection_is_closed", idle),
];

const TO: &str = "192.0.2.1:53";

/// Answers on one connection: whole versions first, and a byte now and then once it `is_slow`.
fn serve(mut stream: TcpStream, is_slow: &AtomicBool, ended: &AtomicBool) -> std::io::Result<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut request = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut request)?;
        let request = Message::from_wire(&request).map_err(|_| std::io::ErrorKind::InvalidData)?;
        let serial = if is_slow.load(Ordering::SeqCst) { 11 } else { 10 };
        let lines = if request.kind() == 6 { vec![soa(serial)] } else { whole(serial) };
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let answer = Message::reply_to(&request).answers(&lines);
        let wire = framed(&Message { flags: answer.flags | AA, ..answer }.to_wire());
        if serial == 10 || request.kind() == 6 {
            stream.write_all(&wire)?;
            continue;
        }
        for byte in wire {
            stream.write_all(&[byte])?;
            thread::sleep(Duration::from_secs(2));
            if ended.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }
}

/// The first message of a transfer comes within half a minute, or nothing of it is waited for.
fn slow() -> Verdict {
    let (host, client) = Host::pair()?;
    let listener = client.within(|| TcpListener::bind("192.0.2.2:53"))?.context("a listener")?;
    let (is_slow, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (slow, over) = (Arc::clone(&is_slow), Arc::clone(&ended));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (slow, over) = (Arc::clone(&slow), Arc::clone(&over));
            thread::spawn(move || serve(stream, &slow, &over));
        }
    });
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, &[("192.0.2.2:53".parse()?, None)], ""))?;
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    let serves = |serial: u32| {
        let asked = asker.ask(TO.parse().expect("an address"), &format!("v{serial}.zone.test."), "A");
        asked.is_ok_and(|answer| answer.data("A") == ["192.0.2.9"])
    };
    ensure!(until(Duration::from_secs(20), || serves(10)), "no version 10: {}", server.log());
    let before = server.descriptors()?;
    is_slow.store(true, Ordering::SeqCst);
    // Announced by the primary, so that nobody waits.
    let mut notify = Message::query("zone.test.", "SOA").no_recursion();
    notify.flags |= 4 << 11 | AA;
    asker.udp(TO.parse()?, &notify)?;
    let is_told = || {
        let status = server.tell(&["zone", "status", "zone.test"]);
        status.is_ok_and(|status| status.out.contains("no answer in time"))
    };
    let told = until(Duration::from_secs(90), || {
        thread::sleep(Duration::from_secs(1));
        is_told() || !serves(10)
    });
    ensure!(told && serves(10) && !serves(11), "{}", server.log_tail());
    ended.store(true, Ordering::SeqCst);
    let closed = until(Duration::from_secs(10), || server.descriptors().is_ok_and(|now| now <= before));
    ensure!(closed, "descriptors stay open: {before} before, {} now", server.descriptors()?);
    Ok(Outcome::Passed)
}

/// A message with the SOA of zone.test in these serials, names written as pointers.
fn serials(asked: &Asked, serials: &[u32]) -> Vec<u8> {
    let head = Message { edns: None, ..Message::reply_to(&asked.message) };
    let mut wire = Message { flags: head.flags | AA, ..head }.to_wire();
    wire[6..8].copy_from_slice(&(serials.len() as u16).to_be_bytes());
    for serial in serials {
        wire.extend([0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 24, 0xc0, 12, 0xc0, 12]);
        wire.extend(serial.to_be_bytes());
        for seconds in [3600_u32, 600, 86_400, 60] {
            wire.extend(seconds.to_be_bytes());
        }
    }
    wire
}

/// The most resident memory of a process so far, in bytes.
fn peak(server: &Server) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib << 10)
}

/// A million differences that change nothing but the serial: more than is allowed, and what they take meanwhile has a bound.
fn differences() -> Verdict {
    const STEPS: u32 = 1_000_000;
    let rig = Rig::start("")?;
    let end = 10 + STEPS;
    let bomb = move |asked: &Asked| {
        let steps = (10..end).flat_map(|serial| [serial, serial + 1]);
        let all: Vec<u32> = std::iter::once(end).chain(steps).chain([end]).collect();
        Act::Each(all.chunks(400).map(|part| Act::Raw(serials(asked, part))).collect())
    };
    rig.upstream().follow(primary(end, bomb, refuse));
    let before = peak(&rig.server)?;
    let told = rig.refresh()?;
    ensure!(told.contains("the primary answers REFUSED"), "{told}");
    ensure!(rig.server.log().contains("the transfer is larger than is allowed"), "{}", rig.server.log_tail());
    ensure!(rig.serves(10), "the version before is not served");
    let grown = peak(&rig.server)?.saturating_sub(before) >> 20;
    ensure!(grown < 128, "{grown} MiB were taken by {STEPS} differences");
    rig.follow_difference(10, 11);
    let told = rig.refresh()?;
    ensure!(told.contains("(ixfr), serial 11"), "a good one: {told}");
    ensure_eq!(rig.serves(10), false, "the version before");
    Ok(Outcome::Passed)
}

/// A connection that nobody uses any more is closed after ten seconds: there are primaries that serve one at a time.
fn idle() -> Verdict {
    let (host, client) = Host::pair()?;
    let listener = client.within(|| TcpListener::bind("192.0.2.2:53"))?.context("a listener")?;
    let accepted = thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        let begun = Instant::now();
        // It ends with the connection.
        let _ = serve(stream, &AtomicBool::new(false), &AtomicBool::new(false));
        std::io::Result::Ok(begun.elapsed())
    });
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, &[("192.0.2.2:53".parse()?, None)], ""))?;
    ensure!(until(Duration::from_secs(25), || accepted.is_finished()), "still open: {}", server.log_tail());
    let took = accepted.join().map_err(|_| Failure::new("the primary"))??;
    ensure!(took > Duration::from_secs(9), "closed after {took:?}");
    Ok(Outcome::Passed)
}
