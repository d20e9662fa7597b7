//! The times by which trust anchors are followed (RFC 5011 sections 2.3 and 2.4).

/// How long keys wait, and how often zones are asked for theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorTerms {
    /// Seconds that a new key has to be vouched for before it is trusted (section 2.4.1).
    pub add_hold: u32,
    /// Seconds that a revoked key is shown before it is only remembered (section 2.4.2).
    pub remove_hold: u32,
    /// The least seconds between two questions for the keys of a zone (section 2.3).
    pub least_interval: u32,
}

const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;
/// The most seconds between two questions, and between two of which the first one failed (section 2.3).
const MOST_INTERVAL: u32 = 15 * DAY;
const MOST_RETRY: u32 = DAY;

impl Default for AnchorTerms {
    fn default() -> Self {
        Self { add_hold: 30 * DAY, remove_hold: 30 * DAY, least_interval: HOUR }
    }
}

impl AnchorTerms {
    /// When to ask again, in seconds, for keys of this TTL whose signature is valid for so many seconds more.
    pub fn refresh_after(&self, original_ttl: u32, expires_in: u32) -> u32 {
        (original_ttl / 2).min(expires_in / 2).min(MOST_INTERVAL).max(self.least_interval)
    }

    /// The same after a question that failed.
    pub fn retry_after(&self, original_ttl: u32, expires_in: u32) -> u32 {
        (original_ttl / 10).min(expires_in / 10).min(MOST_RETRY).max(self.least_interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formulas of RFC 5011 section 2.3.
    #[test]
    fn intervals_have_their_bounds() {
        let terms = AnchorTerms::default();
        for (ttl, expires, refresh, retry) in [
            (2 * DAY, 14 * DAY, DAY, 2 * DAY / 10),
            (60 * DAY, 60 * DAY, 15 * DAY, DAY),
            (2 * DAY, 4 * HOUR, 2 * HOUR, HOUR),
            (0, 0, HOUR, HOUR),
            (60, 14 * DAY, HOUR, HOUR),
            (u32::MAX, u32::MAX, 15 * DAY, DAY),
        ] {
            assert_eq!(
                (terms.refresh_after(ttl, expires), terms.retry_after(ttl, expires)),
                (refresh, retry)
            );
        }
    }
}
