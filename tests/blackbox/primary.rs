//! Nameservers of others as primaries of the zone zone.test, whose secondary is at 192.0.2.1.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rhumb_tests::rig::{Folder, Host, program};
use rhumb_tests::{Context, Failure};

use crate::secondary::{Key, Peer, knot_server, nsd_server};

/// One that runs until it is dropped, and listens on an address of its own in the network of its host.
pub(crate) struct Primary {
    peer: Peer,
    folder: Folder,
    child: Child,
}

impl Drop for Primary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Primary {
    /// Starts it on `host` with this zone; none where it is not installed. Requests have to be signed with `key`.
    pub(crate) fn start(
        peer: Peer,
        host: &Host,
        key: Option<&Key>,
        zone: &str,
    ) -> Result<Option<Self>, Failure> {
        let (program, arguments): (_, &[&str]) = match peer {
            Peer::Nsd => ("nsd", &["-d", "-c"]),
            Peer::Knot => ("knotd", &["-c"]),
            Peer::Bind => ("named", &["-g", "-n", "1", "-c"]),
        };
        let Some(file) = program::find(program) else { return Ok(None) };
        // One that was there before has left it behind.
        let _ = host.address("lo", &format!("{}/32", peer.address()));
        let folder = Folder::new()?;
        let text = match peer {
            Peer::Nsd => nsd(folder.path(), key),
            Peer::Knot => knot(folder.path(), key),
            Peer::Bind => bind(folder.path(), key),
        };
        folder.write("config", &text)?;
        folder.write("zone", zone)?;
        let log = std::fs::File::create(folder.at("log"))?;
        let mut command = host.command(file);
        command.args(arguments).arg(folder.at("config")).current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn().context(program)?;
        Ok(Some(Self { peer, folder, child }))
    }

    /// Has it serve another version.
    pub(crate) fn publish(&self, zone: &str) -> Result<(), Failure> {
        self.folder.write("zone", zone)?;
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGHUP)?)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.peer.address().parse().expect("an address"), 53)
    }

    pub(crate) fn log(&self) -> String {
        let more = |name: &str| std::fs::read_to_string(self.folder.at(name)).unwrap_or_default();
        more("log") + &more("nsd.log")
    }
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
