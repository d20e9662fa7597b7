//! ASCII case folded eight bytes at a time (RFC 4343 section 3).

use std::cmp::Ordering;

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
    let (Some(a_last), Some(b_last)) = (a.last_chunk(), b.last_chunk()) else {
        return same(short(a), short(b));
    };
    // The last eight bytes may overlap those before.
    let words = a.as_chunks().0.iter().zip(b.as_chunks().0);
    let same = |x: &[u8; 8], y: &[u8; 8]| same(u64::from_le_bytes(*x), u64::from_le_bytes(*y));
    same(a_last, b_last) && words.into_iter().all(|(x, y)| same(x, y))
}

/// The order of two strings of bytes, capitals as small letters.
#[inline]
pub(crate) fn cmp(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    while !a_rest.is_empty() && !b_rest.is_empty() {
        let (x, y) = (head(a_rest), head(b_rest));
        if x != y {
            return x.cmp(&y);
        }
        (a_rest, b_rest) = (a_rest.get(8..).unwrap_or(&[]), b_rest.get(8..).unwrap_or(&[]));
    }
    a.len().cmp(&b.len())
}

/// The first eight bytes in lower case, the first the most significant: zeros where there are fewer.
#[inline]
pub(crate) fn head(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or_else(|| padded(bytes), |word| lower(u64::from_be_bytes(*word)))
}

/// Up to seven bytes in lower case, the first the most significant.
#[inline]
fn padded(bytes: &[u8]) -> u64 {
    let byte = |byte: u8, place: u32| u64::from(byte) << (56 - 8 * place);
    lower(match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            let unused = 8 - bytes.len().min(8);
            u64::from(u32::from_be_bytes(*first)) << 32 | u64::from(u32::from_be_bytes(*last)) << (8 * unused)
        }
        _ => match *bytes {
            [] => 0,
            [a] => byte(a, 0),
            [a, b] => byte(a, 0) | byte(b, 1),
            [a, b, c, ..] => byte(a, 0) | byte(b, 1) | byte(c, 2),
        },
    })
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
        fn as_the_standard_library_has_it(a in "[aA@\\[`\u{0}]{0,20}", b in "[aA@\\[`\u{0}]{0,20}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            prop_assert_eq!(eq(a, b), a.eq_ignore_ascii_case(b));
            let swapped: Vec<u8> = a.iter().map(|byte| byte ^ if byte.is_ascii_alphabetic() { 32 } else { 0 }).collect();
            prop_assert!(eq(a, &swapped));
            let lowered = |bytes: &[u8]| bytes.to_ascii_lowercase();
            prop_assert_eq!(cmp(a, b), lowered(a).cmp(&lowered(b)));
            for at in 0..a.len() {
                prop_assert_eq!(cmp(a, &a[..at]), Ordering::Greater);
                let mut other = a.to_vec();
                other[at] ^= 1;
                prop_assert_eq!(eq(a, &other), a.eq_ignore_ascii_case(&other));
                prop_assert_eq!(cmp(a, &other), lowered(a).cmp(&lowered(&other)));
            }
        }
    }
}
