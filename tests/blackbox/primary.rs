//! Nameservers of others as primaries of the zone zone.test, whose secondary is at 192.0.2.1.

use std::path::Path;

use rhumb_tests::Failure;
use rhumb_tests::rig::Host;

use crate::peer::{Key, Peer, PeerServer, knot_server, nsd_server};

/// Starts one on `host` with this zone; none where it is not installed. Requests have to be signed with `key`.
pub(crate) fn start_primary(
    peer: Peer,
    host: &Host,
    key: Option<&Key>,
    zone: &str,
) -> Result<Option<PeerServer>, Failure> {
    let config = match peer {
        Peer::Nsd => nsd,
        Peer::Knot => knot,
        Peer::Bind => bind,
    };
    PeerServer::start(peer, host, |home| config(home, key), Some(zone))
}

fn nsd(home: &Path, key: Option<&Key>) -> String {
    let (server, name) = nsd_server(home, key);
    format!(
        "{server}zone:
  name: zone.test
  zonefile: zone
  store-ixfr: yes
  create-ixfr: yes
  provide-xfr: 192.0.2.1 {name}
  notify: 192.0.2.1 {name}
  outgoing-interface: 192.0.2.12
"
    )
}

fn knot(home: &Path, key: Option<&Key>) -> String {
    let (server, used) = knot_server(home, key);
    let home = home.display();
    format!(
        "{server}remote:
  - id: secondary
    address: 192.0.2.1@53
    via: 192.0.2.13
{used}acl:
  - id: transfer
    address: 192.0.2.1
{used}    action: transfer
zone:
  - domain: zone.test
    storage: {home}
    file: zone
    zonefile-load: difference
    zonefile-sync: -1
    journal-content: all
    notify: secondary
    acl: transfer
"
    )
}

fn bind(home: &Path, key: Option<&Key>) -> String {
    let home = home.display();
    let used = key.map_or_else(String::new, |(name, ..)| format!(" key {name}"));
    let (allowed, key) = key.map_or_else(
        || ("192.0.2.1".to_owned(), String::new()),
        |(name, algorithm, secret)| {
            let statement = format!("key {name} {{ algorithm {algorithm}; secret \"{secret}\"; }};\n");
            (format!("key {name}"), statement)
        },
    );
    format!(
        "options {{
  directory \"{home}\";
  listen-on {{ 192.0.2.14; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  dnssec-validation no;
  notify-source 192.0.2.14;
  ixfr-from-differences yes;
}};
controls {{ }};
{key}zone \"zone.test\" {{ type primary; file \"zone\"; notify explicit; also-notify {{ 192.0.2.1{used}; }}; allow-transfer {{ {allowed}; }}; }};
"
    )
}
