//! The bounds of validation. Each is counted against the client's question.

/// How often what is bogus is asked for again, of other servers.
pub const AGAIN: usize = 2;
/// The most signatures checked for one question.
pub const CHECKS: usize = 32;
/// The most of them that may turn out wrong.
pub const WRONG: usize = 12;
/// How deep validations may need further ones.
pub const DEPTH: usize = 48;
/// The most signatures checked for one `RRset`.
pub const CHECKS_OF_SET: usize = 8;
/// The most keys of one tag and algorithm that are tried for a signature.
pub const SAME_TAG: usize = 2;
/// The most DS records tried for a zone.
pub const DIGESTS: usize = 8;
/// The most keys of a zone that are kept.
pub const KEYS: usize = 32;
/// The most iterations of NSEC3 that are followed; with more a denial proves nothing, and the zone is insecure (RFC 9276).
pub const ITERATIONS: u16 = 50;
/// The most NSEC or NSEC3 records of a denial that are looked at.
pub const PROOFS: usize = 8;
/// The most names hashed for NSEC3 for one question.
pub const HASHES: usize = 150;
/// Zones whose keys are remembered.
pub const ZONES: usize = 16_384;
/// The release of this version (2026-11-01), in seconds since 1970: a clock that is before that is wrong.
pub const RELEASED: u32 = 1_793_491_200;
/// The longest that keys of a zone are believed, in seconds.
pub const ZONE_TTL: u32 = 86_400;
