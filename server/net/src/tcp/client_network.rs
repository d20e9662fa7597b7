//! Who counts as one client.

use std::net::IpAddr;

/// An IPv4 address, or an IPv6 /56, which is what one customer is commonly given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct ClientNetwork(u64);

impl ClientNetwork {
    pub(super) fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(v4) => Self(v4.to_bits().into()),
            // The 56 bits, and a mark that no IPv4 address has.
            IpAddr::V6(v6) => Self((v6.to_bits() >> 72) as u64 | 1 << 63),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn networks_are_56_bits_long() {
        let of = |text: &str| ClientNetwork::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:0:1100::1"), of("2001:db8:0:11ff:1::2"));
        assert_ne!(of("2001:db8:0:1100::1"), of("2001:db8:0:1200::1"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        let same: HashSet<_> = ["::1", "0.0.0.1", "0.0.0.0", "::"].map(of).into();
        assert_eq!(same.len(), 3, "::1 and :: are of one network, apart from those of IPv4");
    }
}
