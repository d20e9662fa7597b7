//! Addresses that an answer from the public DNS has no business to hold: those of this host, of the link, of private networks. A
//! name that leads a browser there lets a foreign page talk to services inside (DNS rebinding).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rhumb_wire::{MessageRecord, MessageSection, MessageView, NameRef, Type};

/// Keys of SVCB parameters that hold addresses (RFC 9460 section 14.3.2).
const IPV4_HINT: u16 = 4;
const IPV6_HINT: u16 = 6;
/// NAT64 (RFC 6052) and 6to4 (RFC 3056): the IPv4 address behind them is reached by a detour.
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];
const SIX_TO_FOUR: u16 = 0x2002;
/// Addresses that SIIT makes (RFC 2765 section 2.1).
const TRANSLATED: [u16; 6] = [0, 0, 0, 0, 0xffff, 0];
/// NAT64 inside a network (RFC 8215): private whatever is behind it.
const LOCAL_NAT64: [u16; 3] = [0x64, 0xff9b, 1];

/// Whether a record of the answer section holds a private address: in A and AAAA, or as a hint of SVCB and HTTPS. A message that
/// cannot be read holds one.
pub fn holds_private_address(message: &[u8]) -> bool {
    let Ok(message) = MessageView::parse(message) else { return true };
    let mut records = message
        .records()
        .take_while(|record| record.as_ref().map_or(true, |record| record.section == MessageSection::Answer));
    records.any(|record| record.map_or(true, |record| is_private_record(&record)))
}

fn is_private_record(record: &MessageRecord<'_>) -> bool {
    match record.rtype {
        Type::A | Type::AAAA => addresses(record.rdata, record.rtype == Type::A).any(is_private),
        Type::SVCB | Type::HTTPS => has_private_hint(record.rdata).unwrap_or(true),
        _ => false,
    }
}

/// None where the parameters cannot be read.
fn has_private_hint(rdata: &[u8]) -> Option<bool> {
    let name = NameRef::parse(rdata.get(2..)?).ok()?;
    let mut rest = rdata.get(2 + name.len()..)?;
    let mut found = false;
    while !rest.is_empty() {
        let (&[a, b, c, d], behind) = rest.split_first_chunk::<4>()?;
        let (value, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
        let key = u16::from_be_bytes([a, b]);
        if matches!(key, IPV4_HINT | IPV6_HINT) {
            found |= addresses(value, key == IPV4_HINT).any(is_private);
        }
        rest = behind;
    }
    Some(found)
}

/// The addresses that stand one behind the other.
fn addresses(bytes: &[u8], v4: bool) -> impl Iterator<Item = IpAddr> {
    let (four, sixteen) = if v4 { (bytes, &[][..]) } else { (&[][..], bytes) };
    let four = four.as_chunks::<4>().0.iter().map(|&octets| IpAddr::from(octets));
    four.chain(sixteen.as_chunks::<16>().0.iter().map(|&octets| IpAddr::from(octets)))
}

/// 127/8, 10/8, 172.16/12, 192.168/16, 169.254/16, 0/8; `::1`, `::`, `fc00::/7`, `fe80::/10`, `fec0::/10`; and what holds one of the
/// IPv4 addresses: `::ffff:0:0/96`, `::ffff:0:0:0/96`, `::/96`, `64:ff9b::/96`, `2002::/16`; `64:ff9b:1::/48`.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => is_private_v6(v6),
    }
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.octets()[0] == 0
}

fn is_private_v6(v6: Ipv6Addr) -> bool {
    let segments = v6.segments();
    let [first, second, third, .., seventh, eighth] = segments;
    let embedded =
        |high: u16, low: u16| is_private_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    let local = first & 0xfe00 == 0xfc00 || first & 0xff80 == 0xfe80 || segments.starts_with(&LOCAL_NAT64);
    let holds_v4 =
        v6.to_ipv4().is_some() || segments.starts_with(&NAT64) || segments.starts_with(&TRANSLATED);
    local
        || v6.is_loopback()
        || holds_v4 && embedded(seventh, eighth)
        || first == SIX_TO_FOUR && embedded(second, third)
}

#[cfg(test)]
mod tests {
    use rhumb_wire::header;

