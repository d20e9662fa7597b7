//! NSD, Knot and BIND of the distribution, set up to answer as rhumb does: minimal responses, no transfers, no recursion.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rhumb_tests::Failure;
use rhumb_tests::rig::peer::RunningProgram;
use rhumb_tests::rig::{Host, program};

/// Origin and file of each zone.
pub(crate) type Zones = [(String, PathBuf)];

/// Writes the configuration for a folder, addresses and zones.
type ConfigText = fn(&Path, &[String], &Zones) -> String;

/// One of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Software {
    Nsd,
    Knot,
    Bind,
}

impl Software {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Nsd, Self::Knot, Self::Bind];

    /// What people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nsd => "NSD",
            Self::Knot => "Knot",
            Self::Bind => "BIND",
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Nsd => "nsd",
            Self::Knot => "knotd",
            Self::Bind => "named",
        }
    }

    /// Starts it on port 53 of these addresses, which interfaces of the host carry.
    pub(crate) fn start(
        self,
        host: &Host,
        home: &Path,
        addresses: &[String],
        zones: &Zones,
    ) -> Result<RunningProgram, Failure> {
        let (arguments, config): (&[&str], ConfigText) = match self {
            Self::Nsd => (&["-d", "-c"], nsd),
            Self::Knot => (&["-c"], knot),
            Self::Bind => (&["-g", "-n", "1", "-c"], bind),
        };
        RunningProgram::start(host, home, self.file(), (arguments, &config(home, addresses, zones)))
    }
}

/// Those of the three that are missing here.
pub(crate) fn missing() -> Vec<&'static str> {
    let all = Software::ALL.into_iter();
    all.filter(|software| program::find(software.file()).is_none()).map(Software::name).collect()
}

fn nsd(home: &Path, addresses: &[String], zones: &Zones) -> String {
    let home = home.display();
    let addresses =
        addresses.iter().map(|address| format!("  ip-address: {address}\n")).collect::<Vec<_>>().concat();
    let mut text = format!(
        "server:
{addresses}  username: \"\"
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

fn knot(home: &Path, addresses: &[String], zones: &Zones) -> String {
    let home = home.display();
    let addresses: Vec<String> = addresses.iter().map(|address| format!("{address}@53")).collect();
    let addresses = addresses.join(", ");
    let mut text = format!(
        "server:
  listen: [{addresses}]
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

fn bind(home: &Path, addresses: &[String], zones: &Zones) -> String {
    let home = home.display();
    let of_family = |v6: bool| {
        let some: Vec<String> = addresses
            .iter()
            .filter(|address| address.contains(':') == v6)
            .map(|a| format!("{a}; "))
            .collect();
        if some.is_empty() { "none; ".to_owned() } else { some.concat() }
    };
    let (v4, v6) = (of_family(false), of_family(true));
    let mut text = format!(
        "options {{
  directory \"{home}\";
  listen-on {{ {v4}}};
  listen-on-v6 {{ {v6}}};
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
