//! Nameservers of others, each on an address of its own, that have one zone: zone.test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
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

impl Peer {
    pub(crate) const fn address(self) -> &'static str {
        match self {
            Self::Nsd => "192.0.2.12",
            Self::Knot => "192.0.2.13",
            Self::Bind => "192.0.2.14",
        }
    }

    /// The program, and what it takes before the name of its configuration.
    const fn command(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Nsd => ("nsd", &["-d", "-c"]),
            Self::Knot => ("knotd", &["-c"]),
            Self::Bind => ("named", &["-g", "-n", "1", "-c"]),
        }
    }
}

/// One that runs until it is dropped, and listens on its address in the network of its host.
pub(crate) struct PeerServer {
    peer: Peer,
    folder: Folder,
    child: Child,
}

impl Drop for PeerServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl PeerServer {
    /// Starts it on `host`; none where it is not installed. `config` is given its folder, where `zone` is the file of that name.
    pub(crate) fn start(
        peer: Peer,
        host: &Host,
        config: impl FnOnce(&Path) -> String,
        zone: Option<&str>,
    ) -> Result<Option<Self>, Failure> {
        let (program, arguments) = peer.command();
        let Some(file) = program::find(program) else { return Ok(None) };
        // One that was there before has left it behind.
        let _ = host.address("lo", &format!("{}/32", peer.address()));
        let folder = Folder::new()?;
        folder.write("config", config(folder.path()))?;
        if let Some(zone) = zone {
            folder.write("zone", zone)?;
        }
        let log = std::fs::File::create(folder.at("log"))?;
        let mut command = host.command(file);
        command.args(arguments).arg(folder.at("config")).current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn().context(program)?;
        Ok(Some(Self { peer, folder, child }))
    }

    /// Has it read another zone.
    pub(crate) fn publish(&self, zone: &str) -> Result<(), Failure> {
        self.folder.write("zone", zone)?;
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGHUP)?)
    }

    pub(crate) fn name(&self) -> String {
        format!("{:?}", self.peer)
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.peer.address().parse().expect("an address"), 53)
    }

    pub(crate) fn log(&self) -> String {
        let more = |name: &str| std::fs::read_to_string(self.folder.at(name)).unwrap_or_default();
        more("log") + &more("nsd.log")
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
