//! Queries that wait for an upstream that says nothing: what they hold is bounded, and every one of them ends.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Load, Message, Upstream, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::Crowd;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::alone("attacks::waiting_queries_hold_no_connection", connections_end),
    Test::alone("attacks::waiting_connections_shut_no_one_out", thousand_connections),
    Test::alone("attacks::waiting_clients_are_bounded", bounded),
];

/// A crowd whose server forwards what is below `slow.test` to an upstream that never answers.
fn crowd() -> Result<(Crowd, Upstream), Failure> {
    let config = Crowd::config().forward("slow.test", &["192.0.2.2"]).allow_all();
    let crowd = Crowd::new(&config, &[])?;
    let upstream = Upstream::start(&crowd.people, "192.0.2.2", script(|_| Act::Silent))?;
    Ok((crowd, upstream))
}

fn query(number: usize) -> Vec<u8> {
    Message::query(&format!("n{number}.slow.test."), "A").to_wire()
}

/// Sends so many queries from one socket, a little slower than the server takes them.
fn send(socket: &UdpSocket, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let _ = socket.send(&query(number));
        if number % 50 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn connections(crowd: &Crowd) -> f64 {
    crowd.server.metric("rhumb_tcp_connections", &[]).unwrap_or(f64::NAN)
}

fn connections_end() -> Verdict {
    let (crowd, _upstream) = crowd()?;
    crowd.still_serves()?;
    let client = crowd.client(1);
    let socket = client.udp_socket(crowd.to)?;
    socket.connect(crowd.to)?;
    send(&socket, 0..1001);
    let waiting = until(Duration::from_secs(2), || {
        crowd.server.metric("rhumb_forward_waiting", &[]).is_ok_and(|waiting| waiting >= 511.0)
    });
    ensure!(waiting, "a client's share of 512 look-ups is not under way");
    let mut refused = 0;
    for number in 0..40 {
        let mut stream = client.tcp(crowd.to)?;
        stream.send(&query(2000 + number))?;
        if number % 2 == 0 {
            let answer = stream.receive(Duration::from_secs(2))?;
            let answer = answer.and_then(|wire| Message::from_wire(&wire).ok());
            refused += usize::from(answer.is_some_and(|answer| answer.rcode() == rcode::SERVFAIL));
        }
    }
    ensure_eq!(refused, 20, "queries over the limit that got SERVFAIL at once, of 20");
    let gone = Instant::now();
    let ended = until(Duration::from_secs(20), || connections(&crowd) < 0.5);
    ensure!(ended, "{} connections are left 20 s after their clients", connections(&crowd));
    ensure!(gone.elapsed() < Duration::from_secs(20), "it took {:?}", gone.elapsed());
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

fn thousand_connections() -> Verdict {
    let (crowd, _upstream) = crowd()?;
    let mut streams = Vec::new();
    let mut sockets = Vec::new();
    for number in 0..50 {
        let client = crowd.client(256 + number);
        let socket = client.udp_socket(crowd.to)?;
        socket.connect(crowd.to)?;
        send(&socket, 0..1001);
        sockets.push(socket);
        for each in 0..20 {
            let mut stream = client.tcp(crowd.to)?;
            stream.send(&query(2000 + each))?;
            streams.push(stream);
        }
    }
    ensure_eq!(streams.len(), 1000, "connections");
    drop(streams);
    // The very next client finds its place.
    let closed = Instant::now();
    let served = until(Duration::from_secs(5), || crowd.still_serves().is_ok());
    ensure!(served, "another client is shut out 5 s after a thousand connections");
    let ended = until(Duration::from_secs(20), || connections(&crowd) < 0.5);
    ensure!(ended, "{} connections are left after {:?}", connections(&crowd), closed.elapsed());
    Ok(Outcome::Passed)
}

/// 4,000 questions from 600 addresses, 1,000 from each.
fn bounded() -> Verdict {
    let (crowd, upstream) = crowd()?;
    crowd.still_serves()?;
    let sockets = (0..600)
        .map(|number| {
            let socket = crowd.client(256 + number).udp_socket(crowd.to)?;
            socket.connect(crowd.to)?;
            Ok(socket)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let before = crowd.server.resident()?;
    let honest = vec![Wanted::address("www.zone.test.", "198.18.0.80")];
    let load = Load::start(&crowd.honest(), crowd.to, 200, honest)?;
    let (mut peak, mut waiting) = (before, 0.0_f64);
    thread::scope(|scope| {
        for (part, sockets) in sockets.chunks(300).enumerate() {
            scope.spawn(move || {
                for step in 0..1000 {
                    for (number, socket) in sockets.iter().enumerate() {
                        let _ = socket.send(&query((part * 300 + number) * 1000 % 4000 + step));
                        if number % 50 == 0 {
                            thread::sleep(Duration::from_millis(1));
                        }
                    }
                }
            });
        }
        let end = Instant::now() + Duration::from_secs(12);
        while Instant::now() < end {
            peak = peak.max(crowd.server.resident().unwrap_or(0));
            waiting = waiting.max(crowd.server.metric("rhumb_forward_waiting", &[]).unwrap_or(0.0));
            thread::sleep(Duration::from_millis(50));
        }
    });
    let report = load.stop();
    ensure!(waiting >= 40_000.0, "only {waiting} clients waited: no attack");
    // A few more are just being refused.
    ensure!(waiting <= 65_600.0, "{waiting} clients waited");
    let grown = peak.saturating_sub(before);
    ensure!(grown <= 64 << 20, "{} MiB more for {waiting} clients that wait", grown >> 20);
    ensure_eq!((report.lost, report.wrong), (0, 0), "lost and wrong of {} others", report.sent);
    drop((sockets, upstream));
    let given_back = until(Duration::from_secs(20), || {
        crowd.server.resident().is_ok_and(|now| now <= before + (16 << 20))
    });
    let left = crowd.server.resident()?.saturating_sub(before);
    ensure!(given_back, "{} MiB of {} are kept", left >> 20, grown >> 20);
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}
