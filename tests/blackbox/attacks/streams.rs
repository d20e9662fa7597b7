//! Streams: slow readers, slow writers, too many, too much at once.

use std::collections::HashSet;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::stream::{Stream, framed};
use rhumb_tests::rig::{Asked, Client, Load, Message, Upstream, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::Crowd;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::alone("attacks::row47_slow_readers", slow_readers),
    Test::alone("attacks::row48_slowloris", slowloris),
    Test::beside("attacks::row48_less_time_where_most_connections_are_taken", less_time),
    Test::beside("attacks::row49_quota_of_one_address", quota_v4),
    Test::beside("attacks::row49_quota_of_one_ipv6_network", quota_v6),
    Test::beside("attacks::row50_ten_thousand_in_one_write", ten_thousand),
    Test::beside("attacks::row50_out_of_order_and_a_hundred_in_flight", in_flight),
    Test::beside("attacks::row50_ends_and_pieces", ends_and_pieces),
    Test::alone("attacks::row70_descriptors_run_out", descriptors),
];

fn www() -> Vec<Wanted> {
    vec![Wanted::address("www.zone.test.", "198.18.0.80")]
}

fn slow_readers() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    crowd.still_serves()?;
    let (memory, open) = (crowd.server.resident()?, crowd.server.descriptors()?);
    let queries = framed(&Message::query("large.zone.test.", "A").to_wire()).repeat(10_000);
    let mut readers = crowd.connect(100, 1);
    ensure_eq!(readers.len(), 100, "connections from 100 addresses");
    for reader in &mut readers {
        reader.socket().set_nonblocking(true)?;
        // As much as the server takes; it stops reading when its answers are not read.
        let mut rest = queries.as_slice();
        for _ in 0..50 {
            match reader.socket().write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }
    let report = Load::run(&crowd.honest(), crowd.to, 1000, www(), Duration::from_secs(4))?;
    let grown = crowd.server.resident()?.saturating_sub(memory);
    ensure!(grown <= 20 << 20, "{} KiB more for 100 clients that do not read", grown >> 10);
    ensure_eq!((report.lost, report.wrong), (0, 0), "lost and wrong of {} others", report.sent);
    let p99 = report.quantile(0.99);
    ensure!(p99 <= Duration::from_millis(20), "p99 of others is {p99:?}");
    let query = Message::query("www.zone.test.", "A");
    ensure_eq!(
        crowd.honest().stream(crowd.to, &query)?.message.rcode(),
        rcode::NOERROR,
        "another TCP client"
    );
    let left = until(Duration::from_secs(20), || crowd.server.descriptors().is_ok_and(|now| now <= open + 5));
    ensure!(left, "clients that do not read are still connected after 20 s");
    Ok(Outcome::Passed)
}

fn slowloris() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    crowd.still_serves()?;
    let open = crowd.server.descriptors()?;
    let load = Load::start(&crowd.honest(), crowd.to, 1000, www())?;
    let begun = Instant::now();
    let mut streams = crowd.connect(5000, 10);
    let connected = begun.elapsed();
    let mut most = crowd.server.descriptors()?;
    // The first third says nothing, the second sends a byte now and again, the last sends empty frames.
    let mut closed = vec![false; streams.len()];
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < connected + Duration::from_secs(5) {
        for (number, stream) in streams.iter_mut().enumerate() {
            match number % 3 {
                1 => drop(stream.send_raw(&[0])),
                2 => drop(stream.send_raw(&[0, 0])),
                _ => {}
            }
            if !closed[number] && is_closed(stream) {
                closed[number] = true;
                slowest = begun.elapsed();
            }
        }
        most = most.max(crowd.server.descriptors()?);
        thread::sleep(Duration::from_millis(500));
    }
    let left = closed.iter().filter(|&&closed| !closed).count();
    ensure_eq!(left, 0, "of {} connections without a whole message still open after 5 s", streams.len());
    ensure!(most <= open + 1100, "{most} descriptors open at the worst");
    drop(streams);
    half_a_message_more(&crowd)?;
    let report = load.stop();
    ensure!(report.good() >= 0.999, "{} lost and {} wrong of {}", report.lost, report.wrong, report.sent);
    crowd.still_serves().context(format!("after the last was closed at {slowest:?}"))?;
    let flat = until(Duration::from_secs(5), || crowd.server.descriptors().is_ok_and(|now| now <= open + 5));
    ensure!(flat, "{open} descriptors before, {} after", crowd.server.descriptors()?);
    Ok(Outcome::Passed)
}

/// After a first message, single bytes do not keep a connection beyond its idle time of 10 s.
fn half_a_message_more(crowd: &Crowd) -> Result<(), Failure> {
    let mut stream = crowd.honest().tcp(crowd.to)?;
    let query = Message::query("www.zone.test.", "A");
    stream.ask(&query, Duration::from_secs(2))?;
    let wire = framed(&query.to_wire());
    let begun = Instant::now();
    for byte in wire.iter().take(7) {
        if is_closed(&mut stream) {
            return Ok(());
        }
        let _ = stream.send_raw(&[*byte]);
        thread::sleep(Duration::from_secs(2));
    }
    ensure!(is_closed(&mut stream), "half a message keeps a connection for {:?}", begun.elapsed());
    Ok(())
}

