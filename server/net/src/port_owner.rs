//! Who holds a port that is in use: the kernel's socket tables name the inode, `/proc/PID/fd` the process (proc(5)).

use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::socket_kind::SocketKind;

/// How long the search may take: it runs while a server starts.
const TIME: Duration = Duration::from_millis(300);
/// How much of a socket table is read, in bytes.
const TABLE: u64 = 4 << 20;
/// The state of a listening TCP socket in the table.
const LISTENING: &str = "0A";

/// A line of a socket table.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    address: SocketAddr,
    user: u32,
    inode: u64,
}

/// A sentence that says who holds the port, as far as this process may see it.
pub(crate) fn describe(transport: SocketKind, address: SocketAddr) -> String {
    let port = address.port();
    let Some(entry) = entry(transport, address) else {
        return format!("port {port} is held by another socket");
    };
    match process(entry.inode) {
        Some((pid, name)) => format!("port {port} is held by {pid} ({name}), bound to {}", entry.address),
        None => format!(
            "port {port} is held by a process of user {}, bound to {}, which this user may not look into",
            entry.user, entry.address
        ),
    }
}

/// The socket in the way: of the same address if there is one, otherwise one where either is the wildcard.
fn entry(transport: SocketKind, wanted: SocketAddr) -> Option<Entry> {
    let tables = match transport {
        SocketKind::Udp => ["/proc/net/udp", "/proc/net/udp6"],
        SocketKind::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
    };
    let mut near = None;
    for table in tables {
        let mut text = String::new();
        let Ok(file) = fs::File::open(table) else { continue };
        if file.take(TABLE).read_to_string(&mut text).is_err() {
            continue;
        }
        for entry in text.lines().skip(1).filter_map(|line| parse(line, transport)) {
            if entry.address.port() != wanted.port() {
                continue;
            }
            if entry.address.ip() == wanted.ip() {
                return Some(entry);
            }
            if entry.address.ip().is_unspecified() || wanted.ip().is_unspecified() {
                near = near.or(Some(entry));
            }
        }
    }
    near
}

fn parse(line: &str, transport: SocketKind) -> Option<Entry> {
    let mut words = line.split_ascii_whitespace();
    let address = words.nth(1)?;
    let state = words.nth(1)?;
    if transport == SocketKind::Tcp && state != LISTENING {
        return None;
    }
    let user = words.nth(3)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    Some(Entry { address: parse_address(address)?, user, inode })
}

/// Hexadecimal words in the byte order of the machine, a colon, the port as a number.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |from: usize| u32::from_str_radix(ip.get(from..from + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (part, from) in bytes.chunks_exact_mut(4).zip([0, 8, 16, 24]) {
                part.copy_from_slice(&word(from)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The process that has this socket open, and its name.
fn process(inode: u64) -> Option<(u32, String)> {
    let link = format!("socket:[{inode}]");
    let end = Instant::now() + TIME;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        if Instant::now() > end {
            return None;
        }
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if has_open(&entry.path().join("fd"), &link, end) {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some((pid, name.trim_end().to_string()));
        }
    }
    None
}

fn has_open(descriptors: &Path, link: &str, end: Instant) -> bool {
    let Ok(entries) = fs::read_dir(descriptors) else { return false };
    entries
        .flatten()
        .take_while(|_| Instant::now() < end)
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == link))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn lines_of_the_tables() {
        let udp = "  511: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 14411 2 0 0";
        if cfg!(target_endian = "little") {
            let wanted = Entry { address: "127.0.0.53:53".parse().unwrap(), user: 101, inode: 14411 };
            assert_eq!(parse(udp, SocketKind::Udp), Some(wanted));
        }
        let tcp = "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A \
                   00000000:00000000 00:00000000 00000000     0        0 9 1 0";
        let wanted = Entry { address: "[::]:22".parse().unwrap(), user: 0, inode: 9 };
        assert_eq!(parse(tcp, SocketKind::Tcp), Some(wanted));
        assert_eq!(parse(&tcp.replace(" 0A ", " 01 "), SocketKind::Tcp), None);
        for bad in ["", "0: x", "0: 0000:0035 0 0A 0 0 0 0 0 0", "0: 00000000:zz 0 0A 0 0 0 0 0 0"] {
            assert_eq!(parse(bad, SocketKind::Tcp), None, "{bad}");
        }
    }

    #[test]
    fn finds_this_process() {
        let udp = UdpSocket::bind("127.66.0.1:0").unwrap();
        let tcp = TcpListener::bind("127.66.0.1:0").unwrap();
        let me = std::process::id().to_string();
        let text = describe(SocketKind::Udp, udp.local_addr().unwrap());
        assert!(text.contains(&format!("held by {me} (")), "{text}");
        let mut wildcard = tcp.local_addr().unwrap();
        wildcard.set_ip(IpAddr::from([0; 4]));
        let text = describe(SocketKind::Tcp, wildcard);
        assert!(text.contains(&format!("held by {me} (")), "{text}");
        drop(udp);
    }

    #[test]
    fn a_port_without_an_owner() {
        let text = describe(SocketKind::Udp, "192.0.2.77:9".parse().unwrap());
        assert_eq!(text, "port 9 is held by another socket");
    }
}
