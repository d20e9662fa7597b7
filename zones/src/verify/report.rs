//! How much of a zone is checked, and what comes of it.

use super::findings::ZoneFinding;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyDepth {
    /// What costs a fraction of reading the zone. Of an NSEC3 hash 64 bits are compared, which the contents hold anyway.
    Load,
    /// Everything: zones that are not signed are walked too, NSEC3 hashes are compared whole, aliases are followed.
    Full,
}

/// What is made of ZONEMD, the digest of a zone (RFC 8976).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DigestPolicy {
    /// It is verified where there is one.
    #[default]
    Verify,
    /// There has to be one that can be verified.
    Require,
    /// It is not looked at.
    Ignore,
}

/// What was found.
#[derive(Debug)]
pub struct VerifyReport {
    /// What is wrong: ten of each kind, and how many more.
    pub findings: Vec<ZoneFinding>,
    /// When the first signature expires, in seconds as RRSIG has them (RFC 4034 section 3.1.5); none without signatures.
    pub expires: Option<u32>,
}