fn is_closed(stream: &mut Stream) -> bool {
    use std::io::Read;
    let _ = stream.socket().set_nonblocking(true);
    let closed = match stream.socket().read(&mut [0; 512]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    let _ = stream.socket().set_nonblocking(false);
    closed
}

/// The connections of these clients, all open at once, that get an answer.
fn served(clients: &[Client], to: SocketAddr) -> Vec<Stream> {
    let streams: Vec<Stream> = clients.iter().filter_map(|client| client.tcp(to).ok()).collect();
    let query = Message::query("www.zone.test.", "A");
    let asked = streams
        .into_iter()
        .map(|mut stream| (stream.ask(&query, Duration::from_millis(500)).is_ok(), stream));
    asked.filter_map(|(answered, stream)| answered.then_some(stream)).collect()
}

/// Of forty connections with an answer, how many stay: one that rests ends for one that comes later.
fn kept(streams: &mut [Stream]) -> usize {
    let mut count = || streams.iter_mut().filter_map(|stream| (!is_closed(stream)).then_some(())).count();
    until(Duration::from_secs(5), || (10..=20).contains(&count()));
    count()
}

/// Who comes last has a third of the time for its first query that who came first has.
fn less_time() -> Verdict {
    let limits = "server: { tcp-clients: 20, tcp-clients-per-network: 20, tcp-first-query: 24s }";
    let crowd = Crowd::new(&Crowd::config().more(limits), &[])?;
    let held = |expected: f64| {
        let open = || crowd.server.metric("rhumb_tcp_connections", &[]);
        until(Duration::from_secs(10), || open().is_ok_and(|open| (open - expected).abs() < 0.5))
    };
    let mut early = crowd.connect(8, 20);
    ensure!(held(8.0), "8 connections are not there");
    // The server counts a connection before it looks how long this one may rest.
    thread::sleep(Duration::from_millis(500));
    let _more = crowd.connect(11, 20);
    ensure!(held(19.0), "19 connections are not there");
    let mut late = crowd.connect(1, 20);
    let last = late.first_mut().context("no connection")?;
    ensure!(last.closes_within(Duration::from_secs(16))?, "the last of 20 connections stays");
    let first = early.first_mut().context("no connection")?;
    let answer = first.ask(&Message::query("www.zone.test.", "A"), Duration::from_secs(5))?;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "the first of 20 connections");
    Ok(Outcome::Passed)
}

fn quota_v4() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    let greedy: Vec<Client> = (0..40).map(|_| crowd.client(7)).collect();
    let mut held = served(&greedy, crowd.to);
    let count = kept(&mut held);
    ensure!((10..=20).contains(&count), "{count} connections of one address stay");
    crowd.still_serves().context("a second address")?;
    drop(held);
    let again = until(Duration::from_secs(3), || served(&[crowd.client(7)], crowd.to).len() == 1);
    ensure!(again, "an address does not get in again after it closed its connections");
    Ok(Outcome::Passed)
}

fn quota_v6() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    let to = crowd.people.socket_address("2001:db8::1", 53)?;
    let client = |address: String| -> Result<Client, Failure> {
        crowd.people.address("lo", &format!("{address}/128"))?;
        Ok(Client::new(&crowd.people).from(address.parse::<IpAddr>()?))
    };
    let greedy =
        (1..=40).map(|last| client(format!("2001:db8:9:1::{last:x}"))).collect::<Result<Vec<_>, _>>()?;
    let mut held = served(&greedy, to);
    let count = kept(&mut held);
    ensure!((10..=20).contains(&count), "{count} connections of one /64 stay");
    let other = served(&[client("2001:db8:9:900::1".to_owned())?], to);
    ensure_eq!(other.len(), 1, "connections of another network that were served");
    Ok(Outcome::Passed)
}

