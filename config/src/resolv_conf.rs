//! A line of a resolv.conf as the C library reads it (resolv.conf(5), `res_init` of glibc).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::{AddressError, ScopedAddress};
use crate::upstream_server::UpstreamServer;

/// Accepted forms, for messages.
pub(crate) const FORMS: &str =
    "`nameserver` and an address such as 192.0.2.53, 2001:db8::53 or fe80::53%eth0";

/// What stands behind `nameserver`, perhaps nothing; `None` for every other line. Errors: the C library passes the line over.
pub(crate) fn nameserver(line: &str) -> Option<Result<&str, &'static str>> {
    let line = line.trim_end_matches('\r');
    match line.strip_prefix("nameserver") {
        Some("") => Some(Ok("")),
        Some(rest) if rest.starts_with([' ', '\t']) => {
            Some(Ok(rest.split([' ', '\t']).find(|w| !w.is_empty()).unwrap_or("")))
        }
        Some(_) => None,
        None if line.starts_with([' ', '\t'])
            && line.split_ascii_whitespace().next() == Some("nameserver") =>
        {
            Some(Err(
                "blanks before `nameserver`: the C library passes the line over; begin the line with it",
            ))
        }
        None => None,
    }
}

/// The server at an address, which has port 53.
pub(crate) fn read_address(text: &str) -> Result<UpstreamServer, AddressError> {
    let (address, scope) = match text.split_once('%') {
        Some((address, scope)) => (address, Some(scope)),
        None => (text, None),
    };
    let ip = match short_ipv4(text) {
        Some(ip) => IpAddr::V4(ip),
        None => IpAddr::V6(address.parse().map_err(|_| AddressError::NotAnAddress)?),
    };
    let ip = match ip.to_canonical() {
        // The kernel takes both for this host (ip(7)).
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    // Only link-local addresses need their interface, and only they keep it.
    let link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let scope = scope.filter(|_| link_local).map_or_else(String::new, |scope| format!("%{scope}"));
    let ScopedAddress { ip, scope } = format!("{ip}{scope}").parse()?;
    Ok(UpstreamServer::plain(ip, scope))
}

/// An IPv4 address of one to four numbers, the last of which fills what is left, each in decimal, octal behind `0` or hexadecimal
/// behind `0x` (`inet_aton(3)`).
fn short_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').take(5).map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    let bits = match first.len() {
        count @ 0..=3 => 8 * (4 - count),
        _ => return None,
    };
    let fits = bits == 32 || *last < 1 << bits;
    let address = first.iter().try_fold(
        0_u32,
        |address, part| {
            if *part < 256 { Some(address << 8 | part) } else { None }
        },
    )?;
    let high = u32::try_from(bits).ok().and_then(|bits| address.checked_shl(bits)).unwrap_or(0);
    fits.then(|| Ipv4Addr::from_bits(high | last))
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    // A sign is no digit, though it could be parsed.
    if digits.starts_with('+') { None } else { u32::from_str_radix(digits, radix).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_c_library() {
        for (text, address) in [
            ("192.0.2.53", "192.0.2.53"),
            ("10.1", "10.0.0.1"),
            ("10.1.2", "10.1.0.2"),
            ("10", "0.0.0.10"),
            ("167772161", "10.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("010.0.0.1", "8.0.0.1"),
            ("0.0.0.0", "127.0.0.1"),
            ("0", "127.0.0.1"),
            ("::", "::1"),
            ("::ffff:192.0.2.53", "192.0.2.53"),
            ("::ffff:0.0.0.0", "127.0.0.1"),
            ("fd78::1%wlan0", "fd78::1"),
            ("::1%lo", "::1"),
            ("2001:db8::53", "2001:db8::53"),
            ("fe80::53%eth0", "fe80::53%eth0"),
            ("fe80::53%2", "fe80::53%2"),
        ] {
            assert_eq!(read_address(text).map(|server| server.to_string()), Ok(address.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_the_c_library_would_not_ask_is_refused() {
        for text in [
            "",
            "dns.example",
            "192.0.2.53:53",
            "[2001:db8::53]",
            "1.2.3.4.5",
            "1.2.3.256",
            "256.1",
            "1..2",
            "10.",
            "08.1",
            "0x",
            "+1.2.3.4",
            "1.2.3.+4",
            "4294967296",
            "1.16777216",
            "192.0.2.53%eth0",
            "fe80::53",
            "ff02::1",
            "255.255.255.255",
            "192.0.2.1#x",
            "tls://192.0.2.1",
            "fe80::1%a/b",
        ] {
            assert!(read_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lines_are_those_of_the_c_library() {
        for (line, found) in [
            ("nameserver 192.0.2.53", Some(Ok("192.0.2.53"))),
            ("nameserver\t \t192.0.2.53 # first", Some(Ok("192.0.2.53"))),
            ("nameserver 192.0.2.53;x", Some(Ok("192.0.2.53;x"))),
            ("nameserver 192.0.2.53\r", Some(Ok("192.0.2.53"))),
            ("nameserver", Some(Ok(""))),
            ("nameserver ", Some(Ok(""))),
            ("nameservers 192.0.2.53", None),
            ("Nameserver 192.0.2.53", None),
            ("#nameserver 192.0.2.53", None),
            ("; nameserver 192.0.2.53", None),
            ("options ndots:1", None),
            ("", None),
        ] {
            assert_eq!(nameserver(line), found, "{line}");
        }
        assert!(nameserver("  nameserver 192.0.2.53").unwrap().is_err());
    }
}
