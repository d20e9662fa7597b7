//! What the configuration says of iteration.

use std::net::{IpAddr, SocketAddr};

use rhumb_wire::{DomainName, NameRef};

use super::work_limits::WorkLimits;
use crate::validate::TrustSettings;

/// How iteration goes about its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IterationSettings {
    /// The servers of the root.
    pub root: Vec<NameServer>,
    /// Domains with servers of their own.
    pub stubs: Vec<StubZone>,
    /// How much of a name servers are shown.
    pub minimisation: NameMinimisation,
    /// Whether servers are asked over IPv4.
    pub ipv4: bool,
    /// Whether servers are asked over IPv6.
    pub ipv6: bool,
    /// Whether servers on loopback addresses are asked.
    pub loopback: bool,
    /// What one question may cost.
    pub limits: WorkLimits,
    /// Seconds since 1970 before which the clock is taken to be wrong, so that the times of signatures do not count; 0 for never.
    pub lenient_before: u32,
    /// Whether answers come without the servers of their zone.
    pub minimal_responses: bool,
    /// Whether names are denied by what was proven of others (RFC 8198).
    pub aggressive_nsec: bool,
    /// What answers are validated by; none where they are not.
    pub trust: Option<TrustSettings>,
}

/// A nameserver and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// As the NS record has it.
    pub name: DomainName,
    /// Where it answers; empty where that is still to be found out.
    pub addresses: Vec<SocketAddr>,
}

/// A domain that is asked of these servers, whatever its parent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StubZone {
    /// The domain.
    pub domain: DomainName,
    /// Its servers.
    pub servers: Vec<SocketAddr>,
}

/// How much of a name servers above its own are shown (RFC 9156).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameMinimisation {
    /// One label more than their zone; the whole name where that leads nowhere.
    #[default]
    Relaxed,
    /// One label more than their zone, whatever comes of it.
    Strict,
    /// The whole name.
    Off,
}

impl IterationSettings {
    /// Whether a server at this address may be asked.
    pub fn allows(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let family = if ip.is_ipv4() { self.ipv4 } else { self.ipv6 };
        let local = match ip {
            IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.is_broadcast(),
            IpAddr::V6(_) => ip.is_unspecified(),
        };
        family && !local && !ip.is_multicast() && address.port() != 0 && (self.loopback || !ip.is_loopback())
    }

    /// The stub of exactly this domain.
    pub(super) fn stub(&self, domain: NameRef<'_>) -> Option<&StubZone> {
        self.stubs.iter().find(|stub| stub.domain.as_ref() == domain)
    }

    /// The stub that holds `name`, the closest one.
    pub(super) fn stub_above(&self, name: NameRef<'_>) -> Option<&StubZone> {
        let above = self.stubs.iter().filter(|stub| name.is_at_or_below(stub.domain.as_ref()));
        above.max_by_key(|stub| stub.domain.as_ref().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_cannot_be_are_not_asked() {
        let settings = IterationSettings {
            root: Vec::new(),
            stubs: Vec::new(),
            minimisation: NameMinimisation::Off,
            ipv4: true,
            ipv6: true,
            loopback: false,
            limits: WorkLimits::default(),
            lenient_before: 0,
            minimal_responses: false,
            aggressive_nsec: true,
            trust: None,
        };
        let with = |address: &str, settings: &IterationSettings| settings.allows(address.parse().unwrap());
        for address in ["192.0.2.1:53", "[2001:db8::1]:53", "10.0.0.1:5353"] {
            assert!(with(address, &settings), "{address}");
        }
        let never = [
            "0.0.0.0:53",
            "0.1.2.3:53",
            "255.255.255.255:53",
            "224.0.0.1:53",
            "[::]:53",
            "[ff02::1]:53",
            "192.0.2.1:0",
        ];
        for address in never.into_iter().chain(["127.0.0.1:53", "[::1]:53", "[::ffff:127.0.0.1]:53"]) {
            assert!(!with(address, &settings), "{address}");
        }
        let loopback = IterationSettings { loopback: true, ipv6: false, ..settings };
        assert!(
            with("127.0.0.1:53", &loopback) && !with("[::1]:53", &loopback) && !with("0.0.0.0:53", &loopback)
        );
    }
}
