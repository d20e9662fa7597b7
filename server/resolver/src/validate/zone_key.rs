//! Keys of zones, and the digests by which parents vouch for them (RFC 4034 sections 2 and 5, appendix B).

use rhumb_wire::NameRef;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};

use super::algorithm::is_supported;

/// The flags of keys that sign zones, of those that are entry points, and of those that are revoked (RFC 4034 section 2.1.1, RFC 5011
/// section 2.1).
const ZONE: u16 = 0x100;
const ENTRY_POINT: u16 = 1;
const REVOKED: u16 = 0x80;

/// A DNSKEY record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneKey {
    rdata: Box<[u8]>,
}

impl ZoneKey {
    /// From RDATA; none where it is not a key of a zone or is revoked.
    pub fn parse(rdata: &[u8]) -> Option<Self> {
        Self::parse_any(rdata).filter(|key| !key.is_revoked())
    }

    /// The same, revoked or not.
    pub fn parse_any(rdata: &[u8]) -> Option<Self> {
        let &[high, low, protocol, _, ..] = rdata else { return None };
        let good = u16::from_be_bytes([high, low]) & ZONE != 0 && protocol == 3 && rdata.len() > 4;
        good.then(|| Self { rdata: rdata.into() })
    }

    /// Its RDATA.
    pub fn rdata(&self) -> &[u8] {
        &self.rdata
    }

    fn flags(&self) -> u16 {
        self.rdata.first_chunk::<2>().map_or(0, |flags| u16::from_be_bytes(*flags))
    }

    /// Whether its zone has revoked it (RFC 5011 section 2.1).
    pub fn is_revoked(&self) -> bool {
        self.flags() & REVOKED != 0
    }

    /// Whether it is meant to be trusted by itself (RFC 4034 section 2.1.1).
    pub fn is_entry_point(&self) -> bool {
        self.flags() & ENTRY_POINT != 0
    }

    /// The key as it was before it was revoked; its tag is another one.
    #[must_use]
    pub fn before_revocation(&self) -> Self {
        let mut rdata = self.rdata.clone();
        if let Some(low) = rdata.get_mut(1) {
            *low &= !(REVOKED as u8);
        }
        Self { rdata }
    }

    /// The algorithm's number.
    pub fn algorithm(&self) -> u8 {
        self.rdata.get(3).copied().unwrap_or(0)
    }

    /// The public key.
    pub fn public_key(&self) -> &[u8] {
        self.rdata.get(4..).unwrap_or(&[])
    }

    /// The tag by which signatures name it.
    pub fn tag(&self) -> u16 {
        let sum: u32 = self
            .rdata
            .iter()
            .enumerate()
            .map(|(at, byte)| u32::from(*byte) << if at % 2 == 0 { 8 } else { 0 })
            .fold(0, u32::wrapping_add);
        (sum.wrapping_add(sum >> 16 & 0xffff) & 0xffff) as u16
    }
}

/// A DS record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDigest {
    /// The tag of the key.
    pub tag: u16,
    /// The key's algorithm.
    pub algorithm: u8,
    /// How the digest is made.
    pub kind: u8,
    /// The digest.
    pub digest: Box<[u8]>,
}

const SHA1: u8 = 1;
const SHA256: u8 = 2;
const SHA384: u8 = 4;

impl KeyDigest {
    /// From RDATA; none where it is too short.
    pub fn parse(rdata: &[u8]) -> Option<Self> {
        let (&[high, low, algorithm, kind], digest) = rdata.split_first_chunk::<4>()?;
        Some(Self { tag: u16::from_be_bytes([high, low]), algorithm, kind, digest: digest.into() })
    }

    /// That of a key of `zone`, by SHA-256.
    pub fn of(zone: NameRef<'_>, key: &ZoneKey) -> Self {
        let digest = digest(SHA256, zone, key).unwrap_or_default().into();
        Self { tag: key.tag(), algorithm: key.algorithm(), kind: SHA256, digest }
    }

    /// Whether both algorithm and digest can be used.
    pub fn is_usable(&self) -> bool {
        is_supported(self.algorithm) && matches!(self.kind, SHA1 | SHA256 | SHA384)
    }

    /// Whether it stands back for better ones (RFC 4509 section 3).
    pub const fn is_weak(&self) -> bool {
        self.kind == SHA1
    }

    /// The digest as RDATA.
    pub fn to_rdata(&self) -> Vec<u8> {
        let mut rdata = self.tag.to_be_bytes().to_vec();
        rdata.extend([self.algorithm, self.kind]);
        rdata.extend_from_slice(&self.digest);
        rdata
    }

    /// Whether it is that of `key`.
    pub fn is_of(&self, zone: NameRef<'_>, key: &ZoneKey) -> bool {
        self.algorithm == key.algorithm()
            && self.tag == key.tag()
            && digest(self.kind, zone, key).is_some_and(|digest| *digest == *self.digest)
    }
}

fn digest(kind: u8, zone: NameRef<'_>, key: &ZoneKey) -> Option<Vec<u8>> {
    let data = [&zone.as_bytes().to_ascii_lowercase(), &*key.rdata].concat();
    match kind {
        SHA1 => Some(Sha1::digest(&data).to_vec()),
        SHA256 => Some(Sha256::digest(&data).to_vec()),
        SHA384 => Some(Sha384::digest(&data).to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::DomainName;

    use super::*;

    /// The example of RFC 4034 section 5.4.
    #[test]
    fn the_digest_of_rfc_4034() {
        let key = "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
        let rdata = [&[1, 0, 3, 5][..], &base64(key)].concat();
        let key = ZoneKey::parse(&rdata).unwrap();
        assert_eq!((key.tag(), key.algorithm()), (60485, 5));
        let zone: DomainName = "dskey.example.com".parse().unwrap();
        let digest = hex("2BB183AF5F22588179A53B0A98631FAD1A292118");
        let ds = KeyDigest { tag: 60485, algorithm: 5, kind: 1, digest: digest.into() };
        assert!(ds.is_of(zone.as_ref(), &key) && ds.is_usable() && ds.is_weak());
        let other: DomainName = "other.example.com".parse().unwrap();
        assert!(!ds.is_of(other.as_ref(), &key));
        assert!(KeyDigest::of(zone.as_ref(), &key).is_of(zone.as_ref(), &key));
    }

    #[test]
    fn what_is_read_is_given_back() {
        let key = [1, 1, 3, 8, 9, 10];
        assert_eq!(ZoneKey::parse(&key).unwrap().rdata(), key);
        let digest = [0x12, 0x34, 8, 2, 0xAB, 0xCD];
        assert_eq!(KeyDigest::parse(&digest).unwrap().to_rdata(), digest);
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
    }

    fn base64(text: &str) -> Vec<u8> {
        let digit = |c: u8| match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        let digits: Vec<u8> = text.bytes().filter(|&c| c != b'=').map(digit).collect();
        let bits = digits.iter().flat_map(|digit| (0..6).rev().map(move |at| digit >> at & 1));
        let bits: Vec<u8> = bits.collect();
        bits.as_chunks::<8>().0.iter().map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect()
    }

    #[test]
    fn what_is_no_key_of_a_zone() {
        assert!(ZoneKey::parse(&[0, 0, 3, 8, 1]).is_none());
        assert!(ZoneKey::parse(&[1, 0x80, 3, 8, 1]).is_none());
        assert!(ZoneKey::parse(&[1, 0, 2, 8, 1]).is_none());
        assert!(ZoneKey::parse(&[1, 0, 3, 8]).is_none());
    }
}
