//! Why a socket could not be bound, in words an operator can act on.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use nix::errno::Errno;

use crate::local::is_link_local;
use crate::port_owner;
use crate::socket_kind::SocketKind;

/// A listening socket that could not be had: which, the kernel's answer, and the likely cause.
#[derive(Debug)]
pub struct BindError {
    /// The address and port asked for.
    pub address: SocketAddr,
    /// What the socket was to carry.
    pub transport: SocketKind,
    /// The call that failed, such as `bind` or `listen`.
    pub step: &'static str,
    /// The kernel's answer.
    pub source: io::Error,
    /// The likely cause, in words.
    pub hint: String,
}

impl BindError {
    /// For a step that failed; looks for the cause, which for a port in use reads `/proc` for up to 0.3 seconds.
    pub(crate) fn new(
        transport: SocketKind,
        address: SocketAddr,
        step: &'static str,
        source: io::Error,
    ) -> Self {
        let hint = hint(transport, address, step, &source);
        Self { address, transport, step, source, hint }
    }

    /// The port asked for.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The error number, as errno(3) names it; `None` if the error is not the kernel's.
    pub fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, transport, step, source, hint } = self;
        write!(f, "cannot listen on {transport} {address}: {step}: ")?;
        match source.raw_os_error().map(Errno::from_raw) {
            // The debug form of an errno is its name.
            Some(errno) => write!(f, "{errno:?} ({}): ", errno.desc())?,
            None => write!(f, "{source}: ")?,
        }
        f.write_str(hint)
    }
}

fn hint(transport: SocketKind, address: SocketAddr, step: &str, source: &io::Error) -> String {
    let port = address.port();
    let ip = address.ip();
    match source.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRINUSE) => port_owner::describe(transport, address),
        Some(Errno::EACCES | Errno::EPERM) if step == "bind" && port < 1024 => {
            format!("port {port} needs CAP_NET_BIND_SERVICE or root")
        }
        Some(Errno::EACCES | Errno::EPERM) => {
            format!("this process may not {step} here (a security policy?)")
        }
        Some(Errno::EADDRNOTAVAIL) => not_here(&ip),
        Some(Errno::EINVAL) if needs_scope(address) => {
            format!("a link-local address needs its interface, as in {ip}%eth0")
        }
        Some(Errno::ENODEV | Errno::ENXIO) => {
            format!("this host has no interface {} now", scope(address))
        }
        Some(Errno::EAFNOSUPPORT) => format!("this host has {} switched off", family(&ip)),
        Some(Errno::EMFILE) => "this process has no file descriptor left (RLIMIT_NOFILE)".to_string(),
        Some(Errno::ENFILE) => "this host has no file descriptor left (fs.file-max)".to_string(),
        Some(Errno::ENOBUFS | Errno::ENOMEM) => "the kernel has no memory for it".to_string(),
        _ => "the kernel does not say more".to_string(),
    }
}

fn not_here(ip: &IpAddr) -> String {
    if ip.is_ipv6()
        && matches!(std::fs::read("/proc/sys/net/ipv6/conf/all/disable_ipv6"), Ok(v) if v.starts_with(b"1"))
    {
        return "this host has IPv6 switched off (net.ipv6.conf.all.disable_ipv6)".to_string();
    }
    if is_link_local(ip) {
        return format!("{ip} is not an address of that interface, and a link-local address must be");
    }
    format!("{ip} is not an address of this host, and the kernel refused to bind it ahead of its coming")
}

fn needs_scope(address: SocketAddr) -> bool {
    is_link_local(&address.ip()) && scope(address) == 0
}

fn scope(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(v6) => v6.scope_id(),
    }
}

fn family(ip: &IpAddr) -> &'static str {
    if ip.is_ipv4() { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: &str, errno: Errno) -> String {
        let address = address.parse().unwrap();
        BindError::new(SocketKind::Udp, address, "bind", io::Error::from_raw_os_error(errno as i32))
            .to_string()
    }

    #[test]
    fn names_address_errno_and_cause() {
        for (address, errno, wanted) in [
            (
                "0.0.0.0:53",
                Errno::EACCES,
                "udp 0.0.0.0:53: bind: EACCES (Permission denied): port 53 needs CAP_NET",
            ),
            ("0.0.0.0:5300", Errno::EACCES, "security policy"),
            ("192.0.2.1:53", Errno::EADDRNOTAVAIL, "192.0.2.1 is not an address of this host"),
            (
                "[fe80::1]:53",
                Errno::EINVAL,
                "[fe80::1]:53: bind: EINVAL (Invalid argument): a link-local address needs",
            ),
            ("[fe80::1%99]:53", Errno::ENODEV, "no interface 99"),
            ("[::]:53", Errno::EAFNOSUPPORT, "IPv6 switched off"),
            ("[::]:53", Errno::EMFILE, "RLIMIT_NOFILE"),
        ] {
            let text = text(address, errno);
            assert!(text.contains(wanted), "{text}");
        }
    }
}
