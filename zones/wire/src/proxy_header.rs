//! The header by which a proxy says for which client it speaks: version 2 of the PROXY protocol (section 2.2 of proxy-protocol.txt of
//! `HAProxy`). Extensions (TLV) are passed over.

use std::net::{IpAddr, SocketAddr};

/// What a header begins with.
pub const PROXY_SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes of a header whose length stands in them.
pub const PROXY_FIXED: usize = 16;

/// The most bytes behind those: room for addresses and any extension that is in use.
const LONGEST: usize = 4096;

/// Whom a proxy speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxiedClient {
    /// For itself, as it does to see whether a server is there.
    Itself,
    /// For a client.
    Client {
        /// Who asks.
        source: SocketAddr,
        /// Where the client asked.
        destination: SocketAddr,
    },
}

/// Why a header is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyHeaderError {
    /// What comes first is no header.
    #[error("no header of the PROXY protocol comes first")]
    Missing,
    /// The bytes end before the header does.
    #[error("the header of the PROXY protocol is cut short")]
    Short,
    /// Another version, or a command that there is not.
    #[error("a version or command of the PROXY protocol that is not known")]
    Command,
    /// The client has no IPv4 or IPv6 address, or speaks neither TCP nor UDP.
    #[error("the client has neither an IPv4 nor an IPv6 address")]
    Family,
    /// It has less room than its addresses need.
    #[error("the header of the PROXY protocol has no room for its addresses")]
    Addresses,
    /// It is longer than what is taken.
    #[error("the header of the PROXY protocol is longer than {LONGEST} bytes")]
    Long,
}

/// How many bytes follow the first [`PROXY_FIXED`] of a header. Errors: it is none, or too long.
pub fn rest_of_proxy_header(fixed: &[u8; PROXY_FIXED]) -> Result<usize, ProxyHeaderError> {
    let [signature @ .., _, _, high, low] = fixed;
    if *signature != PROXY_SIGNATURE {
        return Err(ProxyHeaderError::Missing);
    }
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > LONGEST { Err(ProxyHeaderError::Long) } else { Ok(length) }
}

/// Reads the header that `bytes` begin with: whom it is for, and what follows it.
pub fn read_proxy_header(bytes: &[u8]) -> Result<(ProxiedClient, &[u8]), ProxyHeaderError> {
    let Some((fixed, behind)) = bytes.split_first_chunk::<PROXY_FIXED>() else {
        let is_start =
            !bytes.is_empty() && PROXY_SIGNATURE.iter().zip(bytes).all(|(one, other)| one == other);
        return Err(if is_start { ProxyHeaderError::Short } else { ProxyHeaderError::Missing });
    };
    let length = rest_of_proxy_header(fixed)?;
    let (addresses, rest) = behind.split_at_checked(length).ok_or(ProxyHeaderError::Short)?;
    let [.., command, family, _, _] = *fixed;
    let client = match command {
        0x20 => ProxiedClient::Itself,
        0x21 => client(family, addresses)?,
        _ => return Err(ProxyHeaderError::Command),
    };
    Ok((client, rest))
}

fn client(family: u8, addresses: &[u8]) -> Result<ProxiedClient, ProxyHeaderError> {
    let ends = match family {
        0x11 | 0x12 => ends::<4>(addresses),
        0x21 | 0x22 => ends::<16>(addresses),
        _ => return Err(ProxyHeaderError::Family),
    };
    let (source, destination) = ends.ok_or(ProxyHeaderError::Addresses)?;
    Ok(ProxiedClient::Client { source, destination })
}

