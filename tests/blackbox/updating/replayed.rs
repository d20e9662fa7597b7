//! Signed updates that somebody has recorded on their way, and sends again.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::{Client, Folder, Host, Message, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::{ANY, KEY, TO, config, data, serial, taken};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("updating::replayed::nothing_is_carried_out_twice", nothing_twice),
    Test::beside("updating::replayed::nothing_is_carried_out_again_after_a_restart", restarted),
];

const NOTAUTH: u16 = 9;
/// The error of TSIG for a time outside the fudge (RFC 8945 section 5.2.3).
const BADTIME: u16 = 18;
const TSIG: u16 = 250;

/// The message that nsupdate sends by a clock that is so far off. It reaches nobody else.
pub(crate) fn recorded(client: &Host, clock: Option<&str>, line: &str) -> Result<Vec<u8>, Failure> {
    let socket = client.within(|| UdpSocket::bind("127.0.0.1:5353"))?.context("a socket")?;
    let folder = Folder::new()?;
    let text = format!("server 127.0.0.1 5353\nzone zone.test.\n{line}\nsend\n");
    let file = folder.write("commands", text)?;
    let nsupdate = program::find("nsupdate").context("nsupdate")?;
    let mut command = client.command("env");
    command.args(clock.and_then(program::clock).into_iter().flatten()).arg(nsupdate);
    command.args(["-t", "1", "-r", "0", "-y", KEY]).arg(file);
    let run = thread::spawn(move || program::run(&mut command, Duration::from_secs(30)));
    let received = receive(&socket, Duration::from_secs(20))?.context("nsupdate sends nothing")?;
    // It ends without an answer.
    run.join().map_err(|_| Failure::new("nsupdate"))??;
    Ok(received.0)
}

/// The response code, and the error of TSIG.
fn sent(client: &Client, message: &[u8]) -> Result<(u16, Option<u16>), Failure> {
    let to: SocketAddr = TO.parse()?;
    let (answer, _) = client.exchange_raw(to, message)?.context("no answer")?;
    let answer = Message::from_wire(&answer)?;
    let tsig = answer.additional.iter().find(|record| record.kind == TSIG);
    let error = tsig.and_then(|tsig| {
        // Behind the name of the algorithm and the time, and before other data: MAC, id, error.
        let fixed = tsig.rdata.windows(1).position(|byte| byte == [0])? + 1;
        let length = tsig.rdata.get(fixed + 8..fixed + 10)?;
        let at = fixed + 10 + usize::from(u16::from_be_bytes([length[0], length[1]])) + 2;
        Some(u16::from_be_bytes(*tsig.rdata.get(at..at + 2)?.first_chunk()?))
    });
    Ok((answer.rcode(), error))
}

/// The message with half of its MAC, which is as good (RFC 8945 section 5.2.2.1).
fn truncated(message: &[u8]) -> Vec<u8> {
    let mut wire = message.to_vec();
    // Behind the MAC of 32 bytes stand the id, the error and the length of other data, before it its length, times and the algorithm.
    let end = wire.len() - 6;
    wire.drain(end - 16..end);
    let mac = end - 32 - 2;
    let rdata = mac - 8 - b"\x0bhmac-sha256\0".len() - 2;
    for at in [mac, rdata] {
        let length = u16::from_be_bytes([wire[at], wire[at + 1]]) - 16;
        wire[at..at + 2].copy_from_slice(&length.to_be_bytes());
    }
    wire
}

