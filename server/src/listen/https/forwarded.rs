//! Which client a proxy asks for: `Forwarded` (RFC 7239), or `X-Forwarded-For`.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The name of a header, in lower case.
pub(super) const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// A header that names no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnreadableHeader;

/// What proxies say: the lines of each header, joined with commas; none where there is none.
#[derive(Debug, Default)]
pub(super) struct ForwardedLines<'a> {
    pub(super) forwarded: Option<Cow<'a, [u8]>>,
    pub(super) forwarded_for: Option<Cow<'a, [u8]>>,
}

/// The client: of those that the proxies name, the last one that is no proxy itself; none where no header names any.
pub(super) fn client_of(
    lines: &ForwardedLines<'_>,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, UnreadableHeader> {
    let mut first = None;
    for hop in hops(lines)?.into_iter().rev() {
        let ip = address(&hop).ok_or(UnreadableHeader)?.to_canonical();
        if !is_proxy(ip) {
            return Ok(Some(ip));
        }
        first = Some(ip);
    }
    Ok(first)
}

/// What each proxy says of who asked it, the nearest one last.
fn hops(lines: &ForwardedLines<'_>) -> Result<Vec<String>, UnreadableHeader> {
    if let Some(elements) = &lines.forwarded {
        return text(elements)?.split(',').map(of_element).collect();
    }
    match text(lines.forwarded_for.as_deref().unwrap_or_default())? {
        "" => Ok(Vec::new()),
        hops => Ok(hops.split(',').map(|hop| hop.trim().to_owned()).collect()),
    }
}

fn text(line: &[u8]) -> Result<&str, UnreadableHeader> {
    str::from_utf8(line).ok().filter(|text| text.is_ascii()).ok_or(UnreadableHeader)
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
        let joined = |name| {
            let values: Vec<_> = lines.iter().filter(|line| line.0 == name).map(|line| line.1).collect();
            (!values.is_empty()).then(|| Cow::Owned(values.join(",").into_bytes()))
        };
        let lines = ForwardedLines { forwarded: joined("forwarded"), forwarded_for: joined(X_FORWARDED_FOR) };
        let is_proxy = |ip: IpAddr| ip.to_string().starts_with("10.");
        client_of(&lines, is_proxy).map(|found| found.map(|ip| ip.to_string()))
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
