//! The threads that answer by UDP, and the datagrams that come to more than one host.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Host, Message, Server};
use rhumb_tests::{Context, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("datagrams::a_thread_that_panics_is_started_again", panics),
    Test::beside("datagrams::broadcast_is_answered_from_the_host", broadcast),
    Test::beside("datagrams::a_reply_that_cannot_be_sent_is_counted_once", unsendable),
];

/// The third, the seventh and the eighth batch are lost by a panic; a client that asks again is answered within a second.
fn panics() -> Verdict {
    const LOST: [u64; 3] = [3, 7, 8];
    let (host, client) = Host::pair()?;
    let config = Config::new().listen("192.0.2.1").zone("zone.test", SMALL_ZONE).more("workers: 1");
    let points = LOST.map(|batch| format!("udp-thread={batch}")).join(",");
    let wrapper = ["env", &format!("RHUMB_TEST_PANIC={points}")];
    let mut server = Server::launch(&host, &config, &wrapper)?;
    ensure!(until(Duration::from_secs(10), || server.logs("ready", Duration::ZERO)), "{}", server.log_tail());
    let to: SocketAddr = "192.0.2.1:53".parse()?;
    let client = Client::new(&client).time_limit(Duration::from_millis(100));
    for asked in 0..12 {
        let begun = Instant::now();
        let answered =
            until(Duration::from_secs(3), || client.udp(to, &Message::query("www.zone.test.", "A")).is_ok());
        ensure!(answered, "query {asked} has no answer: {}", server.log_tail());
        ensure!(begun.elapsed() < Duration::from_secs(1), "query {asked} took {:?}", begun.elapsed());
    }
    if !server.log().contains("injected: udp-thread") {
        skip!("this binary has no test hooks");
    }
    ensure_eq!(server.metric("rhumb_worker_restarts_total", &["worker=\"udp\""])?, 3.0, "restarts");
    ensure_eq!(server.metric("rhumb_panics_total", &[])?, 3.0, "panics");
    ensure_eq!(server.metric("rhumb_workers_failed", &[])?, 0.0, "threads that are gone");
    ensure_eq!(server.page("/health")?.status, 200, "/health");
    ensure!(server.ended()?.is_none(), "the server ended");
    Ok(Outcome::Passed)
}

/// An answer to a broadcast leaves from the address of the host in that network, whatever the listener is bound to.
fn broadcast() -> Verdict {
    for listen in ["0.0.0.0", "192.0.2.255"] {
        let (host, client) = Host::pair()?;
        let config = Config::new().listen("192.0.2.1").listen_with("192.0.2.1", "port: 54");
        let config = match listen {
            "0.0.0.0" => Config::new().listen(listen),
            other => config.listen_with(other, "port: 5353, transports: [udp]"),
        };
        let port = if listen == "0.0.0.0" { 53 } else { 5353 };
        let server = Server::start(&host, &config.zone("zone.test", SMALL_ZONE))?;
        let to = if listen == "0.0.0.0" { "192.0.2.255" } else { listen };
        let to = SocketAddr::new(to.parse()?, port);
        let socket = Client::new(&client).udp_socket(to)?;
        socket.set_broadcast(true)?;
        socket.send_to(&Message::query("www.zone.test.", "A").to_wire(), to)?;
        let (wire, from) = receive(&socket, Duration::from_secs(2))?
            .context(format!("no answer to a broadcast to {to}: {}", server.log_tail()))?;
        ensure_eq!(from, SocketAddr::new("192.0.2.1".parse()?, port), "who answers {to}");
        ensure_eq!(Message::from_wire(&wire)?.data("A"), ["198.18.0.80"], "answer to {to}");
    }
    Ok(Outcome::Passed)
}

/// Replies for which the host has no route, at hand and after waiting for an upstream: one drop each.
fn unsendable() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let server = lab.start(&config().zone("zone.test", SMALL_ZONE).forward(".", &UP[..1]))?;
    lab.client.host().address("eth0", "203.0.113.9/24")?;
    for interface in ["all", "eth0"] {
        lab.host.sysctl(&format!("net/ipv4/conf/{interface}/rp_filter"), "0")?;
    }
    lab.host.route("unreachable 203.0.113.0/24")?;
    let client = lab.client.clone().from("203.0.113.9".parse()?).time_limit(Duration::from_millis(200));
    for (name, all) in [("www.zone.test.", 1.0), ("absent.zone.test.", 2.0), ("www.up.example.", 3.0)] {
        let answer = client.exchange_raw(lab.to, &Message::query(name, "A").to_wire())?;
        ensure!(answer.is_none(), "{name}: an answer came although there is no route");
        let dropped = |labels: &[&str]| server.metric("rhumb_dns_dropped_total", labels);
        let failed = ["reason=\"send-failed\""];
        ensure!(
            until(Duration::from_secs(5), || dropped(&failed).is_ok_and(|count| count >= all)),
            "{name}: {} replies could not be sent",
            dropped(&failed)?
        );
        ensure_eq!(dropped(&failed)?, all, "replies that could not be sent, after {name}");
        ensure_eq!(dropped(&[])?, all, "drops for any reason, after {name}");
    }
    Ok(Outcome::Passed)
}
