//! Whether records should be signed (RFC 4035 section 5.2).

/// What the way from the trust anchor down to records says of their signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureNeed {
    /// No zone on the way is proven to be insecure.
    Expected,
    /// There may be an unsigned zone on the way: a span that opts out would hide it (RFC 5155 section 6), or what denies it counts for
    /// nothing (RFC 9276 section 3.2).
    Open,
    /// A zone on the way is proven to be insecure, or not to be validated.
    Absent,
}
