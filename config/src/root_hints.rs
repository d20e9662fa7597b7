//! The servers of the root, out of a file in the form of `named.root`.

use std::net::IpAddr;
use std::path::Path;

use rhumb_wire::DomainName;

use crate::domain::read_domain;
use crate::node::shown;
use crate::regular_file::{FileError, read_regular_file};

/// The largest file that is looked at, in bytes.
const MOST_BYTES: usize = 64 << 10;
/// The most servers taken from one file.
const MOST_SERVERS: usize = 64;

/// A server of the root and its addresses, one at the least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootServer {
    /// As in `a.root-servers.net`.
    pub name: DomainName,
    /// Those of its A and AAAA records.
    pub addresses: Vec<IpAddr>,
}

/// What is wrong with a file of root hints.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootHintsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("line {0}: {1}")]
    Line(usize, String),
    #[error("names no server of the root with an address")]
    Nothing,
}

/// The servers of the root as IANA lists them, of 2024 and later.
pub(crate) fn built_in() -> Vec<RootServer> {
    let servers: [(&str, [&str; 2]); 13] = [
        ("a", ["198.41.0.4", "2001:503:ba3e::2:30"]),
        ("b", ["170.247.170.2", "2801:1b8:10::b"]),
        ("c", ["192.33.4.12", "2001:500:2::c"]),
        ("d", ["199.7.91.13", "2001:500:2d::d"]),
        ("e", ["192.203.230.10", "2001:500:a8::e"]),
        ("f", ["192.5.5.241", "2001:500:2f::f"]),
        ("g", ["192.112.36.4", "2001:500:12::d0d"]),
        ("h", ["198.97.190.53", "2001:500:1::53"]),
        ("i", ["192.36.148.17", "2001:7fe::53"]),
        ("j", ["192.58.128.30", "2001:503:c27::2:30"]),
        ("k", ["193.0.14.129", "2001:7fd::1"]),
        ("l", ["199.7.83.42", "2001:500:9f::42"]),
        ("m", ["202.12.27.33", "2001:dc3::35"]),
    ];
    let server = |(letter, addresses): (&str, [&str; 2])| {
        let name = read_domain(&format!("{letter}.root-servers.net")).ok()?;
        Some(RootServer { name, addresses: addresses.iter().filter_map(|text| text.parse().ok()).collect() })
    };
    servers.into_iter().filter_map(server).collect()
}

/// Reads the servers that a file names. Errors: it cannot be read, a line cannot be understood, or there is no server.
pub(crate) fn read(path: &Path) -> Result<Vec<RootServer>, RootHintsError> {
    let (bytes, _) = read_regular_file(path, MOST_BYTES)?;
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Result<Vec<RootServer>, RootHintsError> {
    let mut servers: Vec<RootServer> = Vec::new();
    let mut addresses: Vec<(DomainName, IpAddr)> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let content = line.split(';').next().unwrap_or(line);
        let words: Vec<&str> = content.split_ascii_whitespace().collect();
        let Some((owner, rest)) = words.split_first() else { continue };
        // TTL and class may stand there or not.
        let passed =
            |word: &&&str| word.bytes().all(|byte| byte.is_ascii_digit()) || word.eq_ignore_ascii_case("in");
        let [rtype, value] = *rest.iter().skip_while(passed).copied().collect::<Vec<_>>() else {
            let message = "not a record of NS, A or AAAA".to_owned();
            return Err(RootHintsError::Line(number, message));
        };
        let name = |text: &str| {
            read_domain(text)
                .map_err(|error| RootHintsError::Line(number, format!("{} {error}", shown(text))))
        };
        match rtype.to_ascii_uppercase().as_str() {
            "NS" if *owner == "." && servers.len() < MOST_SERVERS => {
                servers.push(RootServer { name: name(value)?, addresses: Vec::new() });
            }
            "A" | "AAAA" if addresses.len() < 2 * MOST_SERVERS => {
                let ip = value
                    .parse()
                    .map_err(|_| RootHintsError::Line(number, format!("{} is no address", shown(value))))?;
                addresses.push((name(owner)?, ip));
            }
            _ => {
                let message = format!("{} is not a record of a server of the root", shown(content.trim()));
                return Err(RootHintsError::Line(number, message));
            }
        }
    }
    for server in &mut servers {
        let own = addresses.iter().filter(|(name, _)| *name == server.name);
        server.addresses = own.map(|(_, address)| *address).collect();
    }
    servers.retain(|server| !server.addresses.is_empty());
    if servers.is_empty() { Err(RootHintsError::Nothing) } else { Ok(servers) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_servers_are_all_there() {
        let servers = built_in();
        assert_eq!(servers.len(), 13);
        assert!(servers.iter().all(|server| server.addresses.len() == 2));
    }

    #[test]
    fn the_form_of_named_root_is_read() {
        let text = "; the root\n.                        3600000      NS    A.ROOT-SERVERS.NET.\n\
                    A.ROOT-SERVERS.NET.      3600000      A     198.41.0.4\n\
                    A.ROOT-SERVERS.NET.      3600000      AAAA  2001:503:ba3e::2:30\n\
                    . IN NS b.example. ; without an address\n. NS k.example\nk.example IN A 192.0.2.1\n";
        let servers = parse(text).unwrap();
        let told: Vec<_> =
            servers.iter().map(|server| (server.name.to_string(), server.addresses.len())).collect();
        assert_eq!(told, [("a.root-servers.net.".to_owned(), 2), ("k.example.".to_owned(), 1)]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, message) in [
            ("", "names no server"),
            (". NS a.example\n", "names no server"),
            (". NS a.example\na.example A 192.0.2.x\n", "line 2"),
            (". NS a..example\n", "line 1"),
            ("\n. MX 1 a.example\n", "line 2"),
            ("example NS a.example\n", "line 1"),
            (".\n", "line 1"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