/// Within the fudge of its signature it gets the answer that it got, whoever sends it, under whatever id, and however long after; behind it,
/// BADTIME. What was done in between stays.
fn nothing_twice() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    client.address("eth0", "192.0.2.3/24")?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, ANY))?;
    let asking = Client::new(&client);
    let message = recorded(&client, None, "update add a.zone.test. 60 A 192.0.2.9")?;
    ensure_eq!(sent(&asking, &message)?, (rcode::NOERROR, Some(0)), "the first: {}", server.log_tail());
    ensure_eq!(data(&asking, "a.zone.test.", "A")?, ["192.0.2.9"], "the first");
    taken(&client, &["update delete a.zone.test. A"])?;
    let version = serial(&asking)?;
    let stays = |what: &str| -> Result<(), Failure> {
        ensure!(data(&asking, "a.zone.test.", "A")?.is_empty(), "{what}: it was carried out again");
        ensure_eq!(serial(&asking)?, version, "{what}: the serial");
        Ok(())
    };
    let other = Client::new(&client).from("192.0.2.3".parse()?);
    // The id of the header is not signed, but that in the TSIG.
    let mut renumbered = message.clone();
    renumbered[0] ^= 0xff;
    let truncated = truncated(&message);
    for (what, from, message) in [
        ("at once", &asking, &message),
        ("by somebody else", &other, &message),
        ("under another id", &other, &renumbered),
        ("with half of the MAC", &other, &truncated),
    ] {
        ensure_eq!(sent(from, message)?, (rcode::NOERROR, Some(0)), "{what}");
        stays(what)?;
    }
    thread::sleep(Duration::from_secs(6));
    ensure_eq!(sent(&other, &message)?, (rcode::NOERROR, Some(0)), "after six seconds");
    stays("after six seconds")?;
    let duplicates = server.metric("rhumb_updates_total", &["duplicate"])?;
    ensure_eq!(format!("{duplicates:.0}"), "5", "as counted");
    // The same change signed anew is another message.
    taken(&client, &["update add a.zone.test. 60 A 192.0.2.9"])?;
    ensure_eq!(data(&asking, "a.zone.test.", "A")?, ["192.0.2.9"], "signed anew");
    if program::clock("+0s").is_none() {
        return Ok(Outcome::Passed);
    }
    other_clocks(&client, &server)
}

/// What was carried out, also without a change, is known after `kill -9` and after an end in order.
fn restarted() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let config = config(&state, ANY);
    let mut server = Server::start(&host, &config)?;
    let asking = Client::new(&client);
    let addition = recorded(&client, None, "update add a.zone.test. 60 A 192.0.2.9")?;
    let removal = recorded(&client, None, "update delete b.zone.test. A")?;
    for (what, message) in [("an addition", &addition), ("what changes nothing", &removal)] {
        ensure_eq!(sent(&asking, message)?, (rcode::NOERROR, Some(0)), "{what}: {}", server.log_tail());
    }
    taken(&client, &["update delete a.zone.test. A", "update add b.zone.test. 60 A 192.0.2.9"])?;
    let version = serial(&asking)?;
    for end in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGKILL] {
        server.signal(end)?;
        drop(server);
        server = Server::start(&host, &config)?;
        for (what, message) in [("an addition", &addition), ("what changed nothing", &removal)] {
            ensure_eq!(sent(&asking, message)?, (rcode::NOERROR, Some(0)), "{what} after {end}");
        }
        ensure!(
            data(&asking, "a.zone.test.", "A")?.is_empty(),
            "after {end}: the addition is carried out again"
        );
        ensure_eq!(data(&asking, "b.zone.test.", "A")?, ["192.0.2.9"], "after {end}: the removal");
        ensure_eq!(serial(&asking)?, version, "after {end}: the serial");
        ensure_eq!(
            format!("{:.0}", server.metric("rhumb_updates_total", &["duplicate"])?),
            "2",
            "after {end}"
        );
    }
    Ok(Outcome::Passed)
}

/// Messages of clocks that differ by the fudge and by more; one that was good once is not for ever.
fn other_clocks(client: &Host, server: &Server) -> Verdict {
    let asking = Client::new(client);
    for (clock, expected) in [
        ("-295s", (rcode::NOERROR, Some(0))),
        ("+299s", (rcode::NOERROR, Some(0))),
        ("-301s", (NOTAUTH, Some(BADTIME))),
        ("+330s", (NOTAUTH, Some(BADTIME))),
    ] {
        let message = recorded(client, Some(clock), "update add b.zone.test. 60 A 192.0.2.9")?;
        ensure_eq!(sent(&asking, &message)?, expected, "a clock of {clock}: {}", server.log_tail());
        if clock == "-295s" {
            // Good when it came first, and not any more.
            taken(client, &["update delete b.zone.test. A"])?;
            thread::sleep(Duration::from_secs(7));
            let late = sent(&asking, &message)?;
            ensure_eq!(late, (NOTAUTH, Some(BADTIME)), "beyond the fudge");
            ensure!(data(&asking, "b.zone.test.", "A")?.is_empty(), "beyond the fudge: carried out again");
        }
    }
    let told = "signed with the key acme.test. by a clock that is 30";
    ensure!(server.logs(told, Duration::from_secs(5)), "{}", server.log_tail());
    Ok(Outcome::Passed)
}
