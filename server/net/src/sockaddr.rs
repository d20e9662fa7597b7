//! The kernel's form of a socket address (`struct sockaddr_in` and `sockaddr_in6`), read without copying it first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use nix::libc;

use crate::local::canonical;

/// The size of the larger of the two forms, in bytes.
pub(crate) const SIZE: usize = size_of::<libc::sockaddr_in6>();

/// What an IPv4 address mapped into IPv6 begins with (RFC 4291, section 2.5.5.2).
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// Room for the address of either family, as the kernel writes it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct RawAddress(pub(crate) [u8; SIZE]);

impl RawAddress {
    pub(crate) const fn empty() -> Self {
        Self([0; SIZE])
    }

    /// The address and port, a v4-mapped one as IPv4. `None` for what is neither IPv4 nor IPv6.
    #[inline]
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        let ip = self.raw_ip()?;
        let address = match ip {
            IpAddr::V4(v4) => SocketAddr::from((v4, self.port())),
            // The flow label of a query is of no use in an answer.
            IpAddr::V6(v6) => SocketAddrV6::new(v6, self.port(), 0, self.scope()).into(),
        };
        Some(canonical(address))
    }

    /// The address alone, a v4-mapped one as IPv4.
    #[inline]
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.raw_ip().map(|ip| ip.to_canonical())
    }

    /// The port.
    #[inline]
    pub(crate) fn port(&self) -> u16 {
        u16::from_be_bytes(self.field(2))
    }

    /// Whether it is an IPv4 address, also a mapped one.
    #[inline]
    pub(crate) fn is_ipv4(&self) -> bool {
        self.family() == libc::AF_INET || self.field::<12>(8) == MAPPED
    }

    #[inline]
    fn raw_ip(&self) -> Option<IpAddr> {
        match self.family() {
            libc::AF_INET => Some(Ipv4Addr::from(self.field::<4>(4)).into()),
            libc::AF_INET6 => Some(Ipv6Addr::from(self.field::<16>(8)).into()),
            _ => None,
        }
    }

    fn scope(&self) -> u32 {
        u32::from_ne_bytes(self.field(24))
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[inline]
    fn family(&self) -> libc::c_int {
        u16::from_ne_bytes(self.field(0)).into()
    }

    /// The BSDs and macOS have the length in the first byte. Not run here.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn family(&self) -> libc::c_int {
        self.field::<2>(0)[1].into()
    }

    /// `N` bytes from `offset` on. All callers name offsets inside; others would read as zero.
    #[inline]
    fn field<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.0.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::SockaddrStorage;

    /// The bytes of the address as another crate lays them out.
    fn kernel_form(text: &str) -> RawAddress {
        let address: SocketAddr = text.parse().unwrap();
        let storage = SockaddrStorage::from(address);
        let mut out = RawAddress::empty();
        if let Some(v4) = storage.as_sockaddr_in() {
            let raw: &libc::sockaddr_in = v4.as_ref();
            out.0[..2].copy_from_slice(&raw.sin_family.to_ne_bytes());
            out.0[2..4].copy_from_slice(&raw.sin_port.to_ne_bytes());
            out.0[4..8].copy_from_slice(&raw.sin_addr.s_addr.to_ne_bytes());
        } else {
            let raw: &libc::sockaddr_in6 = storage.as_sockaddr_in6().unwrap().as_ref();
            out.0[..2].copy_from_slice(&raw.sin6_family.to_ne_bytes());
            out.0[2..4].copy_from_slice(&raw.sin6_port.to_ne_bytes());
            out.0[8..24].copy_from_slice(&raw.sin6_addr.s6_addr);
            out.0[24..28].copy_from_slice(&raw.sin6_scope_id.to_ne_bytes());
        }
        out
    }

    #[test]
    fn addresses_read_back() {
        for text in ["192.0.2.1:53", "[2001:db8::1]:5353", "[fe80::1%7]:53"] {
            let raw = kernel_form(text);
            assert_eq!(raw.address(), Some(text.parse().unwrap()), "{text}");
            assert_eq!(raw.ip(), raw.address().map(|a| a.ip()));
            assert_eq!(Some(raw.port()), raw.address().map(|a| a.port()));
            assert_eq!(Some(raw.is_ipv4()), raw.address().map(|a| a.is_ipv4()));
        }
    }

    #[test]
    fn mapped_reads_as_ipv4() {
        let raw = kernel_form("[::ffff:192.0.2.1]:53");
        assert_eq!(raw.address(), Some("192.0.2.1:53".parse().unwrap()));
        assert_eq!(raw.ip(), Some("192.0.2.1".parse().unwrap()));
        assert!(raw.is_ipv4());
    }

    #[test]
    fn nothing_received_is_no_address() {
        assert_eq!(RawAddress::empty().address(), None);
    }
}
