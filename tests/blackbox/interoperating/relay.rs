//! Nameservers of others between two of ours: secondaries of 10.77.N.1, primaries of 10.77.N.3, at 10.77.N.2.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rhumb_tests::rig::{Folder, Host, program};
use rhumb_tests::{Context, Failure, ensure_eq};

use crate::peer::Key;

/// Whose nameserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Software {
    Bind,
    Knot,
    Nsd,
    PowerDns,
}

/// A zone of a relay, and the keys towards its primary and its secondary.
pub(super) struct RelayZone {
    pub(super) name: String,
    pub(super) inward: Key,
    pub(super) outward: Key,
    /// Its contents, where the relay is the primary itself.
    pub(super) own: Option<String>,
}

impl Software {
    pub(super) const ALL: [Self; 4] = [Self::Bind, Self::Knot, Self::Nsd, Self::PowerDns];

    /// The third number of its addresses.
    const fn network(self) -> u8 {
        match self {
            Self::Bind => 1,
            Self::Knot => 2,
            Self::Nsd => 3,
            Self::PowerDns => 4,
        }
    }

    /// The interface of the primary that leads to it.
    pub(super) fn interface(self) -> String {
        format!("eth{}", self.network())
    }

    /// An address of its network: 1 is the primary of the relay, 2 the relay, 3 its secondary.
    pub(super) fn address(self, host: u8) -> String {
        format!("10.77.{}.{host}", self.network())
    }

    /// The file of its program, and what makes it stay in the foreground; its configuration comes behind.
    const fn program(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Bind => ("named", &["-g", "-n", "1", "-c"]),
            Self::Knot => ("knotd", &["-c"]),
            Self::Nsd => ("nsd", &["-d", "-c"]),
            Self::PowerDns => ("pdns_server", &[]),
        }
    }

    /// Whether it is installed here, with what it needs.
    pub(super) fn is_here(self) -> bool {
        let has_backend = || program::find("pdnsutil").is_some() && has_bind_backend();
        program::find(self.program().0).is_some() && (self != Self::PowerDns || has_backend())
    }
}

/// `PowerDNS` reads zone files with a backend that Debian packages by itself.
fn has_bind_backend() -> bool {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join("pdns/libbindbackend.so")).any(|file| file.exists())
}

/// One that runs until it is dropped.
pub(super) struct Relay {
    pub(super) software: Software,
    folder: Folder,
    child: Child,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Relay {
    /// Starts it on `host` with these zones. Its clock is so much ahead (`+299s`), or right.
    pub(super) fn start(
        software: Software,
        host: &Host,
        zones: &[RelayZone],
        clock: Option<&str>,
    ) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        for zone in zones {
            if let Some(text) = &zone.own {
                folder.write(&format!("{}.zone", zone.name), text)?;
            }
        }
        let (name, arguments) = software.program();
        let program = program::find(name).context(name)?;
        let settings = Settings { software, home: folder.path(), zones };
        let (file, text) = match software {
            Software::Bind => ("config", settings.bind()?),
            Software::Knot => ("config", settings.knot()?),
            Software::Nsd => ("config", settings.nsd()?),
            Software::PowerDns => ("pdns.conf", settings.powerdns()?),
        };
        let config = folder.write(file, &text)?;
        if software == Software::PowerDns {
            settings.powerdns_keys()?;
        }
        let log = fs::File::create(folder.at("log"))?;
        let mut command = host.command("env");
        if let Some(clock) = clock {
            command.args(program::clock(clock).context("libfaketime")?);
        }
        command.arg(program).args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        match software {
            Software::PowerDns => command.arg(format!("--config-dir={}", folder.path().display())),
            _ => command.arg(config),
        };
        let child = command.stdout(log.try_clone()?).stderr(log).spawn().context(name)?;
        Ok(Self { software, folder, child })
    }

    pub(super) fn to(&self) -> SocketAddr {
        SocketAddr::new(self.software.address(2).parse().expect("an address"), 53)
    }

