//! NSD, Knot and BIND of the distribution, set up to answer as rhumb does: minimal responses, no transfers, no recursion.

use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rhumb_tests::rig::{Folder, Host, program};
use rhumb_tests::{Context, Failure};

/// Origin and file of each zone.
pub(super) type Zones = [(String, PathBuf)];

/// One server of others, killed when it is dropped.
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) to: SocketAddr,
    child: Child,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Program {
    name: &'static str,
    file: &'static str,
    address: &'static str,
    arguments: &'static [&'static str],
    config: fn(&Path, &str, &Zones) -> String,
}

const PROGRAMS: [Program; 3] = [
    Program { name: "NSD", file: "nsd", address: "127.0.0.2", arguments: &["-d", "-c"], config: nsd },
    Program { name: "Knot", file: "knotd", address: "127.0.0.3", arguments: &["-c"], config: knot },
    Program {
        name: "BIND",
        file: "named",
        address: "127.0.0.4",
        arguments: &["-g", "-n", "1", "-c"],
        config: bind,
    },
];

/// Those of the three that are missing here.
pub(super) fn missing() -> Vec<&'static str> {
    PROGRAMS
        .iter()
        .filter(|program| program::find(program.file).is_none())
        .map(|program| program.name)
        .collect()
}

/// Starts all three on the host, each on port 53 of a loopback address of its own. They may still be loading.
pub(super) fn start(host: &Host, folder: &Folder, zones: &Zones) -> Result<Vec<Peer>, Failure> {
    let mut peers = Vec::new();
    for program in &PROGRAMS {
        let home = folder.at(program.name);
        // BIND looks for addresses that interfaces carry.
        host.address("lo", &format!("{}/32", program.address))?;
        std::fs::create_dir_all(&home)?;
        let config = home.join("config");
        std::fs::write(&config, (program.config)(&home, program.address, zones))?;
        let log = File::create(home.join("log"))?;
        let child = host
            .command(program::find(program.file).context(program.file)?)
            .args(program.arguments)
            .arg(&config)
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context(program.file)?;
        peers.push(Peer { name: program.name, to: format!("{}:53", program.address).parse()?, child });
    }
    Ok(peers)
}

fn nsd(home: &Path, address: &str, zones: &Zones) -> String {
    let home = home.display();
    let mut text = format!(
        "server:
  ip-address: {address}
  username: \"\"
  server-count: 1
  tcp-count: 100
  database: \"\"
  minimal-responses: yes
  rrl-ratelimit: 0
  pidfile: \"{home}/pid\"
  xfrdfile: \"{home}/xfrd\"
  zonelistfile: \"{home}/zonelist\"
remote-control:
  control-enable: no
"
    );
    for (origin, file) in zones {
        writeln!(text, "zone:\n  name: \"{origin}\"\n  zonefile: \"{}\"", file.display())
            .expect("a String takes everything");
    }
    text
}

fn knot(home: &Path, address: &str, zones: &Zones) -> String {
    let home = home.display();
    let mut text = format!(
        "server:
  listen: {address}@53
  rundir: {home}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: {home}
template:
  - id: default
    semantic-checks: off
    zonefile-load: whole
    journal-content: none
zone:
"
    );
    for (origin, file) in zones {
        writeln!(text, "  - domain: \"{origin}\"\n    file: \"{}\"", file.display())
            .expect("a String takes everything");
    }
    text
}

fn bind(home: &Path, address: &str, zones: &Zones) -> String {
    let home = home.display();
    let mut text = format!(
        "options {{
  directory \"{home}\";
  listen-on {{ {address}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  minimal-responses yes;
  minimal-any no;
  notify no;
  check-names primary ignore;
  check-integrity no;
  check-wildcard no;
  check-sibling no;
  check-dup-records ignore;
  check-mx ignore;
  check-mx-cname ignore;
  check-srv-cname ignore;
  dnssec-validation no;
  empty-zones-enable no;
}};
controls {{ }};
"
    );
    for (origin, file) in zones {
        writeln!(text, "zone \"{origin}\" {{ type primary; file \"{}\"; }};", file.display())
            .expect("a String takes everything");
    }
    text
}
