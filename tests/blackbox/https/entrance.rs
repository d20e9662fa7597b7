//! What connections of DNS over HTTPS begin with.

use std::io::Read as _;
use std::thread;
use std::time::Duration;

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, program};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::{asked, base64url, curl};
use crate::authoritative::{Lab, config, lab};
use crate::encrypted::{Issued, TIME_LIMIT, is};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("https::encryption_follows_the_configuration", encryption),
    Test::beside("https::a_preface_in_parts_is_one", parts),
    Test::beside("https::a_proxy_is_no_network_of_clients", shared),
];

/// A server behind proxies, on port 8053 of 192.0.2.1.
fn behind_proxies() -> Result<Lab, Failure> {
    let listen = "port: 8053, transports: [https], tls: off, proxies: ['192.0.2.0/24']";
    let base = Config::new().listen_with("::", "transports: [udp, tcp]").listen_with("192.0.2.1", listen);
    let zone = config().files()[0].1.clone();
    lab(&base.zone("zone.test", &zone).more("server: { tcp-clients-per-network: 2 }"))
}

fn parts() -> Verdict {
    let lab = behind_proxies()?;
    let begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for at in [1, 3, 4, 20] {
        let mut stream = lab.client.tcp("192.0.2.1:8053".parse()?)?;
        stream.send_raw(&begin[..at])?;
        thread::sleep(Duration::from_millis(50));
        stream.send_raw(&begin[at..])?;
        let mut socket = stream.socket().try_clone()?;
        socket.set_read_timeout(Some(TIME_LIMIT))?;
        let mut head = [0; 9];
        socket.read_exact(&mut head)?;
        ensure_eq!(head[3..5], [4, 0], "the first frame for a preface with a pause after {at} bytes");
    }
    Ok(Outcome::Passed)
}

/// The limit of one network of clients is none of a proxy's.
fn shared() -> Verdict {
    let lab = behind_proxies()?;
    let mut open = Vec::new();
    for _ in 0..6 {
        open.push(lab.client.tcp("192.0.2.1:8053".parse()?)?);
    }
    let connections = || lab.server.metric("rhumb_tcp_connections", &[]);
    ensure!(until(TIME_LIMIT, || connections().is_ok_and(|open| is(open, 6))), "{} are open", connections()?);
    let refused = lab.server.metric("rhumb_tcp_refused_total", &["reason=\"client\""])?;
    ensure!(is(refused, 0), "{refused} were refused");
    drop(open);
    Ok(Outcome::Passed)
}

fn encryption() -> Verdict {
    if program::find("curl").is_none() {
        skip!("no curl here");
    }
    let issued = Issued::new()?;
    let zone = config().files()[0].1.clone();
    let with = |keys: &str| {
        let encrypted = issued.keys("udp, tcp, tls, https");
        Config::new().listen_with("::", &format!("{encrypted}, {keys}")).zone("zone.test", &zone)
    };
    let (on, off) = ("tls: on", "tls: off, proxies: ['0.0.0.0/0']");
    let lab = lab(&with(on))?;
    let good = base64url(&asked("web.zone.test.", "A"));
    let status = |scheme: &str| {
        curl(&lab, &issued, &["--http1.1"], &format!("{scheme}://dns.test:443/dns-query?dns={good}"))
    };
    for (keys, served, other) in [(on, "https", "http"), (off, "http", "https"), (on, "https", "http")] {
        lab.server.folder().write("rhumb.yaml", with(keys).text())?;
        lab.server.reload()?;
        ensure_eq!(status(served)?.status, "1.1 200", "{served} with {keys}");
        ensure!(status(other)?.status.ends_with("000"), "{other} with {keys} is served");
    }
    Ok(Outcome::Passed)
}
