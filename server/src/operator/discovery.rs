//! `rhumb status --ddr`: the encrypted listeners, as clients and the options of DHCP have them.

use std::io::{self, Write};
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use rhumb_net::route;
use serde::{Deserialize, Serialize};

use crate::snapshot::{DesignatedResolver, ServerState, address_octets};

/// What clients that look for encrypted listeners are told.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DiscoveryStatus {
    /// The records of `_dns.resolver.arpa` (RFC 9462), without the address that a client asks.
    pub(super) records: Vec<String>,
    /// The data of option 162 of DHCP for IPv4, in hexadecimal digits (RFC 9463 section 5).
    pub(super) dhcpv4: String,
    /// The data of option 144 of DHCP for IPv6, which stands there once for each (RFC 9463 section 4).
    pub(super) dhcpv6: Vec<String>,
}

impl DiscoveryStatus {
    /// Of the listeners that are open.
    pub(super) fn of(live: &ServerState) -> Self {
        let local = route::local_addresses().unwrap_or_default();
        let local: Vec<IpAddr> = local.into_iter().map(|(ip, ..)| ip).collect();
        Self::of_resolvers(&live.designated.load(), &local)
    }

    fn of_resolvers(designated: &[DesignatedResolver], local: &[IpAddr]) -> Self {
        let mut status = Self::default();
        let mut v4 = Vec::new();
        for (priority, one) in (1..).zip(designated) {
            let parameters = one.parameters(None).join(" ");
            status.records.push(format!("_dns.resolver.arpa. IN SVCB {priority} {} {parameters}", one.name));
            let at = one.reached_at(local);
            if at.iter().any(IpAddr::is_ipv4) {
                v4.extend(option4(one, priority, &at));
            }
            if at.iter().any(IpAddr::is_ipv6) {
                status.dhcpv6.push(HEXLOWER.encode(&option6(one, priority, &at)));
            }
        }
        status.dhcpv4 = HEXLOWER.encode(&v4);
        status
    }

    /// Writes it for a person.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.records.is_empty() {
            return writeln!(out, "no encrypted listener that clients can be told of");
        }
        self.records.iter().try_for_each(|record| writeln!(out, "{record}"))?;
        if !self.dhcpv4.is_empty() {
            writeln!(out, "\nDHCP for IPv4, option 162\n{}", self.dhcpv4)?;
        }
        if !self.dhcpv6.is_empty() {
            writeln!(out, "\nDHCP for IPv6, option 144, once for each line")?;
        }
        self.dhcpv6.iter().try_for_each(|option| writeln!(out, "{option}"))
    }
}

/// One resolver of option 162: lengths are of one byte, and the whole stands behind its own.
fn option4(one: &DesignatedResolver, priority: u16, at: &[IpAddr]) -> Vec<u8> {
    let (name, addresses) = (one.name.as_ref().as_bytes(), address_octets(at, true));
    let data = [
        &priority.to_be_bytes(),
        [name.len() as u8].as_slice(),
        name,
        &[addresses.len() as u8],
        &addresses,
        &one.service_parameters(&[]),
    ]
    .concat();
    [&(data.len() as u16).to_be_bytes(), data.as_slice()].concat()
}

/// Option 144: lengths are of two bytes.
fn option6(one: &DesignatedResolver, priority: u16, at: &[IpAddr]) -> Vec<u8> {
    let (name, addresses) = (one.name.as_ref().as_bytes(), address_octets(at, false));
    [
        &priority.to_be_bytes(),
        (name.len() as u16).to_be_bytes().as_slice(),
        name,
        &(addresses.len() as u16).to_be_bytes(),
        &addresses,
        &one.service_parameters(&[]),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use rhumb_wire::Transport;

    use super::*;

    fn status(addresses: &[&str], local: &[&str]) -> DiscoveryStatus {
        let parse = |all: &[&str]| all.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        let tls = DesignatedResolver {
            name: "dns.example".parse().unwrap(),
            transport: Transport::Tls,
            port: 853,
            path: None,
            addresses: parse(addresses),
        };
        DiscoveryStatus::of_resolvers(&[tls], &parse(local))
    }

    #[test]
    fn options_have_the_addresses_that_others_reach() {
        let name = "03646e73076578616d706c6500";
        let parameters = "0001000403646f74000300020355";
        let found = status(&["::", "0.0.0.0"], &["127.0.0.1", "192.0.2.1", "::1", "2001:db8::1", "fe80::1"]);
        assert_eq!(found.records, ["_dns.resolver.arpa. IN SVCB 1 dns.example. alpn=dot port=853"]);
        assert_eq!(found.dhcpv4, format!("0023{}{name}{}{parameters}", "00010d", "04c0000201"));
        let v6 = format!("0001000d{name}001020010db8000000000000000000000001{parameters}");
        assert_eq!(found.dhcpv6, [v6]);
    }

    #[test]
    fn a_family_that_nobody_reaches_has_no_option() {
        let found = status(&["127.0.0.1", "2001:db8::1"], &["192.0.2.1"]);
        assert_eq!((found.dhcpv4.as_str(), found.dhcpv6.len()), ("", 1));
    }
}
