//! How long a proof may be relied on (RFC 4035 section 5.3.3).

/// The terms of a proof whose signature is right; those of several are the least of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProofTerms {
    /// The most seconds that it may be kept.
    pub(super) ttl: u32,
    /// Seconds until its signature expires.
    pub(super) left: u32,
}

impl ProofTerms {
    /// Those under which all of `proofs` are good; without any there is no limit.
    pub(super) fn of_all(proofs: &[Self]) -> Self {
        let none = Self { ttl: u32::MAX, left: u32::MAX };
        proofs.iter().fold(none, |all, one| Self { ttl: all.ttl.min(one.ttl), left: all.left.min(one.left) })
    }
}
