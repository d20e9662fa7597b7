//! How long digests in RDATA are.

use crate::number::Type;

/// Whether the digest that ends `rdata` has the length that its type says (RFC 4034 section 5.1.4 for DS and its like, RFC 4255 and
/// RFC 6594 for SSHFP, RFC 8976 section 2.2.4 for ZONEMD). Digest types that are not known have any length.
pub const fn digest_fits(rtype: Type, rdata: &[u8]) -> bool {
    let (length, wanted) = match (rtype, rdata) {
        (Type::DS | Type::CDS | Type::DLV | Type::TA, [_, _, _, kind, digest @ ..]) => {
            (digest.len(), ds_length(*kind))
        }
        (Type::SSHFP, [_, kind, digest @ ..]) => (digest.len(), fingerprint_length(*kind)),
        (Type::ZONEMD, [_, _, _, _, _, kind, digest @ ..]) => (digest.len(), zone_length(*kind)),
        _ => return true,
    };
    match wanted {
        Some(wanted) => length == wanted,
        None => true,
    }
}

/// SHA-1, SHA-256, both of GOST R 34.11, SHA-384, SM3 (RFC 3658, RFC 4509, RFC 5933, RFC 6605, RFC 9558, RFC 9563).
const fn ds_length(kind: u8) -> Option<usize> {
    match kind {
        1 => Some(20),
        2 | 3 | 5 | 6 => Some(32),
        4 => Some(48),
        _ => None,
    }
}

/// SHA-1 and SHA-256.
const fn fingerprint_length(kind: u8) -> Option<usize> {
    match kind {
        1 => Some(20),
        2 => Some(32),
        _ => None,
    }
}

/// SHA-384 and SHA-512.
const fn zone_length(kind: u8) -> Option<usize> {
    match kind {
        1 => Some(48),
        2 => Some(64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_known_types_have_their_length() {
        let of = |head: &[u8], length| [head, &vec![7; length]].concat();
        for (rtype, head, length) in [
            (Type::DS, &[0, 1, 8, 1][..], 20),
            (Type::DS, &[0, 1, 8, 2], 32),
            (Type::CDS, &[0, 1, 8, 4], 48),
            (Type::DLV, &[0, 1, 8, 5], 32),
            (Type::TA, &[0, 1, 8, 6], 32),
            (Type::SSHFP, &[1, 1], 20),
            (Type::SSHFP, &[4, 2], 32),
            (Type::ZONEMD, &[0, 0, 0, 1, 1, 1], 48),
            (Type::ZONEMD, &[0, 0, 0, 1, 1, 2], 64),
        ] {
            assert!(digest_fits(rtype, &of(head, length)), "{rtype} {head:?}");
            assert!(!digest_fits(rtype, &of(head, length - 1)), "{rtype} {head:?}, one byte less");
            assert!(!digest_fits(rtype, &of(head, length + 1)), "{rtype} {head:?}, one byte more");
        }
    }

    #[test]
    fn others_have_any_length() {
        // RFC 8078 section 4: a CDS that asks for the DS to be deleted.
        assert!(digest_fits(Type::CDS, &[0, 0, 0, 0, 0]));
        assert!(digest_fits(Type::DS, &[0, 1, 8, 200, 1, 2, 3]));
        assert!(digest_fits(Type::ZONEMD, &[0, 0, 0, 1, 1, 240, 1]));
        assert!(digest_fits(Type::A, &[192, 0, 2, 1]));
    }
}
