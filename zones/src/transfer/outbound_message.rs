//! What holds for every message of a transfer to others.

/// Bytes of a message: what compression pointers reach (RFC 1035 section 4.1.4), less room for OPT and TSIG. A record that
/// does not fit has a message of up to 65,535 bytes of its own.
pub(super) const MESSAGE: usize = 16_384 - 640;

/// Why a zone cannot be transferred to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// With owner and header it is longer than a message can be.
    #[error("a record fits no message")]
    RecordSize,
    /// Contents without SOA are never built.
    #[error("the zone has no SOA")]
    NoSoa,
}
