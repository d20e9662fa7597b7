//! Hashes of names, label by label from the right, so that all suffixes of a name cost one pass.

use std::hash::{BuildHasher, RandomState};

use crate::contents::names::label_offsets;
use crate::fold;

const MULTIPLIER: u64 = 0x9fb2_1c65_1e98_df25;

/// The state for "no label yet". Random, so that nobody can write a zone whose names collide.
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
}
