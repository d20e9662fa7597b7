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
    Test::beside("updating::messages::denials_name_the_record", denied),
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
    let send = |message: &Message, time_limit| -> Result<Option<Message>, Failure> {
        socket.send_to(&message.to_wire(), to)?;
        let received = receive(&socket, time_limit)?;
        received.map(|(bytes, _)| Message::from_wire(&bytes)).transpose()
    };
    let time_limit = Duration::from_secs(5);
    let answer = send(&long, time_limit)?.context("no answer")?;
    ensure_eq!((answer.id, answer.rcode(), answer.has(TC)), (long.id, rcode::FORMERR, true), "{answer:?}");
    ensure_eq!(answer.flags & (0xf << 11), UPDATE, "the opcode");
    ensure!(data(&client, "h0.zone.test.", "TXT")?.is_empty(), "a part was carried out");
    let answer = client.over(Transport::Tcp, to, &long)?.message;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "by TCP: {}", server.log_tail());
    ensure_eq!(data(&client, "h59.zone.test.", "TXT")?.len(), 1, "by TCP");
    // Queries are told the same; what is no request gets nothing.
    let answer = send(&Message { flags: 0, ..long.clone() }, time_limit)?.context("no answer to a query")?;
    ensure!(answer.rcode() == rcode::FORMERR && answer.has(TC), "a query: {answer:?}");
    let response = Message { flags: 1 << 15 | UPDATE, ..long };
    ensure!(send(&response, Duration::from_millis(300))?.is_none(), "a response is answered");
    let dropped = server.metric("rhumb_dns_dropped_total", &["truncated-datagram"])?;
    ensure_eq!(format!("{dropped:.0}"), "1", "what is no request");
    Ok(Outcome::Passed)
}

/// What the extended error of an answer says.
pub(super) fn reason(answer: &Message) -> (u16, Option<u16>, String) {
    let options = answer.edns.iter().flat_map(|edns| &edns.options);
    let text = options.filter(|(code, _)| *code == 15).filter_map(|(_, value)| value.get(2..));
    let text = text.map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    (answer.rcode(), answer.extended_error(), text)
}

/// Who is denied is told which record it is, and that no rule allows it, by either transport and when the message comes again; a name that
/// is too long to be told is cut.
fn denied() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let rules = "{ network: 192.0.2.2/32, names: [www], types: [A] }";
    let server = Server::start(&host, &config(&state, rules))?;
    let client = Client::new(&client);
    let to: SocketAddr = TO.parse()?;
    let no_rule = "no rule of the zone allows it: add";
    let labels = "x".repeat(60);
    let long = format!("{labels}.{labels}.{labels}.zone.test.");
    for (record, expected) in [
        ("www.zone.test. 60 IN TXT one", format!("{no_rule} TXT of www.zone.test.")),
        ("a.www.zone.test. 60 IN A 192.0.2.7", format!("{no_rule} A of a.www.zone.test.")),
        (&*format!("{long} 60 IN A 192.0.2.7"), format!("{no_rule} A of {long}")),
    ] {
        // One that is allowed comes first.
        let update = message(&["www.zone.test. 60 IN A 192.0.2.9", record]).edns(1232);
        for transport in [Transport::Udp, Transport::Udp, Transport::Tcp] {
            let (code, error, text) = reason(&client.over(transport, to, &update)?.message);
            ensure_eq!((code, error), (rcode::REFUSED, Some(18)), "{record}: {}", server.log_tail());
            ensure!(expected.starts_with(&text) && text.len() >= expected.len().min(190), "{record}: {text}");
        }
    }
    ensure_eq!(data(&client, "www.zone.test.", "A")?, ["192.0.2.2"], "a part was carried out");
    // A client that no rule is for.
    server.rewrite(&config(&state, &rules.replace("192.0.2.2", "192.0.2.77")))?;
    server.reload()?;
    let update = message(&["www.zone.test. 60 IN A 192.0.2.9"]).edns(1232);
    let told = reason(&client.over(Transport::Udp, to, &update)?.message);
    ensure_eq!(
        told,
        (rcode::REFUSED, Some(18), "no rule of the zone is for this client".to_owned()),
        "nobody"
    );
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
