//! Update messages as they come: longer than a datagram may be, and more than once.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::message::{TC, rcode};
use rhumb_tests::rig::{Client, Folder, Host, Message, Record, Server, Transport, rng};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::{TO, config, data, serial};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("updating::messages::too_long_for_a_datagram", too_long),
    Test::beside("updating::messages::sent_again", again),
];

/// Opcode 5 (RFC 2136).
const UPDATE: u16 = 5 << 11;
const TXT: u16 = 16;
/// Class ANY.
const ANY: u16 = 255;
const NETWORK: &str = "{ network: 192.0.2.0/24 }";

/// An update with these records, as they stand in its update section.
pub(crate) fn message(records: &[&str]) -> Message {
    let mut message = Message::query("zone.test.", "SOA").no_recursion().authorities(records);
    message.flags = UPDATE;
    message.id = rng::id();
    message
}

/// A datagram that the server does not take as a whole says so, and TCP takes the same message.
fn too_long() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, NETWORK))?;
    let client = Client::new(&client);
    let to: SocketAddr = TO.parse()?;
    let records: Vec<String> =
        (0..60).map(|number| format!("h{number}.zone.test. 60 IN TXT {}", "x".repeat(60))).collect();
    let long = message(&records.iter().map(String::as_str).collect::<Vec<_>>());
    let length = long.to_wire().len();
    ensure!(length > 4096, "{length} bytes");
    let socket = client.udp_socket(to)?;
    let send = |message: &Message, patience| -> Result<Option<Message>, Failure> {
        socket.send_to(&message.to_wire(), to)?;
        let received = receive(&socket, patience)?;
        received.map(|(bytes, _)| Message::from_wire(&bytes)).transpose()
    };
    let patience = Duration::from_secs(5);
    let answer = send(&long, patience)?.context("no answer")?;
    ensure_eq!((answer.id, answer.rcode(), answer.has(TC)), (long.id, rcode::FORMERR, true), "{answer:?}");
    ensure_eq!(answer.flags & (0xf << 11), UPDATE, "the opcode");
    ensure!(data(&client, "h0.zone.test.", "TXT")?.is_empty(), "a part was carried out");
    let answer = client.over(Transport::Tcp, to, &long)?.message;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "by TCP: {}", server.log_tail());
    ensure_eq!(data(&client, "h59.zone.test.", "TXT")?.len(), 1, "by TCP");
    // Queries are told the same; what is no request gets nothing.
    let answer = send(&Message { flags: 0, ..long.clone() }, patience)?.context("no answer to a query")?;
    ensure!(answer.rcode() == rcode::FORMERR && answer.has(TC), "a query: {answer:?}");
    let response = Message { flags: 1 << 15 | UPDATE, ..long };
    ensure!(send(&response, Duration::from_millis(300))?.is_none(), "a response is answered");
    let dropped = server.metric("rhumb_dns_dropped_total", &["truncated-datagram"])?;
    ensure_eq!(format!("{dropped:.0}"), "1", "what is no request");
    Ok(Outcome::Passed)
}

/// The first answer is given again, and nothing is done again, whatever has happened in between.
fn again() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, NETWORK))?;
    let asking = Client::new(&client);
    let to: SocketAddr = TO.parse()?;
    let socket = asking.udp_socket(to)?;
    let send = |bytes: &[u8]| -> Result<u16, Failure> {
        socket.send_to(bytes, to)?;
        let (answer, _) = receive(&socket, Duration::from_secs(5))?.context("no answer")?;
        Ok(Message::from_wire(&answer)?.rcode())
    };
    let first = message(&["a.zone.test. 60 IN TXT one"]).to_wire();
    let set = Record { owner: "a.zone.test.".to_owned(), kind: TXT, class: ANY, ttl: 0, rdata: Vec::new() };
    let removal = Message { authority: vec![set], ..message(&[]) }.to_wire();
    ensure_eq!(send(&first)?, rcode::NOERROR, "the first time: {}", server.log_tail());
    ensure_eq!(send(&first)?, rcode::NOERROR, "the second time");
    ensure_eq!(serial(&asking)?, 8, "one version");
    ensure_eq!(send(&removal)?, rcode::NOERROR, "the removal: {}", server.log_tail());
    ensure_eq!(send(&first)?, rcode::NOERROR, "the third time");
    ensure!(data(&asking, "a.zone.test.", "TXT")?.is_empty(), "it was carried out again");
    ensure_eq!(serial(&asking)?, 9, "a version for the removal");
    let count = |result| server.metric("rhumb_updates_total", &[result]).map(|count| format!("{count:.0}"));
    ensure_eq!((count("accepted")?.as_str(), count("duplicate")?.as_str()), ("2", "2"), "as counted");
    // Another id is another message.
    let other = message(&["a.zone.test. 60 IN TXT one"]).to_wire();
    ensure_eq!(send(&other)?, rcode::NOERROR, "another message");
    ensure_eq!(data(&asking, "a.zone.test.", "TXT")?, ["\"one\""], "another message");
    Ok(Outcome::Passed)
}
