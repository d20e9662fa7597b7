//! ASCII case folded eight bytes at a time (RFC 4343 section 3).

const ONES: u64 = 0x0101_0101_0101_0101;

/// Capitals of all eight bytes in lower case.
#[inline]
pub(crate) const fn lower(word: u64) -> u64 {
    let seven = word & (0x7f * ONES);
    let at_least_a = seven + (0x80 - b'A' as u64) * ONES;
    let beyond_z = seven + (0x7f - b'Z' as u64) * ONES;
    let capital = (at_least_a ^ beyond_z) & !word & (0x80 * ONES);
    word | (capital >> 2)
}

/// Whether two strings of bytes are equal but for the case of letters.
#[inline]
pub(crate) fn eq(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (mut a, mut b) = (a, b);
    while let (Some((x, a_rest)), Some((y, b_rest))) = (a.split_first_chunk(), b.split_first_chunk()) {
        if !same(u64::from_le_bytes(*x), u64::from_le_bytes(*y)) {
            return false;
        }
        (a, b) = (a_rest, b_rest);
    }
    same(short(a), short(b))
}

#[inline]
const fn same(a: u64, b: u64) -> bool {
    a == b || lower(a) == lower(b)
}

/// Up to seven bytes in one word. Strings of the same length give the same word only if they are equal.
#[inline]
pub(crate) fn short(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
    }
    match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(a) | u64::from(b) << 8,
        [a, b, c, ..] => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_alone_are_folded() {
        for byte in 0..=u8::MAX {
            let folded = lower(u64::from(byte) * ONES);
            assert_eq!(folded, u64::from(byte.to_ascii_lowercase()) * ONES, "{byte:#x}");
        }
    }

    proptest! {
        #[test]
        fn as_the_standard_library_has_it(a in "[aA@\\[`]{0,20}", b in "[aA@\\[`]{0,20}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            prop_assert_eq!(eq(a, b), a.eq_ignore_ascii_case(b));
            let swapped: Vec<u8> = a.iter().map(|byte| byte ^ if byte.is_ascii_alphabetic() { 32 } else { 0 }).collect();
            prop_assert!(eq(a, &swapped));
            for at in 0..a.len() {
                let mut other = a.to_vec();
                other[at] ^= 1;
                prop_assert_eq!(eq(a, &other), a.eq_ignore_ascii_case(&other));
            }
        }
    }
}
