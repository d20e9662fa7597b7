//! The encrypted listeners, as clients find them (RFC 9462).

use std::net::IpAddr;

use rhumb_wire::{DomainName, Transport};

/// The most addresses of a family that a client is told of.
const HINTS: usize = 4;

/// An encrypted listener, or several that differ by nothing but their address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesignatedResolver {
    /// What its certificate is for.
    pub name: DomainName,
    /// What is spoken there.
    pub transport: Transport,
    /// Its port.
    pub port: u16,
    /// Where queries by HTTP come to.
    pub path: Option<String>,
    /// Where it listens; the unspecified address stands for all of its family.
    pub addresses: Vec<IpAddr>,
}

/// Keys of parameters, in the order in which they stand (RFC 9460 section 14.3.2, RFC 9461 section 5).
const ALPN: u16 = 1;
const PORT: u16 = 3;
const IPV4_HINT: u16 = 4;
const IPV6_HINT: u16 = 6;
const DOH_PATH: u16 = 7;

impl DesignatedResolver {
    /// The RDATA of its SVCB record (RFC 9460 section 2.2) for a client that asked at `asked`.
    pub fn rdata(&self, priority: u16, asked: IpAddr) -> Vec<u8> {
        let parameters = self.service_parameters(&self.hints(asked));
        [&priority.to_be_bytes(), self.name.as_ref().as_bytes(), &parameters].concat()
    }

    /// Its parameters as SVCB and the options of DHCP have them, with these hints.
    pub fn service_parameters(&self, hints: &[IpAddr]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, ALPN, &self.protocol());
        put(&mut bytes, PORT, &self.port.to_be_bytes());
        put(&mut bytes, IPV4_HINT, &address_octets(hints, true));
        put(&mut bytes, IPV6_HINT, &address_octets(hints, false));
        let template = self.path.as_ref().map(|path| format!("{path}{{?dns}}"));
        put(&mut bytes, DOH_PATH, template.unwrap_or_default().as_bytes());
        bytes
    }

    /// The same in the words of a zone file (RFC 9460 section 2.1).
    pub fn parameters(&self, asked: Option<IpAddr>) -> Vec<String> {
        let protocol = self.transport.facts().protocols.first().map(|name| String::from_utf8_lossy(name));
        let mut all = vec![format!("alpn={}", protocol.unwrap_or_default()), format!("port={}", self.port)];
        let hints = asked.map_or_else(|| self.specific(), |asked| self.hints(asked));
        for (key, is_of) in
            [("ipv4hint", IpAddr::is_ipv4 as fn(&IpAddr) -> bool), ("ipv6hint", IpAddr::is_ipv6)]
        {
            let hints: Vec<String> = hints.iter().filter(|ip| is_of(ip)).map(IpAddr::to_string).collect();
            if !hints.is_empty() {
                all.push(format!("{key}={}", hints.join(",")));
            }
        }
        all.extend(self.path.as_ref().map(|path| format!("dohpath={path}{{?dns}}")));
        all
    }

    /// What it is called where protocols are agreed on: the first alone, for HTTP/1.1 is no protocol of its own in a record.
    fn protocol(&self) -> Vec<u8> {
        let name = self.transport.facts().protocols.first().copied().unwrap_or_default();
        let length = u8::try_from(name.len()).unwrap_or_default();
        [&[length], name].concat()
    }

    /// Where a client that asked at `asked` finds it: there, if it listens there.
    fn hints(&self, asked: IpAddr) -> Vec<IpAddr> {
        let covers = |ip: &IpAddr| *ip == asked || ip.is_unspecified() && ip.is_ipv4() == asked.is_ipv4();
        if self.addresses.iter().any(covers) { vec![asked] } else { self.specific() }
    }

    /// Where other hosts reach it, if this host has the addresses `local`.
    pub fn reached_at(&self, local: &[IpAddr]) -> Vec<IpAddr> {
        let named = self.addresses.iter().filter(|ip| !ip.is_unspecified());
        let every = |ip: &&IpAddr| {
            let same = |other: &IpAddr| other.is_unspecified() && other.is_ipv4() == ip.is_ipv4();
            self.addresses.iter().any(same)
        };
        let all = named.chain(local.iter().filter(every)).copied();
        let mut found: Vec<IpAddr> = all.filter(is_reached).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The addresses that it listens on by name, those that other hosts reach.
    fn specific(&self) -> Vec<IpAddr> {
        let of = |v4: bool| {
            let reached = move |ip: &&IpAddr| ip.is_ipv4() == v4 && is_reached(ip);
            self.addresses.iter().filter(reached).take(HINTS).copied()
        };
        of(true).chain(of(false)).collect()
    }
}

