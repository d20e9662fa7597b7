//! Which client a proxy asks for: `Forwarded` (RFC 7239), or `X-Forwarded-For`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hyper::header::{FORWARDED, HeaderMap};

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// A header that names no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnreadableHeader;

/// The client: of those that the proxies name, the last one that is no proxy itself; none where no header names any.
pub(super) fn client_of(
    headers: &HeaderMap,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, UnreadableHeader> {
    let mut first = None;
    for hop in hops(headers)?.into_iter().rev() {
        let ip = address(&hop).ok_or(UnreadableHeader)?.to_canonical();
        if !is_proxy(ip) {
            return Ok(Some(ip));
        }
        first = Some(ip);
    }
    Ok(first)
}

/// What each proxy says of who asked it, the nearest one last.
fn hops(headers: &HeaderMap) -> Result<Vec<String>, UnreadableHeader> {
    let lines = |name: &str| {
        let lines = headers.get_all(name).iter().map(|line| line.to_str().map_err(|_| UnreadableHeader));
        lines.collect::<Result<Vec<_>, _>>()
    };
    if headers.contains_key(FORWARDED) {
        return lines(FORWARDED.as_str())?.join(",").split(',').map(of_element).collect();
    }
    let lines = lines(X_FORWARDED_FOR)?.join(",");
    Ok(if lines.is_empty() {
        Vec::new()
    } else {
        lines.split(',').map(|hop| hop.trim().to_owned()).collect()
    })
}

/// The parameter `for` of an element such as `for="[2001:db8::1]:4711";proto=https`.
fn of_element(element: &str) -> Result<String, UnreadableHeader> {
    let found = element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| value.trim_matches('"').to_owned())
    });
    found.ok_or(UnreadableHeader)
}

/// An address, in brackets or not, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    text.parse().ok().or_else(bare).or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(lines: &[(&'static str, &'static str)]) -> Result<Option<String>, UnreadableHeader> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let is_proxy = |ip: IpAddr| ip.to_string().starts_with("10.");
        client_of(&headers, is_proxy).map(|found| found.map(|ip| ip.to_string()))
    }

    #[test]
    fn the_last_that_is_no_proxy_is_the_client() {
        let x = |value| client(&[("x-forwarded-for", value)]);
        for (value, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("198.51.100.1, 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, 10.0.0.1 ,10.0.0.2", "192.0.2.1"),
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.7, 10.0.0.1", "10.0.0.7"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("nonsense, 192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(x(value), Ok(Some(expected.to_owned())), "{value}");
        }
        let lines = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "10.0.0.1")];
        assert_eq!(client(&lines), Ok(Some("192.0.2.1".to_owned())));
        assert_eq!(client(&[]), Ok(None));
    }

    #[test]
    fn the_standard_header_counts_more() {
        let lines = [
            ("x-forwarded-for", "198.51.100.1"),
            ("forwarded", "for=192.0.2.9, For=\"[2001:db8::1]:47\";proto=https;by=10.0.0.1, for=10.0.0.1"),
        ];
        assert_eq!(client(&lines), Ok(Some("2001:db8::1".to_owned())));
    }

    #[test]
    fn what_names_no_client_is_an_error() {
        for (name, value) in [
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-for", "192.0.2.1,"),
            ("x-forwarded-for", "nonsense, 10.0.0.1"),
            ("forwarded", "for=_hidden"),
            ("forwarded", "proto=https"),
            ("forwarded", "for=192.0.2.1, proto=https"),
            ("forwarded", ""),
        ] {
            assert_eq!(client(&[(name, value)]), Err(UnreadableHeader), "{name}: {value}");
        }
    }
}
