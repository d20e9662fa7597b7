//! Panics in the threads and tasks of the server: counted, and its work goes on within a second.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::time::{Duration, Instant};

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Server};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::Lab;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("supervising::the_reloader", reloader),
    Test::beside("supervising::a_zone_thread", zone_thread),
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