/// Whether other hosts reach this address without knowing an interface.
fn is_reached(ip: &IpAddr) -> bool {
    let local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    !ip.is_unspecified() && !ip.is_loopback() && !local
}

/// The addresses of one family, one behind the other.
pub fn address_octets(addresses: &[IpAddr], v4: bool) -> Vec<u8> {
    let bytes = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    addresses.iter().filter(|ip| ip.is_ipv4() == v4).flat_map(bytes).collect()
}

/// Adds a parameter, unless it has no value.
fn put(rdata: &mut Vec<u8>, key: u16, value: &[u8]) {
    if value.is_empty() {
        return;
    }
    rdata.extend_from_slice(&key.to_be_bytes());
    rdata.extend_from_slice(&(value.len() as u16).to_be_bytes());
    rdata.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(transport: Transport, addresses: &[&str]) -> DesignatedResolver {
        DesignatedResolver {
            name: "dns.example".parse().unwrap(),
            transport,
            port: transport.default_port(),
            path: (transport == Transport::Https).then(|| "/dns-query".to_owned()),
            addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn the_address_asked_is_the_hint_where_the_listener_has_it() {
        let hints = |addresses: &[&str], asked: &str| {
            let found = resolver(Transport::Tls, addresses).hints(asked.parse().unwrap());
            found.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(hints(&["0.0.0.0", "::"], "192.0.2.1"), "192.0.2.1");
        assert_eq!(hints(&["0.0.0.0", "::"], "2001:db8::1"), "2001:db8::1");
        assert_eq!(hints(&["::"], "192.0.2.1"), "");
        assert_eq!(hints(&["192.0.2.1", "192.0.2.2", "2001:db8::1"], "192.0.2.2"), "192.0.2.2");
        let others = "192.0.2.1 2001:db8::1";
        assert_eq!(hints(&["192.0.2.1", "127.0.0.1", "fe80::1", "2001:db8::1"], "192.0.2.9"), others);
        assert_eq!(hints(&["127.0.0.1"], "127.0.0.1"), "127.0.0.1");
    }

    #[test]
    fn parameters_stand_in_the_order_of_their_keys() {
        let name = b"\x03dns\x07example\0";
        let tls = resolver(Transport::Tls, &["0.0.0.0"]).rdata(1, "192.0.2.1".parse().unwrap());
        let wanted =
            [&[0, 1], &name[..], b"\0\x01\0\x04\x03dot\0\x03\0\x02\x03\x55\0\x04\0\x04\xc0\0\x02\x01"];
        assert_eq!(tls, wanted.concat());
        let https = resolver(Transport::Https, &["192.0.2.2"]).rdata(3, "2001:db8::1".parse().unwrap());
        let parameters =
            b"\0\x01\0\x03\x02h2\0\x03\0\x02\x01\xbb\0\x04\0\x04\xc0\0\x02\x02\0\x07\0\x10/dns-query{?dns}";
        assert_eq!(https, [&[0, 3], &name[..], parameters].concat());
    }

    #[test]
    fn the_text_says_the_same() {
        let https = resolver(Transport::Https, &["0.0.0.0", "2001:db8::1"]);
        let parameters =
            |asked: Option<&str>| https.parameters(asked.map(|ip| ip.parse().unwrap())).join(" ");
        assert_eq!(parameters(None), "alpn=h2 port=443 ipv6hint=2001:db8::1 dohpath=/dns-query{?dns}");
        assert_eq!(
            parameters(Some("192.0.2.1")),
            "alpn=h2 port=443 ipv4hint=192.0.2.1 dohpath=/dns-query{?dns}"
        );
        assert_eq!(resolver(Transport::Quic, &["::"]).parameters(None), ["alpn=doq", "port=853"]);
    }
}
