//! One trust anchor that is followed, and how its last refresh went.

use rhumb_resolver::validate::TrackedAnchor;

/// A trust anchor that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedAnchor {
    /// Its keys.
    pub tracked: TrackedAnchor,
    /// A digest of the keys that the configuration had as it began.
    pub seed: [u8; 32],
    /// How its keys are refreshed.
    pub refresh: AnchorRefresh,
}

/// When the servers of a zone were and will be asked for its keys. Times are in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnchorRefresh {
    /// When that last went well.
    pub refreshed: Option<u64>,
    /// When they are asked next.
    pub next: u64,
    /// Seconds until they are asked once more after a failure.
    pub retry: u32,
    /// How many times in a row it failed.
    pub failures: u32,
    /// Why.
    pub failure: Option<String>,
}

impl FollowedAnchor {
    /// One that begins with these keys, and is refreshed as soon as possible.
    pub fn new(tracked: TrackedAnchor, seed: [u8; 32]) -> Self {
        Self { tracked, seed, refresh: AnchorRefresh::default() }
    }
}
