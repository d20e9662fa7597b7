//! Type bitmaps (RFC 4034 section 4.1.2).

use rhumb_wire::Type;

/// How a bitmap differs from what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BitmapDifference {
    /// It lists a type that is not there.
    Listed(Type),
    /// It leaves out a type that is there.
    LeftOut(Type),
}

/// The first difference between a bitmap and the types there are, which come in order.
pub(super) fn difference(bitmap: &[u8], present: impl Iterator<Item = Type>) -> Option<BitmapDifference> {
    let mut listed = types(bitmap);
    let mut present = present;
    loop {
        return match (listed.next(), present.next()) {
            (None, None) => None,
            (Some(a), Some(b)) if a == b => continue,
            (Some(a), Some(b)) if a.0 < b.0 => Some(BitmapDifference::Listed(a)),
            (Some(a), None) => Some(BitmapDifference::Listed(a)),
            (_, Some(b)) => Some(BitmapDifference::LeftOut(b)),
        };
    }
}

/// The types of a bitmap in order.
fn types(bitmap: &[u8]) -> impl Iterator<Item = Type> {
    let mut rest = bitmap;
    let windows = std::iter::from_fn(move || {
        let (&[window, length], tail) = rest.split_first_chunk::<2>()?;
        let (bytes, after) = tail.split_at_checked(usize::from(length))?;
        rest = after;
        Some((u16::from(window) << 8, bytes))
    });
    windows.flat_map(|(window, bytes)| {
        (0u16..).zip(bytes).filter(|(_, byte)| **byte != 0).flat_map(move |(index, &byte)| {
            let bits = (0u16..8).filter(move |bit| byte & (0x80 >> bit) != 0);
            bits.map(move |bit| Type(window | (index << 3 & 0xff) | bit))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_seen() {
        // A, MX, RRSIG, NSEC and TYPE1234, as RFC 4034 section 4.3 has them.
        let mut bitmap = vec![0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27];
        bitmap.extend([0; 26]);
        bitmap.push(0x20);
        let present = [Type::A, Type::MX, Type::RRSIG, Type::NSEC, Type(1234)];
        assert_eq!(difference(&bitmap, present.into_iter()), None);
        for left in 0..present.len() {
            let others = (0..).zip(present).filter(|(at, _)| *at != left).map(|(_, rtype)| rtype);
            assert_eq!(difference(&bitmap, others), Some(BitmapDifference::Listed(present[left])));
        }
        for added in [Type::NS, Type::AAAA, Type::CAA, Type(2000)] {
            let mut more = present.to_vec();
            more.push(added);
            more.sort();
            assert_eq!(difference(&bitmap, more.into_iter()), Some(BitmapDifference::LeftOut(added)));
        }
        assert_eq!(difference(&[], [].into_iter()), None);
        assert_eq!(difference(&[], [Type::A].into_iter()), Some(BitmapDifference::LeftOut(Type::A)));
    }
}
