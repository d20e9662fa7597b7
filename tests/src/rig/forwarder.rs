//! Unbound and BIND that forward everything to one upstream.

use std::path::Path;

use crate::failure::Failure;
use crate::rig::host::Host;
use crate::rig::peer::{ResolverSoftware, RunningProgram, bind_options, unbound_server};

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
    let server = unbound_server(home, address, "iterator");
    let clients = tcp_clients.map_or(String::new(), |clients| format!("  incoming-num-tcp: {clients}\n"));
    let private: Vec<_> = private.iter().map(|network| format!("  private-address: {network}\n")).collect();
    let private = private.concat();
    format!(
        "{server}{clients}{private}remote-control:
  control-enable: no
forward-zone:
  name: \".\"
  forward-addr: {upstream}
"
    )
}

fn bind(settings: &ForwarderSettings<'_>) -> String {
    let ForwarderSettings { home, address, upstream, tcp_clients, private, .. } = settings;
    let clients = tcp_clients.map_or(String::new(), |clients| format!("  tcp-clients {clients};\n"));
    let private = match private {
        [] => String::new(),
        networks => format!("  deny-answer-addresses {{ {}; }};\n", networks.join("; ")),
    };
    let more = format!(
        "  dnssec-validation no;\n  forward only;\n  forwarders {{ {upstream}; }};\n{clients}{private}"
    );
    bind_options(home, address, &more)
}
