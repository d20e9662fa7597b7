//! Unbound and BIND that forward everything to one upstream.

use std::path::Path;

use crate::failure::Failure;
use crate::rig::host::Host;
use crate::rig::peer::{ResolverSoftware, RunningProgram};

/// What such a forwarder is told; all else is as it is by default.
pub struct ForwarderSettings<'a> {
    /// A folder of its own.
    pub home: &'a Path,
    /// Where it listens, on port 53.
    pub address: &'a str,
    /// The upstream, on port 53.
    pub upstream: &'a str,
    /// TCP connections of clients that it takes, if not as many as by default.
    pub tcp_clients: Option<u16>,
    /// Networks whose addresses are no good in answers; none for an empty list.
    pub private: &'a [&'a str],
    /// A program that becomes the forwarder (`["prlimit", "--nofile=128"]`).
    pub wrapper: &'a [&'a str],
}

/// Starts a forwarder on a host, one of whose interfaces carries the address. It may still be loading.
pub fn start_forwarder(
    software: ResolverSoftware,
    host: &Host,
    settings: &ForwarderSettings<'_>,
) -> Result<RunningProgram, Failure> {
    let config = match software {
        ResolverSoftware::Unbound => unbound(settings),
        ResolverSoftware::Bind => bind(settings),
    };
    let ForwarderSettings { home, wrapper, .. } = settings;
    RunningProgram::start_by(wrapper, host, home, software.file(), (software.arguments(), &config))
}

fn unbound(settings: &ForwarderSettings<'_>) -> String {
    let ForwarderSettings { home, address, upstream, tcp_clients, private, .. } = settings;
    let home = home.display();
    let clients = tcp_clients.map_or(String::new(), |clients| format!("  incoming-num-tcp: {clients}\n"));
    let private: Vec<_> = private.iter().map(|network| format!("  private-address: {network}\n")).collect();
    let private = private.concat();
    format!(
        "server:
  directory: \"{home}\"
  chroot: \"\"
  username: \"\"
  use-syslog: no
  interface: {address}
  access-control: 0.0.0.0/0 allow
  num-threads: 1
  module-config: \"iterator\"
{clients}{private}remote-control:
  control-enable: no
forward-zone:
  name: \".\"
  forward-addr: {upstream}
"
    )
}

fn bind(settings: &ForwarderSettings<'_>) -> String {
    let ForwarderSettings { home, address, upstream, tcp_clients, private, .. } = settings;
    let home = home.display();
    let clients = tcp_clients.map_or(String::new(), |clients| format!("  tcp-clients {clients};\n"));
    let private = match private {
        [] => String::new(),
        networks => format!("  deny-answer-addresses {{ {}; }};\n", networks.join("; ")),
    };
    format!(
        "options {{
  directory \"{home}\";
  listen-on {{ {address}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  managed-keys-directory \"{home}\";
  recursion yes;
  allow-query {{ any; }};
  allow-recursion {{ any; }};
  dnssec-validation no;
  forward only;
  forwarders {{ {upstream}; }};
{clients}{private}}};
controls {{ }};
"
    )
}