    /// The end of what it logged.
    pub(super) fn log(&self) -> String {
        let more = |name: &str| fs::read_to_string(self.folder.at(name)).unwrap_or_default();
        let log = more("log") + &more("nsd.log");
        let lines: Vec<&str> = log.lines().collect();
        format!("{:?}: {}", self.software, lines[lines.len().saturating_sub(12)..].join(" | "))
    }
}

/// What a relay is told.
struct Settings<'s> {
    software: Software,
    home: &'s Path,
    zones: &'s [RelayZone],
}

impl Settings<'_> {
    /// The keys of all zones, towards both sides.
    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.zones.iter().flat_map(|zone| [&zone.inward, &zone.outward])
    }

    /// The addresses of primary, relay and secondary.
    fn addresses(&self) -> [String; 3] {
        [1, 2, 3].map(|host| self.software.address(host))
    }

    fn bind(&self) -> Result<String, Failure> {
        let ([primary, own, secondary], home) = (self.addresses(), self.home.display());
        let mut text = format!(
            "options {{ directory \"{home}\"; listen-on {{ {own}; }}; listen-on-v6 {{ none; }}; pid-file none; session-keyfile none;
  recursion no; dnssec-validation no; notify explicit; max-records-per-type 0; min-retry-time 1; max-retry-time 2; }};\ncontrols {{ }};\n"
        );
        for (name, algorithm, secret) in self.keys() {
            writeln!(text, "key {name} {{ algorithm {algorithm}; secret \"{secret}\"; }};")?;
        }
        for RelayZone { name, inward, outward, own } in self.zones {
            let origin = match own {
                Some(_) => "type primary; ixfr-from-differences yes;".to_owned(),
                None => format!("type secondary; primaries {{ {primary} key {}; }};", inward.0),
            };
            writeln!(
                text,
                "zone \"{name}\" {{ {origin} file \"{name}.zone\"; also-notify {{ {secondary} key {key}; }}; allow-transfer {{ {primary}; key {key}; }}; }};",
                key = outward.0
            )?;
        }
        Ok(text)
    }

    fn knot(&self) -> Result<String, Failure> {
        let ([primary, own, secondary], home) = (self.addresses(), self.home.display());
        let mut text = format!(
            "server:\n  listen: {own}@53\n  rundir: {home}\ndatabase:\n  storage: {home}\nlog:\n  - target: stderr\n    any: info\nkey:\n"
        );
        for (name, algorithm, secret) in self.keys() {
            writeln!(text, "  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}")?;
        }
        text += "remote:\n";
        for RelayZone { name, inward, outward, .. } in self.zones {
            writeln!(text, "  - id: from-{name}\n    address: {primary}@53\n    key: {}", inward.0)?;
            writeln!(text, "  - id: to-{name}\n    address: {secondary}@53\n    key: {}", outward.0)?;
        }
        writeln!(text, "acl:\n  - id: reader\n    address: {primary}\n    action: transfer")?;
        for RelayZone { name, inward, outward, .. } in self.zones {
            for (direction, key, action) in [("from", &inward.0, "notify"), ("to", &outward.0, "transfer")] {
                writeln!(text, "  - id: {direction}-{name}\n    key: {key}\n    action: {action}")?;
            }
        }
        text += "zone:\n";
        for RelayZone { name, own, .. } in self.zones {
            let origin = match own {
                Some(_) => format!("file: {name}.zone\n    zonefile-load: difference"),
                None => format!("master: from-{name}"),
            };
            writeln!(
                text,
                "  - domain: {name}\n    storage: {home}\n    {origin}\n    zonefile-sync: -1\n    journal-content: all\n    retry-max-interval: 2\n    \
                 notify: to-{name}\n    acl: [from-{name}, to-{name}, reader]"
            )?;
        }
        Ok(text)
    }

    fn nsd(&self) -> Result<String, Failure> {
        let ([primary, own, secondary], home) = (self.addresses(), self.home.display());
        let mut text = format!(
            "server:\n  ip-address: {own}\n  username: \"\"\n  database: \"\"\n  zonesdir: \"{home}\"\n  pidfile: \"{home}/pid\"\n  \
             xfrdfile: \"{home}/xfrd\"\n  zonelistfile: \"{home}/zonelist\"\n  xfrdir: \"{home}\"\n  logfile: \"{home}/nsd.log\"\n  \
             verbosity: 2\nremote-control:\n  control-enable: no\n"
        );
        for (name, algorithm, secret) in self.keys() {
            writeln!(text, "key:\n  name: {name}\n  algorithm: {algorithm}\n  secret: \"{secret}\"")?;
        }
        for RelayZone { name, inward, outward, own } in self.zones {
            let (inward, outward) = (&inward.0, &outward.0);
            let origin = match own {
                Some(_) => "create-ixfr: yes".to_owned(),
                None => format!(
                    "request-xfr: {primary} {inward}\n  allow-notify: {primary} {inward}\n  max-retry-time: 2"
                ),
            };
            writeln!(
                text,
                "zone:\n  name: {name}\n  zonefile: {name}.zone\n  {origin}\n  store-ixfr: yes\n  notify: {secondary} {outward}\n  \
                 provide-xfr: {secondary} {outward}\n  provide-xfr: {primary} NOKEY"
            )?;
        }
        Ok(text)
    }

    /// Its own settings, and the zones as BIND writes them.
    fn powerdns(&self) -> Result<String, Failure> {
        let ([primary, own, _], home) = (self.addresses(), self.home.display());
        let mut zones = format!("options {{ directory \"{home}\"; }};\n");
        for RelayZone { name, own, .. } in self.zones {
            let origin = match own {
                Some(_) => "type master;".to_owned(),
                None => format!("type slave; masters {{ {primary}; }};"),
            };
            writeln!(zones, "zone \"{name}\" {{ {origin} file \"{home}/{name}.zone\"; }};")?;
        }
        fs::write(self.home.join("named.conf"), zones)?;
        Ok(format!(
            "launch=bind\nbind-config={home}/named.conf\nbind-dnssec-db={home}/keys.db\nsocket-dir={home}\nlocal-address={own}\n\
             daemon=no\nguardian=no\ndisable-syslog=yes\nloglevel=6\nprimary=yes\nsecondary=yes\nsecondary-do-renotify=yes\n\
             xfr-cycle-interval=1\nonly-notify=\nallow-axfr-ips={primary}\nzone-cache-refresh-interval=0\ncache-ttl=0\nquery-cache-ttl=0\n\
             negquery-cache-ttl=0\nreceiver-threads=1\ndistributor-threads=1\nretrieval-threads=1\n"
        ))
    }

    /// Keys, and which zone uses which, stand in a database beside that.
    fn powerdns_keys(&self) -> Result<(), Failure> {
        let pdnsutil = program::find("pdnsutil").context("pdnsutil")?;
        let tell = |words: &[&str]| -> Result<(), Failure> {
            let mut command = std::process::Command::new(&pdnsutil);
            command.arg(format!("--config-dir={}", self.home.display())).args(words);
            let done = program::run(&mut command, Duration::from_secs(30))?;
            ensure_eq!(done.code, Some(0), "pdnsutil {words:?}: {}{}", done.out, done.err);
            Ok(())
        };
        let database = self.home.join("keys.db").display().to_string();
        tell(&["create-bind-db", &database])?;
        for (name, algorithm, secret) in self.keys() {
            tell(&["import-tsig-key", name, algorithm, secret])?;
        }
        for RelayZone { name, inward, outward, own } in self.zones {
            if own.is_none() {
                tell(&["activate-tsig-key", name, &inward.0, "secondary"])?;
            }
            tell(&["activate-tsig-key", name, &outward.0, "primary"])?;
            tell(&["set-meta", name, "ALSO-NOTIFY", &self.software.address(3)])?;
        }
        Ok(())
    }
}
