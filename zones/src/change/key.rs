//! Keys of names that sort as the canonical order does (RFC 4034 section 6.1), so that a map of them is in order.

use crate::contents::label_offsets;

/// The key of a name below the apex: its labels from the right in lower case, each ended by a zero; the bytes 0 and 1
/// are escaped by a 1. What lies below a name has a key that begins with its key.
pub(super) fn key(below: &[u8]) -> Box<[u8]> {
    let (offsets, count) = label_offsets(below);
    let mut key = Vec::with_capacity(below.len());
    let mut end = below.len();
    for &offset in offsets.iter().take(count).rev() {
        let label = below.get(usize::from(offset) + 1..end).unwrap_or(&[]);
        end = usize::from(offset);
        for &byte in label {
            match byte {
                0 | 1 => key.extend_from_slice(&[1, byte + 1]),
                _ => key.push(byte.to_ascii_lowercase()),
            }
        }
        key.push(0);
    }
    key.into_boxed_slice()
}

/// The key of the name without its first label; of the apex its own.
pub(super) fn parent_key(key: &[u8]) -> &[u8] {
    let Some((_, labels)) = key.split_last() else { return key };
    let end = labels.iter().rposition(|byte| *byte == 0).map_or(0, |zero| zero + 1);
    key.get(..end).unwrap_or(&[])
}

/// A name below the apex without its first label.
pub(super) fn parent(below: &[u8]) -> &[u8] {
    let length = below.first().map_or(0, |length| 1 + usize::from(*length));
    below.get(length..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::canonical;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(0u8), Just(1), Just(2), Just(b'a'), Just(b'B'), Just(b'b'), Just(255)];
        let label = proptest::collection::vec(byte, 1..4);
        proptest::collection::vec(label, 0..4).prop_map(|labels| {
            labels.iter().flat_map(|label| [vec![label.len() as u8], label.clone()].concat()).collect()
        })
    }

    proptest! {
        #[test]
        fn keys_sort_as_names_do(a in name(), b in name()) {
            prop_assert_eq!(key(&a).cmp(&key(&b)), canonical(&a, &b));
            let (mine, above) = (key(&a), key(parent(&a)));
            prop_assert_eq!(parent_key(&mine), &*above);
            let below = [&b[..], &a].concat();
            prop_assert!(key(&below).starts_with(&key(&a)));
            let (offsets, count) = label_offsets(&a);
            let is_suffix = b.is_empty()
                || offsets[..count].iter().any(|&at| a[usize::from(at)..].eq_ignore_ascii_case(&b));
            prop_assert_eq!(key(&a).starts_with(&key(&b)), is_suffix);
        }
    }
}