/// Both addresses, then both ports.
fn ends<const N: usize>(bytes: &[u8]) -> Option<(SocketAddr, SocketAddr)>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = bytes.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let [high, low, to_high, to_low, ..] = *rest else { return None };
    let end = |ip: [u8; N], port: [u8; 2]| {
        SocketAddr::new(IpAddr::from(ip).to_canonical(), u16::from_be_bytes(port))
    };
    Some((end(*source, [high, low]), end(*destination, [to_high, to_low])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [&PROXY_SIGNATURE[..], &[command, family], &length, addresses].concat()
    }

    fn v4() -> Vec<u8> {
        vec![192, 0, 2, 7, 198, 51, 100, 1, 0xC0, 0, 0, 53]
    }

    fn client(source: &str, destination: &str) -> ProxiedClient {
        ProxiedClient::Client { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
    }

    #[test]
    fn headers_are_read_as_they_are_meant() {
        use ProxyHeaderError::{Addresses, Command, Family, Long, Missing, Short};
        let v6 = [&[0x20, 1, 0xD, 0xB8], &[0; 11][..], &[7, 0x20, 1, 0xD, 0xB8], &[0; 11], &[1, 1, 2, 0, 53]]
            .concat();
        let mapped =
            [&[0; 10][..], &[255, 255, 192, 0, 2, 7], &[0; 10], &[255, 255, 192, 0, 2, 1], &[0, 1, 0, 53]]
                .concat();
        let extended = [&v4()[..], &[4, 0, 1, 0]].concat();
        let of_v4 = client("192.0.2.7:49152", "198.51.100.1:53");
        for (bytes, expected) in [
            (header(0x21, 0x12, &v4()), Ok(of_v4)),
            (header(0x21, 0x11, &v4()), Ok(of_v4)),
            (header(0x21, 0x11, &extended), Ok(of_v4)),
            (header(0x21, 0x22, &v6), Ok(client("[2001:db8::7]:258", "[2001:db8::1]:53"))),
            (header(0x21, 0x21, &mapped), Ok(client("192.0.2.7:1", "192.0.2.1:53"))),
            (header(0x20, 0, &[]), Ok(ProxiedClient::Itself)),
            (header(0x20, 0x11, &v4()), Ok(ProxiedClient::Itself)),
            (header(0x11, 0x11, &v4()), Err(Command)),
            (header(0x22, 0x11, &v4()), Err(Command)),
            (header(0x21, 0, &[]), Err(Family)),
            (header(0x21, 0x10, &v4()), Err(Family)),
            (header(0x21, 0x13, &v4()), Err(Family)),
            (header(0x21, 0x31, &[0; 216]), Err(Family)),
            (header(0x21, 0x12, &v4()[..11]), Err(Addresses)),
            (header(0x21, 0x22, &v6[..35]), Err(Addresses)),
            (header(0x20, 0, &[0; 4096]), Ok(ProxiedClient::Itself)),
            (header(0x20, 0, &[0; 4097]), Err(Long)),
            (header(0x21, 0x12, &v4())[..27].to_vec(), Err(Short)),
            (header(0x21, 0x12, &v4())[..9].to_vec(), Err(Short)),
            (b"PROXY TCP4 192.0.2.7 192.0.2.1 1 53\r\n".to_vec(), Err(Missing)),
            (Vec::new(), Err(Missing)),
            (vec![0; 12], Err(Missing)),
        ] {
            assert_eq!(read_proxy_header(&bytes).map(|(client, _)| client), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_follows_is_left_as_it_is(
            extension in proptest::collection::vec(any::<u8>(), 0..64),
            message in proptest::collection::vec(any::<u8>(), 0..64),
            octets in any::<[u8; 12]>(),
        ) {
            let head = header(0x21, 0x12, &[&octets[..], &extension].concat());
            let bytes = [&head[..], &message].concat();
            let (found, rest) = read_proxy_header(&bytes).unwrap();
            prop_assert_eq!(rest, &message[..]);
            let ProxiedClient::Client { source, .. } = found else { panic!("no client") };
            prop_assert_eq!(source.ip(), IpAddr::from([octets[0], octets[1], octets[2], octets[3]]));
            let fixed: &[u8; PROXY_FIXED] = head.first_chunk().unwrap();
            prop_assert_eq!(rest_of_proxy_header(fixed), Ok(head.len() - PROXY_FIXED));
            for end in 0..head.len() {
                prop_assert!(read_proxy_header(&head[..end]).is_err());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let signed = [&PROXY_SIGNATURE[..], &bytes].concat();
            for bytes in [&bytes, &signed] {
                if let Ok((_, rest)) = read_proxy_header(bytes) {
                    prop_assert!(bytes.ends_with(rest) && rest.len() + PROXY_FIXED <= bytes.len());
                }
            }
        }
    }
}
