//! The keys at the apex.

use rhumb_wire::Type;

use crate::contents::ZoneContents;
use crate::contents::set::RecordImages;

/// The zone's own flag (RFC 4034 section 2.1.1).
const ZONE: u16 = 0x0100;
/// The revoke flag (RFC 5011 section 7).
const REVOKE: u16 = 0x0080;

/// Tags and algorithms of the zone keys.
#[derive(Debug, Default)]
pub(super) struct ZoneKeys {
    /// In order.
    keys: Vec<(u16, u8)>,
    /// The algorithms that have to sign every RRset (RFC 4035 section 2.2).
    algorithms: AlgorithmSet,
}

/// A set of algorithms.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct AlgorithmSet([u128; 2]);

impl AlgorithmSet {
    /// The bit of an algorithm, and the word it is in.
    const fn bit(algorithm: u8) -> (usize, u128) {
        (algorithm as usize >> 7, 1 << (algorithm & 0x7f))
    }

    pub(super) fn insert(&mut self, algorithm: u8) {
        let (word, bit) = Self::bit(algorithm);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    /// The algorithms of this set that `other` does not have, in order.
    pub(super) fn without(self, other: Self) -> impl Iterator<Item = u8> {
        let [low, high] = self.0;
        let [other_low, other_high] = other.0;
        let left = [low & !other_low, high & !other_high];
        let all = if left == [0, 0] { 0..=0 } else { 0..=u8::MAX };
        all.filter(move |&algorithm| {
            let (word, bit) = Self::bit(algorithm);
            left.get(word).is_some_and(|word| word & bit != 0)
        })
    }
}

impl ZoneKeys {
    /// The keys of a zone.
    pub(super) fn of(contents: &ZoneContents) -> Self {
        let mut found = Self::default();
        let apex = contents.node(contents.root);
        let sets = apex.sets().filter(|set| set.rtype == Type::DNSKEY);
        for (_, rdata) in sets.flat_map(|set| RecordImages::new(set.image())) {
            let Some(&[high, low, _, algorithm]) = rdata.first_chunk::<4>() else { continue };
            let flags = u16::from_be_bytes([high, low]);
            found.keys.push((tag(rdata), algorithm));
            if flags & ZONE != 0 && flags & REVOKE == 0 {
                found.algorithms.insert(algorithm);
            }
        }
        found.keys.sort_unstable();
        found
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether there is one with this tag and algorithm.
    pub(super) fn has(&self, tag: u16, algorithm: u8) -> bool {
        self.keys.binary_search(&(tag, algorithm)).is_ok()
    }

    /// The algorithms that have to sign every RRset.
    pub(super) const fn algorithms(&self) -> AlgorithmSet {
        self.algorithms
    }
}

/// The key tag (RFC 4034 appendix B).
fn tag(rdata: &[u8]) -> u16 {
    if rdata.get(3) == Some(&1) {
        // RSA/MD5: the last bytes of the modulus but one.
        let tail = rdata.last_chunk::<3>().copied().unwrap_or_default();
        return u16::from_be_bytes([tail[0], tail[1]]);
    }
    let (pairs, rest) = rdata.as_chunks::<2>();
    let sum: u32 = pairs.iter().map(|pair| u32::from(u16::from_be_bytes(*pair))).sum();
    let sum = sum + rest.first().map_or(0, |last| u32::from(*last) << 8);
    (sum + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the tag of RFC 4034 section 5.4.
    #[test]
    fn the_tag_of_a_published_key() {
        let text = "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
        let mut key = vec![1, 0, 3, 5];
        let (mut bits, mut count) = (0u32, 0);
        for digit in text.bytes().filter(|byte| *byte != b'=') {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let value = alphabet.iter().position(|known| *known == digit).unwrap();
            bits = bits << 6 | value as u32;
            count += 6;
            if count >= 8 {
                count -= 8;
                key.push((bits >> count) as u8);
            }
        }
        assert_eq!(tag(&key), 60485);
    }
}
