//! Sessions with upstreams go on over connections.

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Folder, Server, program};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::lab::{ZONE, forwarder, issue};
use crate::encrypted::{TIME_LIMIT, is};
use crate::forwarding::{Lab, UP};

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::beside("upstreams::resumed::a_new_connection_goes_on_with_the_session", resumed)];

/// Questions, each on a connection of its own.
const CONNECTIONS: u32 = 6;

fn resumed() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, folder) = (Lab::new()?, Folder::new()?);
    let pair = issue(&folder, "own", false)?;
    let config = Config::new().listen_with(UP[0], &pair.listener()).zone("up.example", ZONE);
    let upstream = Server::start(&lab.behind, &config.more("server: { tcp-idle: 300ms }"))?;
    let ca = pair.chain.display();
    let forms = [
        ("tls", "tls://10.53.0.1#dns.test"),
        ("https", "https://dns.test/dns-query@10.53.0.1"),
        ("quic", "quic://10.53.0.1#dns.test"),
    ];
    let entry = |(label, form): &(&str, &str)| {
        format!("domain: {label}.up.example, upstreams: [\"{form}\"], ca: {ca}")
    };
    let server = forwarder(&lab, &forms.iter().map(entry).collect::<Vec<_>>())?;
    for (proto, form) in forms {
        let label = format!("proto=\"{proto}\"");
        for number in 0..CONNECTIONS {
            let found = lab.addresses(&format!("n{number}.{proto}.up.example."))?;
            ensure_eq!(found, ["198.18.0.7"], "{form}: {}", server.log_tail());
            let open = || server.metric("rhumb_upstream_connections", &[&label]);
            ensure!(
                until(TIME_LIMIT, || open().is_ok_and(|open| is(open, 0))),
                "{form}: the connection stays"
            );
        }
        let count = |result: &str| {
            upstream.metric("rhumb_tls_handshakes_total", &[&label, &format!("result=\"{result}\"")])
        };
        let (full, resumed) = (count("full")?, count("resumed")?);
        // The library that quic is spoken with does not say which one of handshakes at a time was resumed.
        ensure!(full + resumed >= f64::from(CONNECTIONS), "{form}: {full} and {resumed} handshakes");
        ensure!(full <= 2.0, "{form}: {full} full handshakes, {resumed} resumed");
    }
    Ok(Outcome::Passed)
}
