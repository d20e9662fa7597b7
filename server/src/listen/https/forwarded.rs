//! Which client a proxy asks for: `Forwarded` (RFC 7239), or `X-Forwarded-For`.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The name of a header, in lower case.
pub(super) const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// A header that names no client, or two headers that name different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnreadableHeader;

/// What proxies say: the lines of each header, joined with commas; none where there is none.
#[derive(Debug, Default)]
pub(super) struct ForwardedLines<'a> {
    pub(super) forwarded: Option<Cow<'a, [u8]>>,
    pub(super) forwarded_for: Option<Cow<'a, [u8]>>,
}

/// The client: of those that the proxies name, the last one that is no proxy itself; none where no header names any.
///
/// Most proxies write one of the headers, and pass on what the client says in the other: where there are both, they must agree.
pub(super) fn client_of(
    lines: &ForwardedLines<'_>,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, UnreadableHeader> {
    let client = |hops: Vec<String>| last_client(&hops, &is_proxy);
    let forwarded = lines.forwarded.as_deref().map(|line| client(elements(line)?)).transpose()?;
    let forwarded_for = lines.forwarded_for.as_deref().map(|line| client(addresses(line)?)).transpose()?;
    match (forwarded, forwarded_for) {
        (Some(one), Some(other)) if one != other => Err(UnreadableHeader),
        (one, other) => Ok(one.or(other).flatten()),
    }
}

fn last_client(
    hops: &[String],
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, UnreadableHeader> {
    let mut first = None;
    for hop in hops.iter().rev() {
        let ip = address(hop).ok_or(UnreadableHeader)?.to_canonical();
        if !is_proxy(ip) {
            return Ok(Some(ip));
        }
        first = Some(ip);
    }
    Ok(first)
}

/// What each proxy says of who asked it, the nearest one last.
fn elements(line: &[u8]) -> Result<Vec<String>, UnreadableHeader> {
    text(line)?.split(',').map(of_element).collect()
}

/// The same of `X-Forwarded-For`, which may be empty.
fn addresses(line: &[u8]) -> Result<Vec<String>, UnreadableHeader> {
    match text(line)? {
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
        assert_eq!(x(""), Ok(None));
    }

    #[test]
    fn both_headers_have_to_agree() {
        let forwarded = "for=192.0.2.9, For=\"[2001:db8::1]:47\";proto=https;by=10.0.0.1, for=10.0.0.1";
        assert_eq!(client(&[("forwarded", forwarded)]), Ok(Some("2001:db8::1".to_owned())));
        for (forwarded_for, agrees) in [
            ("2001:db8::1", true),
            ("198.51.100.7, 2001:db8::1, 10.0.0.1", true),
            ("198.51.100.1", false),
            ("2001:db8::1, 192.0.2.9", false),
            ("10.0.0.1", false),
            ("nonsense", false),
            ("", false),
        ] {
            let found = client(&[("forwarded", forwarded), ("x-forwarded-for", forwarded_for)]);
            let expected = if agrees { Ok(Some("2001:db8::1".to_owned())) } else { Err(UnreadableHeader) };
            assert_eq!(found, expected, "{forwarded_for}");
        }
        // The client wrote nonsense, and the proxy the other header.
        let lines = [("forwarded", "for=_hidden"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(client(&lines), Err(UnreadableHeader));
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
