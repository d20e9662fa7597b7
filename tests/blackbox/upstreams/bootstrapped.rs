//! Upstreams that are given by name alone, and whose addresses are looked up.

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Folder, Server, program};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, skip};

use super::lab::{Pair, ZONE, forwarder, issue};
use crate::encrypted::TIME_LIMIT;
use crate::forwarding::{Lab, UP};

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::beside("upstreams::bootstrapped::names_are_looked_up_and_followed", followed)];

/// The upstream at two addresses, which also knows its own name if that has an address.
fn upstream(pair: &Pair, address: Option<&str>) -> Config {
    let mut config = Config::new().zone("up.example", ZONE);
    for ip in &UP[..2] {
        config = config.listen_with(ip, &pair.listener());
    }
    match address {
        None => config,
        Some(ip) => {
            let zone = "$TTL 5\n@ SOA ns hostmaster 1 3600 600 86400 5\n@ NS ns\nns A 10.53.0.1\n";
            config.zone("test", &format!("{zone}dns A {ip}\n"))
        }
    }
}

fn followed() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, folder) = (Lab::new()?, Folder::new()?);
    let pair = issue(&folder, "own", false)?;
    let behind = Server::start(&lab.behind, &upstream(&pair, Some(UP[0])))?;
    let ca = pair.chain.display();
    let forms = [("a", "tls://dns.test"), ("b", "https://dns.test/dns-query"), ("c", "quic://dns.test")];
    let entry = |(label, form): &(&str, &str)| {
        format!("domain: {label}.up.example, upstreams: [\"{form}\"], ca: {ca}, bootstrap: [{}]", UP[0])
    };
    let server = forwarder(&lab, &forms.iter().map(entry).collect::<Vec<_>>())?;
    let mut number = 0;
    let mut resolves = |label: &str| -> Result<bool, Failure> {
        number += 1;
        Ok(lab.addresses(&format!("n{number}.{label}.up.example."))? == ["198.18.0.7"])
    };
    for (label, form) in forms {
        let found = until(TIME_LIMIT, || resolves(label).unwrap_or(false));
        ensure!(found, "{form} is not asked: {}", server.log_tail());
    }
    let asks = |ip: &str| {
        let told = server.tell(&["explain", "new.a.up.example", "A"])?.out;
        Ok::<_, Failure>(told.contains(&format!("tls://{ip}:853#dns.test")))
    };
    let status = server.tell(&["status"])?.out;
    ensure!(status.contains("tls://10.53.0.1:853#dns.test"), "status: {status}");
    // Another address, found when the TTL has ended.
    behind.rewrite(&upstream(&pair, Some(UP[1])))?;
    behind.reload()?;
    let moved =
        until(TIME_LIMIT * 2, || server.log().contains("upstreams removed: tls://10.53.0.1:853#dns.test"));
    ensure!(moved, "the new address is not found: {}", server.log_tail());
    for (label, form) in forms {
        ensure!(resolves(label)?, "{form} at its new address: {}", server.log_tail());
    }
    ensure!(
        asks(UP[1])? || server.tell(&["status"])?.out.contains("tls://10.53.0.2:853#dns.test"),
        "the address"
    );
    // Nobody knows the name any more: what was known of it stays.
    behind.rewrite(&upstream(&pair, None))?;
    behind.reload()?;
    ensure!(server.logs("its addresses stay", TIME_LIMIT * 2), "no failure is told: {}", server.log_tail());
    for (label, form) in forms {
        ensure!(resolves(label)?, "{form} once its name is not found: {}", server.log_tail());
    }
    Ok(Outcome::Passed)
}
