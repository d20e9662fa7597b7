//! `rhumb selftest`: every local address is asked through every listener. Does the reply come from the address asked?

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::thread;
use std::time::Duration;

use rhumb_wire::Transport;
use serde::Serialize;

use super::healthcheck::{by_tcp, reply};
use super::listeners::{self, AskedListener};
use super::question::ProbeQuestion;
use super::target;
use crate::cli::exit::{self, CommandExit};
use crate::cli::server_target::ServerTarget;
use crate::operator::show::{AnswerStreams, TextTable};

/// How long to wait for a reply, and how often to ask.
const REPLY_WITHIN: Duration = Duration::from_millis(700);
const TRIES: usize = 2;
/// Addresses asked at once.
const AT_ONCE: usize = 16;

/// One address asked in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// The address and port asked.
    address: SocketAddr,
    /// `udp` or `tcp`.
    transport: &'static str,
    /// Where the reply came from; `None` if none came.
    replied_from: Option<SocketAddr>,
    /// Whether it came from the address asked.
    ok: bool,
    /// Why not, where there is more to say.
    why: Option<String>,
}

/// Asks every address and prints what came back from where, as a table or, with `json`, as a list of objects.
pub(crate) fn selftest(target: &ServerTarget, json: bool, streams: &mut AnswerStreams<'_>) -> CommandExit {
    let config = match target::listeners(target.config.as_deref()) {
        Ok(config) => config,
        Err(errors) => {
            exit::complain(streams, errors);
            return CommandExit::Wrong;
        }
    };
    let found = match rhumb_net::route::local_addresses() {
        Ok(found) => found,
        Err(error) => return exit::fail(streams, [format!("the addresses of this host: {error}")]),
    };
    let destinations = listeners::all(&config.listen, &found);
    let mut seen = HashSet::new();
    let local = found.iter().map(|(ip, scope, _)| (*ip, *scope));
    let local: Vec<_> = local.filter(|address| seen.insert(*address)).collect();
    if destinations.is_empty() {
        return exit::fail(streams, ["no address of this host is one that the configuration listens on"]);
    }
    let findings = ask_all(&destinations, &local);
    let failed = findings.iter().filter(|finding| !finding.ok).count();
    let shown = if json {
        exit::json(streams, &findings)
    } else {
        let result = table(&findings).write(streams.out);
        exit::written(streams, result)
    };
    match failed {
        0 => shown,
        _ => exit::fail(
            streams,
            [format!("{failed} of {} not answered from the address asked", findings.len())],
        ),
    }
}

fn table(findings: &[Finding]) -> TextTable {
    let mut table = TextTable::with_head(["ADDRESS", "TRANSPORT", "REPLIED FROM", "OK"]);
    for finding in findings {
        let from = finding.replied_from.map_or("-".to_owned(), |from| from.to_string());
        let verdict = match (&finding.why, finding.ok) {
            (_, true) => "yes".to_owned(),
            (None, false) => "no".to_owned(),
            (Some(why), false) => format!("no: {why}"),
        };
        table.row([&finding.address.to_string(), finding.transport, &from, &verdict]);
    }
    table
}

fn ask_all(destinations: &[AskedListener], local: &[(IpAddr, u32)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for some in destinations.chunks(AT_ONCE) {
        let found = thread::scope(|scope| {
            let asked: Vec<_> = some.iter().map(|to| scope.spawn(move || ask(to, local))).collect();
            asked.into_iter().flat_map(|one| one.join().unwrap_or_default()).collect::<Vec<_>>()
        });
        findings.extend(found);
    }
    findings
}

fn ask(to: &AskedListener, local: &[(IpAddr, u32)]) -> Vec<Finding> {
    let mut found = Vec::new();
    if to.transports.contains(&Transport::Udp) {
        found.push(finding(to.address, "udp", by_udp(to.address, local)));
    }
    if to.transports.contains(&Transport::Tcp) {
        // A stream has no other end than the one that was asked.
        found.push(finding(to.address, "tcp", by_tcp(to.address, REPLY_WITHIN).map(|()| to.address)));
    }
    found
}

fn finding(address: SocketAddr, transport: &'static str, reply: io::Result<SocketAddr>) -> Finding {
    match reply {
        Ok(from) => {
            let ok = (from.ip(), from.port()) == (address.ip(), address.port());
            Finding { address, transport, replied_from: Some(from), ok, why: None }
        }
        Err(error) => {
            let why = match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no reply".to_owned(),
                _ => error.to_string(),
            };
            Finding { address, transport, replied_from: None, ok: false, why: Some(why) }
        }
    }
}

/// Where the reply to a datagram came from; from anywhere, for the socket is not connected.
fn by_udp(to: SocketAddr, local: &[(IpAddr, u32)]) -> io::Result<SocketAddr> {
    let mut outcome = Err(io::ErrorKind::TimedOut.into());
    for _ in 0..TRIES {
        let question = ProbeQuestion::new()?;
        let socket = sent(to, local, question)?;
        outcome = reply(&socket, question, REPLY_WITHIN);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Sends the question from another address than the one asked: asked from itself, an address is what the kernel would
/// choose for the reply even if the server left the choice to it.
fn sent(to: SocketAddr, local: &[(IpAddr, u32)], question: ProbeQuestion) -> io::Result<UdpSocket> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for own in sources(to, local) {
        match UdpSocket::bind(own).and_then(|socket| socket.send_to(&question.message(), to).map(|_| socket))
        {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses to ask from, best first; the last leaves it to the kernel, where the host has no other.
fn sources(to: SocketAddr, local: &[(IpAddr, u32)]) -> Vec<SocketAddr> {
    let v6 = |ip, scope| SocketAddr::from(SocketAddrV6::new(ip, 0, 0, scope));
    let others = local.iter().filter(|(ip, _)| *ip != to.ip());
    match to {
        SocketAddr::V4(_) => {
            // Every address of 127.0.0.0/8 is this host's (RFC 1122 section 3.2.1.3).
            let loopback = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];
            let loopback = loopback.into_iter().map(IpAddr::from).filter(|ip| *ip != to.ip());
            let others = others.map(|(ip, _)| *ip).filter(IpAddr::is_ipv4);
            let all = loopback.chain(others).chain([Ipv4Addr::UNSPECIFIED.into()]);
            all.map(|ip| SocketAddr::new(ip, 0)).collect()
        }
        SocketAddr::V6(to) => {
            // Packets do not leave the zone of a link-local address (RFC 4007 section 5).
            let mut found: Vec<_> = others
                .filter_map(|(ip, scope)| match ip {
                    IpAddr::V6(ip) if *scope == to.scope_id() => Some(v6(*ip, *scope)),
                    _ => None,
                })
                .collect();
            found.push(v6(Ipv6Addr::UNSPECIFIED, 0));
            found
        }
    }
}

#[cfg(test)]
mod tests;