fn ten_thousand() -> Verdict {
    const QUERIES: usize = 10_000;
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    let mut stream = crowd.honest().tcp(crowd.to)?;
    let mut bytes = Vec::new();
    for id in 0..QUERIES {
        let query = Message { id: id as u16, ..Message::query("www.zone.test.", "A") };
        bytes.extend(framed(&query.to_wire()));
    }
    let mut writer = stream.socket().try_clone()?;
    let writing = thread::spawn(move || writer.write_all(&bytes));
    let mut answered = HashSet::new();
    while let Some(wire) = stream.receive(Duration::from_secs(5))? {
        let answer = Message::from_wire(&wire)?;
        ensure_eq!(answer.data("A"), ["198.18.0.80"], "answer {}", answer.id);
        ensure!(answered.insert(answer.id), "two answers with id {}", answer.id);
        if answered.len() == QUERIES {
            break;
        }
    }
    let _ = writing.join();
    ensure_eq!(answered.len(), QUERIES, "answers");
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

fn in_flight() -> Verdict {
    let crowd = Crowd::new(&Crowd::config().forward("up.example", &["192.0.2.2"]).allow_all(), &[])?;
    let delay = Duration::from_millis(700);
    let upstream = Upstream::start(
        &crowd.people,
        "192.0.2.2",
        script(move |asked: &Asked| {
            let line = format!("{} 300 IN A 198.18.0.1", asked.message.name());
            asked.answer(&[&line]).after(delay)
        }),
    )?;
    let mut stream = crowd.honest().tcp(crowd.to)?;
    let begun = Instant::now();
    // The slow one first, then the quick one: the quick one comes first (RFC 7766 section 6.2.1.1).
    stream.send(&Message { id: 1, ..Message::query("slow.up.example.", "A") }.to_wire())?;
    stream.send(&Message { id: 2, ..Message::query("www.zone.test.", "A") }.to_wire())?;
    for id in [2, 1] {
        let wire = stream.receive(Duration::from_secs(4))?.context(format!("no answer {id}"))?;
        ensure_eq!(Message::from_wire(&wire)?.id, id, "order of answers");
        ensure!(id == 1 || begun.elapsed() < delay / 2, "the quick answer took {:?}", begun.elapsed());
    }
    upstream.forget();
    for id in 0..400 {
        let query = Message { id, ..Message::query(&format!("n{id}.up.example."), "A") };
        stream.send(&query.to_wire())?;
    }
    thread::sleep(delay / 2);
    let names: HashSet<String> = upstream.seen().iter().map(Asked::name).collect();
    ensure!((1..=100).contains(&names.len()), "{} questions of one stream under way at once", names.len());
    let mut answers = 0;
    while answers < 400 && stream.receive(Duration::from_secs(6))?.is_some() {
        answers += 1;
    }
    // Closing after the limit is as good as answering all.
    ensure!(answers >= 100, "{answers} answers of 400");
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

fn ends_and_pieces() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    let query = Message { id: 7, ..Message::query("www.zone.test.", "A") };
    let wire = framed(&query.to_wire());
    let time_limit = Duration::from_secs(2);
    // Byte by byte, but quickly enough.
    let mut pieces = crowd.honest().tcp(crowd.to)?;
    for byte in &wire {
        pieces.send_raw(&[*byte])?;
        thread::sleep(Duration::from_millis(5));
    }
    ensure!(pieces.receive(time_limit)?.is_some(), "no answer to a query in pieces");
    // One and a half queries, then the end: one answer, then closed.
    let mut half = crowd.honest().tcp(crowd.to)?;
    half.send_raw(&[wire.as_slice(), &wire[..wire.len() / 2]].concat())?;
    half.finish()?;
    ensure!(half.receive(time_limit)?.is_some(), "no answer to the whole query before the end");
    ensure!(half.closes_within(time_limit)?, "a stream that ended halfway is not closed");
    // Empty frames and frames too short for a header: no answer, no harm.
    for frame in [&[0, 0][..], &[0, 1, 0], &[0, 11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]] {
        let mut short = crowd.honest().tcp(crowd.to)?;
        short.send_raw(frame)?;
        ensure!(
            short.receive(Duration::from_millis(300))?.is_none(),
            "an answer to a frame of {}",
            frame.len()
        );
    }
    // edns-tcp-keepalive (RFC 7828) is answered with a time, and with a time inside it is malformed or ignored.
    let mut kept = crowd.honest().tcp(crowd.to)?;
    let answer = kept.ask(&query.clone().option(11, b""), time_limit)?;
    let options = answer.edns.context("no OPT in the answer")?.options;
    let time = options.iter().find(|(code, _)| *code == 11).context("no keepalive option in the answer")?;
    ensure_eq!(time.1.len(), 2, "length of the keepalive time");
    let zero = kept.ask(&query.option(11, &[0, 0]), time_limit)?;
    ensure!([rcode::NOERROR, rcode::FORMERR].contains(&zero.rcode()), "keepalive of 0: {zero:?}");
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

fn descriptors() -> Verdict {
    if rhumb_tests::rig::program::find("prlimit").is_none() {
        skip!("no prlimit here");
    }
    let crowd = Crowd::new(&Crowd::config(), &["prlimit", "--nofile=128:128"])?;
    crowd.still_serves()?;
    let mut streams = crowd.connect(1000, 10);
    ensure!(streams.len() >= 100, "{} of 1000 connected", streams.len());
    let query = framed(&Message::query("www.zone.test.", "A").to_wire());
    for stream in &mut streams {
        let _ = stream.send_raw(&query);
    }
    let (cpu, begun) = (crowd.server.cpu_time()?, Instant::now());
    thread::sleep(Duration::from_secs(3));
    let share = crowd.server.cpu_since(cpu)?.as_secs_f64() / begun.elapsed().as_secs_f64();
    ensure!(share <= 0.2, "{:.0} % CPU while descriptors have run out", share * 100.0);
    let report = Load::run(&crowd.honest(), crowd.to, 500, www(), Duration::from_secs(2))?;
    ensure_eq!((report.lost, report.wrong), (0, 0), "lost and wrong of {} over UDP", report.sent);
    drop(streams);
    let back = until(Duration::from_secs(5), || crowd.still_serves().is_ok());
    ensure!(back, "TCP does not work again 5 s after the others left");
    Ok(Outcome::Passed)
}
