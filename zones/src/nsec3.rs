//! Hashed names (RFC 5155 section 5).

use rhumb_wire::{NameBuf, NameRef};
use sha1::{Digest, Sha1};

/// Bytes of a hash.
pub(crate) const HASH: usize = 20;
/// Characters of a hash as a label.
pub(crate) const LABEL: usize = HASH * 8 / 5;

const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// The first 64 bits of the hash that a name below the apex is; none if it is none.
pub(crate) fn prefix_of_label(below: &[u8]) -> Option<u64> {
    let digits = below.split_first().filter(|(length, _)| usize::from(**length) == LABEL)?.1;
    if digits.len() != LABEL {
        return None;
    }
    let mut bits = 0u128;
    let mut known = true;
    for (index, digit) in digits.iter().enumerate() {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'v' => digit - b'a' + 10,
            b'A'..=b'V' => digit - b'A' + 10,
            _ => {
                known = false;
                0
            }
        };
        // Thirteen digits are 65 bits.
        if index < 13 {
            bits = bits << 5 | u128::from(value);
        }
    }
    known.then_some((bits >> 1) as u64)
}

/// What the RDATA of NSEC3PARAM and NSEC3 begins with (RFC 5155 sections 3.2 and 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nsec3Parameters<'a> {
    /// Flags; opt-out is the last bit.
    pub(crate) flags: u8,
    pub(crate) iterations: u16,
    pub(crate) salt: &'a [u8],
}

impl<'a> Nsec3Parameters<'a> {
    /// From RDATA; none for a hash algorithm other than SHA-1, the only one there is.
    pub(crate) fn parse(rdata: &'a [u8]) -> Option<Self> {
        let (&[algorithm, flags, high, low, length], rest) = rdata.split_first_chunk::<5>()?;
        let salt = rest.get(..usize::from(length)).filter(|_| algorithm == 1)?;
        Some(Self { flags, iterations: u16::from_be_bytes([high, low]), salt })
    }
}

/// The hash of a name, its case ignored.
pub(crate) fn hash(name: NameRef<'_>, iterations: u16, salt: &[u8]) -> [u8; HASH] {
    let mut lower = NameBuf::new();
    lower.set_lowercase(name);
    let mut hash = digest(lower.as_ref().as_bytes(), salt);
    for _ in 0..iterations {
        hash = digest(&hash, salt);
    }
    hash
}

fn digest(head: &[u8], salt: &[u8]) -> [u8; HASH] {
    Sha1::new_with_prefix(head).chain_update(salt).finalize().into()
}

/// A hash as the first label of an NSEC3 owner: base32hex in lower case (RFC 5155 section 1.3), which sorts as the
/// hashes do.
pub(crate) fn label(hash: &[u8; HASH]) -> [u8; LABEL] {
    let mut label = [0; LABEL];
    for (room, five) in label.as_chunks_mut::<8>().0.iter_mut().zip(hash.as_chunks::<5>().0) {
        let bits = five.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        for (digit, shift) in room.iter_mut().zip((0..8).rev().map(|i| i * 5)) {
            *digit = DIGITS.get((bits >> shift & 31) as usize).copied().unwrap_or(0);
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_hash() {
        for below in [&b""[..], b"\x01a", &[&[32], [b'w'; 32].as_slice()].concat(), &[32; 32], &[32; 34]] {
            assert_eq!(prefix_of_label(below), None);
        }
    }

    #[test]
    fn the_hashes_of_rfc_5155_appendix_a() {
        for (name, wanted) in [
            ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
            ("NS1.example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
            ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
            ("xx.example", "t644ebqk9bibcna874givr6joj62mlhv"),
        ] {
            let name: rhumb_wire::DomainName = name.parse().unwrap();
            let hash = hash(name.as_ref(), 12, &[0xaa, 0xbb, 0xcc, 0xdd]);
            let label = label(&hash);
            assert_eq!(label.escape_ascii().to_string(), wanted);
            let below = [&[32], label.to_ascii_uppercase().as_slice()].concat();
            assert_eq!(prefix_of_label(&below), hash.first_chunk().map(|head| u64::from_be_bytes(*head)));
        }
    }
}
