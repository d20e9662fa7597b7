//! Nameservers of others as secondaries of the zone zone.test at 192.0.2.1.

use std::path::Path;

use rhumb_tests::Failure;
use rhumb_tests::rig::Host;

use crate::peer::{Key, Peer, PeerServer, knot_server, nsd_server};

/// Starts one on `host`; none where it is not installed. Its requests are signed with `key`.
pub(crate) fn start_secondary(
    peer: Peer,
    host: &Host,
    key: Option<&Key>,
) -> Result<Option<PeerServer>, Failure> {
    let config = match peer {
        Peer::Nsd => nsd,
        Peer::Knot => knot,
        Peer::Bind => bind,
    };
    PeerServer::start(peer, host, |home| config(home, key), None)
}

fn nsd(home: &Path, key: Option<&Key>) -> String {
    let (server, name) = nsd_server(home, key);
    format!(
        "{server}zone:
  name: zone.test
  zonefile: zone
  request-xfr: 192.0.2.1 {name}
  allow-notify: 192.0.2.1 {name}
"
    )
}

fn knot(home: &Path, key: Option<&Key>) -> String {
    let (server, used) = knot_server(home, key);
    let home = home.display();
    format!(
        "{server}remote:
  - id: primary
    address: 192.0.2.1@53
{used}acl:
  - id: notify
    address: 192.0.2.1
{used}    action: notify
zone:
  - domain: zone.test
    storage: {home}
    master: primary
    acl: notify
"
    )
}

fn bind(home: &Path, key: Option<&Key>) -> String {
    let home = home.display();
    let used = key.map_or_else(String::new, |(name, ..)| format!(" key {name}"));
    let key = key.map_or_else(String::new, |(name, algorithm, secret)| {
        format!("key {name} {{ algorithm {algorithm}; secret \"{secret}\"; }};\n")
    });
    format!(
        "options {{
  directory \"{home}\";
  listen-on {{ 192.0.2.14; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  notify no;
  dnssec-validation no;
  max-records-per-type 0;
}};
controls {{ }};
{key}zone \"zone.test\" {{ type secondary; primaries {{ 192.0.2.1{used}; }}; file \"zone\"; }};
"
    )
}
