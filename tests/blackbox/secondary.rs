//! Nameservers of others as secondaries of the zone zone.test at 192.0.2.1.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rhumb_tests::rig::{Folder, Host, program};
use rhumb_tests::{Context, Failure};

/// Whose nameserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Nsd,
    Knot,
    Bind,
}

/// Name, algorithm and secret of a key.
pub(crate) type Key = (String, String, String);

/// One that runs until it is dropped, and listens on an address of its own in the network of its host.
pub(crate) struct Secondary {
    peer: Peer,
    folder: Folder,
    child: Child,
}

impl Drop for Secondary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Secondary {
    /// Starts it on `host`; none where it is not installed. Its requests are signed with `key`.
    pub(crate) fn start(peer: Peer, host: &Host, key: Option<&Key>) -> Result<Option<Self>, Failure> {
        let (program, arguments): (_, &[&str]) = match peer {
            Peer::Nsd => ("nsd", &["-d", "-c"]),
            Peer::Knot => ("knotd", &["-c"]),
            Peer::Bind => ("named", &["-g", "-n", "1", "-c"]),
        };
        let Some(file) = program::find(program) else { return Ok(None) };
        host.address("lo", &format!("{}/32", peer.address()))?;
        let folder = Folder::new()?;
        let text = match peer {
            Peer::Nsd => nsd(folder.path(), key),
            Peer::Knot => knot(folder.path(), key),
            Peer::Bind => bind(folder.path(), key),
        };
        folder.write("config", &text)?;
        let log = std::fs::File::create(folder.at("log"))?;
        let mut command = host.command(file);
        command.args(arguments).arg(folder.at("config")).current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn().context(program)?;
        Ok(Some(Self { peer, folder, child }))
    }

    pub(crate) fn name(&self) -> String {
        format!("{:?}", self.peer)
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.peer.address().parse().expect("an address"), 53)
    }

    pub(crate) fn log(&self) -> String {
        let more = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        more(self.folder.at("log")) + &more(self.folder.at("nsd.log"))
    }
}

impl Peer {
    pub(crate) const fn address(self) -> &'static str {
        match self {
            Self::Nsd => "192.0.2.12",
            Self::Knot => "192.0.2.13",
            Self::Bind => "192.0.2.14",
        }
    }
}

/// What NSD is told beside the zone: its server and the key, and the name of that for the zone.
pub(crate) fn nsd_server<'k>(home: &Path, key: Option<&'k Key>) -> (String, &'k str) {
    let home = home.display();
    let name = key.map_or("NOKEY", |(name, ..)| name);
    let key = key.map_or_else(String::new, |(name, algorithm, secret)| {
        format!("key:\n  name: {name}\n  algorithm: {algorithm}\n  secret: \"{secret}\"\n")
    });
    let server = format!(
        "server:
  ip-address: 192.0.2.12
  username: \"\"
  database: \"\"
  zonesdir: \"{home}\"
  pidfile: \"{home}/pid\"
  xfrdfile: \"{home}/xfrd\"
  zonelistfile: \"{home}/zonelist\"
  xfrdir: \"{home}\"
  logfile: \"{home}/nsd.log\"
  verbosity: 2
remote-control:
  control-enable: no
{key}"
    );
    (server, name)
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

/// What Knot is told beside the zone: its server and the key, and the line that uses that.
pub(crate) fn knot_server(home: &Path, key: Option<&Key>) -> (String, String) {
    let home = home.display();
    let used = key.map_or_else(String::new, |(name, ..)| format!("    key: {name}\n"));
    let key = key.map_or_else(String::new, |(name, algorithm, secret)| {
        format!("key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n")
    });
    let server = format!(
        "server:
  listen: 192.0.2.13@53
  rundir: {home}
database:
  storage: {home}
log:
  - target: stderr
    any: info
{key}"
    );
    (server, used)
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