    use super::super::tests::build::{Rr, asked, message, name, question, rr};
    use super::*;

    fn holds(records: &[Rr]) -> bool {
        let asked = asked(&question("www.example", Type::A));
        holds_private_address(&message(1, header::QR, &asked, [records, &[], &[]]))
    }

    fn address(text: &str) -> Rr {
        match text.parse::<IpAddr>().unwrap() {
            IpAddr::V4(v4) => rr("www.example", 60, Type::A, v4.octets().to_vec()),
            IpAddr::V6(v6) => rr("www.example", 60, Type::AAAA, v6.octets().to_vec()),
        }
    }

    #[test]
    fn private_addresses_are_found() {
        for text in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "::1",
            "::",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "::ffff:0:127.0.0.1",
            "64:ff9b:1::1.2.3.4",
            "fec0::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0.0.0.0",
            "::10.0.0.1",
            "64:ff9b::192.168.1.1",
            "2002:a00:1::1",
        ] {
            assert!(holds(&[address(text)]), "{text}");
            assert!(holds(&[address("198.51.100.1"), address(text)]), "{text} behind a public one");
        }
    }

    #[test]
    fn public_addresses_are_not() {
        for text in [
            "9.255.255.255",
            "11.0.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.167.1.1",
            "192.169.1.1",
            "169.253.1.1",
            "169.255.1.1",
            "128.0.0.1",
            "126.255.255.255",
            "1.0.0.0",
            "100.64.0.1",
            "2001:db8::1",
            "fbff::1",
            "fe00::1",
            "ff02::1",
            "::ffff:198.51.100.1",
            "64:ff9b::198.51.100.1",
            "2002:c633:6401::1",
        ] {
            assert!(!holds(&[address(text)]), "{text}");
        }
        assert!(!holds(&[]));
        assert!(!holds(&[
            rr("www.example", 60, Type::TXT, vec![3, 10, 0, 0]),
            rr("www.example", 60, Type::CNAME, name("localhost"))
        ]));
    }

    /// Priority 1, the root as target, the parameters.
    fn service(rtype: Type, parameters: &[(u16, &[u8])]) -> Rr {
        let mut rdata = vec![0, 1, 0];
        for (key, value) in parameters {
            rdata.extend(key.to_be_bytes());
            rdata.extend((value.len() as u16).to_be_bytes());
            rdata.extend(*value);
        }
        rr("www.example", 60, rtype, rdata)
    }

    #[test]
    fn hints_are_addresses_too() {
        let public6 = "2001:db8::1".parse::<Ipv6Addr>().unwrap().octets();
        let private6 = "::ffff:192.168.1.1".parse::<Ipv6Addr>().unwrap().octets();
        for rtype in [Type::HTTPS, Type::SVCB] {
            assert!(holds(&[service(rtype, &[(4, &[10, 0, 0, 1])])]));
            assert!(holds(&[service(rtype, &[(1, b"\x02h3"), (4, &[198, 51, 100, 1, 127, 0, 0, 1])])]));
            assert!(holds(&[service(rtype, &[(4, &[198, 51, 100, 1]), (6, &private6)])]));
            assert!(!holds(&[service(rtype, &[(1, b"\x02h3"), (4, &[198, 51, 100, 1]), (6, &public6)])]));
            assert!(!holds(&[service(rtype, &[])]));
            // Bytes of another key are no address; a parameter that ends early may hold anything.
            assert!(!holds(&[service(rtype, &[(5, &[10, 0, 0, 1])])]));
            assert!(holds(&[rr("www.example", 60, rtype, vec![0, 1, 0, 0, 4, 0, 8, 10])]));
        }
    }

    #[test]
    fn other_sections_and_aliases_do_not_hide_or_show_any() {
        let q = asked(&question("www.example", Type::A));
        let private = [address("10.0.0.1")];
        assert!(!holds_private_address(&message(1, header::QR, &q, [&[], &[], &private])));
        let alias = rr("www.example", 60, Type::CNAME, name("inside.example.net"));
        let target = rr("inside.example.net", 60, Type::A, vec![10, 0, 0, 1]);
        assert!(holds(&[alias, target]));
        assert!(holds_private_address(b"short"));
    }
}
