//! Hashes of names, label by label from the right, so that all suffixes of a name cost one pass.
//!
//! This is no cryptographic hash: a multiplication by a public constant, its halves folded together, from a random start.
//! Who knows the start can compute any number of names with one hash. Who does not, which is everybody who only sends names
//! (in queries, transfers or updates), can choose pairs that collide more often than by chance, as the difference of two
//! words meets an unknown sum; not the thousands of names with one hash that would make a search long, as each further one
//! needs the same luck again. The start is never shown, and each zone that is read has a start of its own.

use std::hash::{BuildHasher, RandomState};

use crate::contents::names::label_offsets;
use crate::fold;

const MULTIPLIER: u64 = 0x9fb2_1c65_1e98_df25;

/// The state after some labels; at first a random start. What it withstands and what not stands above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameHash(u64);

impl NameHash {
    /// A new random start.
    pub(crate) fn random() -> Self {
        Self(RandomState::new().hash_one(0u8))
    }

    /// The hash after one more label to the left; `label` with its length byte. Case does not matter.
    #[inline]
    pub(crate) fn label(self, label: &[u8]) -> Self {
        let (words, rest) = label.as_chunks::<8>();
        // The length byte keeps apart what the last word does not.
        let hash = words.iter().fold(self.0, |hash, word| mix(hash, u64::from_le_bytes(*word)));
        if rest.is_empty() {
            return Self(hash);
        }
        Self(mix(hash, fold::short(rest)))
    }

    /// The 32 bits that tables store.
    #[inline]
    pub(crate) const fn finish(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// The hash of a whole name without root label: its labels from the right.
pub(crate) fn of_labels(start: NameHash, name: &[u8]) -> u32 {
    // The offsets of up to eight labels fit one word, the last in the lowest byte.
    let (mut offsets, mut count, mut at) = (0u64, 0, 0usize);
    while let Some(&length) = name.get(at) {
        offsets = offsets << 8 | at as u64;
        count += 1;
        at += 1 + usize::from(length);
    }
    if count > 8 {
        return of_many_labels(start, name);
    }
    let (mut hash, mut end) = (start, name.len());
    for _ in 0..count {
        let offset = (offsets & 0xff) as usize;
        hash = hash.label(name.get(offset..end).unwrap_or(&[]));
        (offsets, end) = (offsets >> 8, offset);
    }
    hash.finish()
}

fn of_many_labels(start: NameHash, name: &[u8]) -> u32 {
    let (offsets, count) = label_offsets(name);
    let mut end = name.len();
    let mut hash = start;
    for &offset in offsets.iter().take(count).rev() {
        let offset = usize::from(offset);
        hash = hash.label(name.get(offset..end).unwrap_or(&[]));
        end = offset;
    }
    hash.finish()
}

#[inline]
fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ fold::lower(word)) * u128::from(MULTIPLIER);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_depth() {
        let start = NameHash::random();
        for labels in 0..60u8 {
            let name: Vec<u8> = (0..labels)
                .flat_map(|i| [vec![1 + i % 2], vec![b'a'; 1 + usize::from(i % 2)]].concat())
                .collect();
            assert_eq!(of_labels(start, &name), of_many_labels(start, &name), "{labels}");
        }
    }

    #[test]
    fn labels_of_every_length_are_told_apart() {
        let start = NameHash::random();
        let mut seen = std::collections::HashSet::new();
        for length in 0..64u8 {
            let mut label = vec![length];
            label.extend((0..length).map(|i| b'a' + i % 26));
            assert!(seen.insert(start.label(&label).0));
            for at in 1..label.len() {
                let mut other = label.clone();
                other[at] ^= 1;
                assert!(seen.insert(start.label(&other).0), "byte {at} of {length} is not mixed in");
                other[at] = label[at].to_ascii_uppercase();
                assert_eq!(start.label(&other), start.label(&label));
            }
        }
    }

    /// Equal hashes among `names`, and how many are to be expected by chance.
    fn equal(start: NameHash, names: &[Vec<u8>]) -> (usize, usize) {
        let mut hashes: Vec<u32> = names.iter().map(|name| of_labels(start, name)).collect();
        hashes.sort_unstable();
        let equal = hashes.windows(2).filter(|pair| pair[0] == pair[1]).count();
        // Pairs of names, each equal once in 2^32.
        (equal, (names.len() * names.len()) >> 33)
    }

    /// Names as zones have them, and as an attacker who knows the multiplier might choose them, from several starts.
    #[test]
    fn names_that_are_alike_collide_by_chance_alone() {
        const COUNT: u64 = 60_000;
        let name = |labels: &[&[u8]]| -> Vec<u8> {
            labels.iter().flat_map(|label| [&[label.len() as u8], *label].concat()).collect()
        };
        // Seven bytes with the length make a word: those that differ by small multiples of the multiplier's inverse.
        let mut inverse = MULTIPLIER;
        for _ in 0..6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(MULTIPLIER.wrapping_mul(inverse)));
        }
        assert_eq!(inverse.wrapping_mul(MULTIPLIER), 1);
        let bytes = |n: u64| n.to_le_bytes();
        let families: [(&str, Vec<Vec<u8>>); 5] = [
            ("numbered", (0..COUNT).map(|n| name(&[format!("host{n}").as_bytes()])).collect()),
            (
                "numbers below one name",
                (0..COUNT).map(|n| name(&[n.to_string().as_bytes(), b"dyn"])).collect(),
            ),
            (
                "nibbles",
                (0..COUNT)
                    .map(|n| {
                        let digits: Vec<String> =
                            (0..5).map(|at| format!("{:x}", n >> (4 * at) & 15)).collect();
                        name(&digits.iter().map(String::as_bytes).collect::<Vec<_>>())
                    })
                    .collect(),
            ),
            ("one word", (0..COUNT).map(|n| name(&[&bytes(n << 32)[1..]])).collect()),
            (
                "multiples of the inverse",
                (0..COUNT).map(|n| name(&[&bytes(inverse.wrapping_mul(n))[1..]])).collect(),
            ),
        ];
        for (family, names) in families {
            let mut names: Vec<Vec<u8>> = names.into_iter().map(|name| name.to_ascii_lowercase()).collect();
            names.sort_unstable();
            names.dedup();
            // Chance is not the same each time: the best of three starts counts, and several times the average is allowed.
            let found = (0..3).map(|_| equal(NameHash::random(), &names)).min_by_key(|(equal, _)| *equal);
            let (equal, expected) = found.unwrap();
            assert!(equal < 8 * expected + 8, "{family}: {equal} and not {expected}");
        }
    }
}
