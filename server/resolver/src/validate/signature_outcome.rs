//! What becomes of signatures and digests, for those who ask.

/// What became of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureOutcome {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// It was not checked: too many wait, or the question may cost no more.
    NotChecked,
    /// It expired so many seconds ago.
    Expired(u32),
    /// It is valid in so many seconds.
    NotYet(u32),
    /// It expires before it is valid.
    Reversed,
    /// The zone has no key of this tag and algorithm.
    NoKey,
    /// Another zone than the one that is looked at signed.
    OtherSigner,
    /// It counts more labels than its owner has, or fewer than its signer (RFC 4035 section 5.3.1).
    WrongLabels,
}

/// What became of a digest of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestOutcome {
    /// It is that of a key of the zone.
    Matched,
    /// The zone has a key of this tag and algorithm, whose digest is another.
    OtherKey,
    /// The zone has no such key.
    NoKey,
    /// Its algorithm or its kind is not known here, or there are better ones.
    NotUsed,
}
