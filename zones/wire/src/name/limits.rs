//! How long names are.

/// The longest name in bytes, the root label counted (RFC 1035 section 3.1).
pub const MAX_LENGTH: usize = 255;
/// The longest label in bytes.
pub const MAX_LABEL: usize = 63;
/// The most labels a name can have, the root label not counted.
pub const MAX_LABELS: usize = 127;
