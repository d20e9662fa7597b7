//! Panics in the threads and tasks of the server: counted, and its work goes on within a second.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::time::{Duration, Instant};

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::script::script;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Config, Message, Server, rcode};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("supervising::the_reloader", reloader),
    Test::beside("supervising::a_zone_thread", zone_thread),
    Test::beside("supervising::a_resolve_task", resolve_task),
];

fn zone(serial: u32, address: &str) -> String {
    format!("$TTL 300\n@ SOA ns host {serial} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\nwww A {address}\n")
}

fn start(lab: &Lab, wanted: &str) -> Result<Server, rhumb_tests::Failure> {
    let config = Config::new().listen("192.0.2.1").zone("zone.test", &zone(1, "198.18.0.80"));
    Server::start_by(&lab.host, &config, &["env", &format!("RHUMB_TEST_PANIC={wanted}")])
}

/// Counted, and nothing is gone for good.
fn counted(server: &Server) -> Verdict {
    ensure_eq!(server.metric("rhumb_panics_total", &[])?, 1.0, "rhumb_panics_total");
    let health = server.page("/health")?;
    ensure_eq!(health.status, 200, "/health: {}", health.body);
    Ok(Outcome::Passed)
}

fn reloader() -> Verdict {
    let lab = Lab::new()?;
    let server = start(&lab, "reloader=1")?;
    let failed = server.tell(&["reload"])?;
    ensure_eq!(failed.code, Some(1), "exit status of the reload that panics: {}{}", failed.out, failed.err);
    ensure!(failed.err.contains("log"), "it does not say where more is to be found: {}", failed.err);
    let begun = Instant::now();
    server.folder().write("zones/zone.test.zone", zone(2, "198.18.0.81"))?;
    server.reload()?;
    ensure_eq!(lab.addresses("www.zone.test.")?, ["198.18.0.81"], "answer after the next reload");
    ensure!(begun.elapsed() < Duration::from_secs(1), "at work again only after {:?}", begun.elapsed());
    counted(&server)
}

fn zone_thread() -> Verdict {
    let lab = Lab::new()?;
    // The first reading is the one at the start.
    let server = start(&lab, "zone-reader=2")?;
    server.folder().write("zones/zone.test.zone", zone(2, "198.18.0.81"))?;
    let new = || lab.addresses("www.zone.test.").is_ok_and(|found| found == ["198.18.0.81"]);
    ensure!(until(Duration::from_secs(2), new), "the zone is not read again: {}", server.log_tail());
    counted(&server)
}

/// A panic in the task that waiting queries are handed to. Those that it had get SERVFAIL, as do those of the others once their upstream
/// is given up.
fn resolve_task() -> Verdict {
    const BEFORE: u32 = 39;
    let lab = Lab::new()?;
    let upstream = script(|asked| {
        if asked.name().starts_with("silent") {
            return Act::Silent;
        }
        asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())])
    });
    let _upstream = lab.upstream(0, upstream)?;
    let server = Server::start_by(
        &lab.host,
        &config().forward(".", &UP[..1]),
        &["env", &format!("RHUMB_TEST_PANIC=resolve-task={}", BEFORE + 1)],
    )?;
    let sockets = (0..=BEFORE)
        .map(|number| {
            let socket = lab.client.udp_socket(lab.to)?;
            socket.connect(lab.to)?;
            if number == BEFORE {
                let waits = |waiting: f64| waiting >= f64::from(BEFORE);
                until(Duration::from_secs(2), || {
                    server.metric("rhumb_forward_waiting", &[]).is_ok_and(waits)
                });
            }
            socket.send(&Message::query(&format!("silent{number}.up.example."), "A").edns(1232).to_wire())?;
            Ok(socket)
        })
        .collect::<Result<Vec<_>, rhumb_tests::Failure>>()?;
    let begun = Instant::now();
    let work = || lab.addresses("good.up.example.").is_ok_and(|found| found == ["198.18.0.1"]);
    ensure!(until(Duration::from_secs(1), work), "no work after the panic: {}", server.log_tail());
    for number in 0..20 {
        ensure_eq!(
            lab.addresses(&format!("after{number}.up.example."))?,
            ["198.18.0.1"],
            "name {number} after it"
        );
    }
    ensure!(begun.elapsed() < Duration::from_secs(3), "at work again only after {:?}", begun.elapsed());
    let mut ended_by_it = 0;
    for (number, socket) in sockets.iter().enumerate() {
        let left = Duration::from_secs(7).saturating_sub(begun.elapsed()).max(Duration::from_millis(100));
        let reply = receive(socket, left)?;
        let reply = reply.and_then(|(wire, _)| Message::from_wire(&wire).ok());
        ensure!(
            reply.as_ref().is_some_and(|reply| reply.rcode() == rcode::SERVFAIL),
            "query {number}: {reply:?}"
        );
        let texts = reply.iter().flat_map(|reply| &reply.edns).flat_map(|edns| &edns.options);
        ended_by_it += texts.filter(|(_, data)| data.ends_with(b"internal error")).count();
    }
    ensure!(ended_by_it >= 1, "no query was answered because of the panic");
    counted(&server)
}
