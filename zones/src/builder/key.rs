//! The keys by which names are sorted.

use crate::contents::label_offsets;
use crate::fold;

const ONES: u64 = 0x0101_0101_0101_0101;

/// The first eight bytes of a key that sorts as the canonical order does: labels from the right in lower case, each ended
/// by a zero, the bytes 0 and 1 escaped. With it the number of labels.
pub(super) fn sort_key(below: &[u8]) -> (u64, u8) {
    // Of the labels the four on the right at most have a part in the key.
    let (mut offsets, mut depth, mut at) = (0u32, 0u8, 0usize);
    while let Some(&length) = below.get(at) {
        offsets = offsets << 8 | at as u32;
        depth += 1;
        at += 1 + usize::from(length);
    }
    let (mut key, mut filled, mut end) = (0u64, 0u32, below.len());
    for _ in 0..depth.min(4) {
        let start = (offsets & 0xff) as usize;
        let label = below.get(start + 1..end).unwrap_or(&[]);
        let word = padded(label);
        // The padding is no byte of the name.
        let unused = u64::MAX.checked_shr(8 * label.len() as u32).unwrap_or(0);
        if has_below_two(word | unused) {
            return (escaped_key(below), depth);
        }
        key |= fold::lower(word) >> filled;
        filled += 8 * (label.len() as u32 + 1);
        if filled >= 64 {
            break;
        }
        (end, offsets) = (start, offsets >> 8);
    }
    (key, depth)
}

/// The first eight bytes, the first of them in the highest place, zeros behind a shorter label.
fn padded(label: &[u8]) -> u64 {
    if let Some(first) = label.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    if let (Some(first), Some(last)) = (label.first_chunk::<4>(), label.last_chunk::<4>()) {
        // They overlap where the label has less than eight bytes, and agree there.
        let (first, last) = (u32::from_be_bytes(*first), u32::from_be_bytes(*last));
        return u64::from(first) << 32 | u64::from(last) << (64 - 8 * label.len());
    }
    label.iter().zip([56, 48, 40]).fold(0, |word, (&byte, shift)| word | u64::from(byte) << shift)
}

const fn has_below_two(word: u64) -> bool {
    word.wrapping_sub(2 * ONES) & !word & (0x80 * ONES) != 0
}

/// The key of a name with bytes that have to be escaped.
fn escaped_key(below: &[u8]) -> u64 {
    let (offsets, count) = label_offsets(below);
    let mut key = [0u8; 10];
    let mut length = 0;
    let mut end = below.len();
    for &offset in offsets.iter().take(count).rev() {
        let label = below.get(usize::from(offset) + 1..end).unwrap_or(&[]);
        end = usize::from(offset);
        for byte in label.iter().take(8) {
            let pair = match byte {
                0 | 1 => [1, byte + 1],
                _ => [byte.to_ascii_lowercase(), 0],
            };
            if let Some(room) = key.get_mut(length..length + 2) {
                room.copy_from_slice(&pair);
            }
            length += 1 + usize::from(*byte < 2);
        }
        if let Some(room) = key.get_mut(length) {
            *room = 0;
        }
        length += 1;
        if length >= 8 {
            break;
        }
    }
    key.first_chunk().map_or(0, |key| u64::from_be_bytes(*key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::tree::tests::names;
    use crate::contents::canonical;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_never_contradict_the_order(list in names()) {
            for a in &list {
                let (key, depth) = sort_key(a);
                prop_assert_eq!(usize::from(depth), label_offsets(a).1);
                prop_assert_eq!(key, escaped_key(a));
                for b in &list {
                    if key < sort_key(b).0 {
                        prop_assert!(canonical(a, b).is_lt());
                    }
                }
            }
        }
    }
}
