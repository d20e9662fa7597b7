//! The prefix that stands before IPv4 addresses in IPv6 ones (RFC 6052).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dns64Prefix {
    address: Ipv6Addr,
    bits: u8,
}

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dns64PrefixError {
    /// It is no IPv6 network.
    #[error("is no IPv6 prefix")]
    Form,
    /// It has another length.
    #[error("has another length than 32, 40, 48, 56, 64 or 96")]
    Length,
    /// Bits behind the prefix, or bits 64 to 71, are set.
    #[error("has bits set behind its length, or in bits 64 to 71")]
    Bits,
}

impl FromStr for Dns64Prefix {
    type Err = Dns64PrefixError;

    fn from_str(text: &str) -> Result<Self, Dns64PrefixError> {
        let (address, bits) = text.split_once('/').ok_or(Dns64PrefixError::Form)?;
        let address: Ipv6Addr = address.parse().map_err(|_| Dns64PrefixError::Form)?;
        let bits: u8 = bits.parse().map_err(|_| Dns64PrefixError::Form)?;
        if !matches!(bits, 32 | 40 | 48 | 56 | 64 | 96) {
            return Err(Dns64PrefixError::Length);
        }
        let behind = address.to_bits() & (u128::MAX >> bits) != 0;
        if behind || address.octets()[RESERVED] != 0 {
            return Err(Dns64PrefixError::Bits);
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Dns64Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The byte that stays 0 (RFC 6052 section 2.2).
const RESERVED: usize = 8;

impl Dns64Prefix {
    /// The places of the four bytes of an IPv4 address.
    fn places(self) -> [usize; 4] {
        let first = usize::from(self.bits / 8);
        std::array::from_fn(|at| {
            let place = first + at;
            if first <= RESERVED && place >= RESERVED { place + 1 } else { place }
        })
    }

    /// The IPv6 address that stands for `address`.
    pub fn embed(self, address: Ipv4Addr) -> Ipv6Addr {
        let mut octets = self.address.octets();
        for (place, byte) in self.places().into_iter().zip(address.octets()) {
            if let Some(room) = octets.get_mut(place) {
                *room = byte;
            }
        }
        octets.into()
    }

    /// The IPv4 address that `address` stands for; none if it has another prefix.
    pub fn extract(self, address: Ipv6Addr) -> Option<Ipv4Addr> {
        let octets = address.octets();
        let found = Ipv4Addr::from(self.places().map(|place| octets.get(place).copied().unwrap_or(0)));
        (self.embed(found) == address).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6052 section 2.4.
    #[test]
    fn addresses_are_embedded_as_rfc_6052_has_it() {
        for (prefix, expected) in [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
            ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
        ] {
            let parsed: Dns64Prefix = prefix.parse().unwrap();
            let address: Ipv4Addr = "192.0.2.33".parse().unwrap();
            assert_eq!(parsed.embed(address), expected.parse::<Ipv6Addr>().unwrap(), "{prefix}");
            assert_eq!(parsed.extract(expected.parse().unwrap()), Some(address));
            assert_eq!(parsed.extract("2001:db9::1".parse().unwrap()), None);
            assert_eq!(parsed.to_string(), prefix);
        }
        for (text, error) in [
            ("64:ff9b::", Dns64PrefixError::Form),
            ("192.0.2.0/24", Dns64PrefixError::Form),
            ("64:ff9b::/95", Dns64PrefixError::Length),
            ("64:ff9b::1/96", Dns64PrefixError::Bits),
            ("2001:db8:0:0:0100::/96", Dns64PrefixError::Bits),
        ] {
            assert_eq!(text.parse::<Dns64Prefix>(), Err(error), "{text}");
        }
    }
}
