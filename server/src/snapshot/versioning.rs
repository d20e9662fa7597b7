//! How the versions of zones are numbered and kept.

use rhumb_config::{HistorySpace, HistoryTerms, SerialPolicy, VersionTerms};
use rhumb_wire::serial;
use rhumb_zones::{HistoryLimits, HistorySize};

/// How the versions of zones are numbered and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneVersioning {
    /// Where serials come from.
    pub serial: SerialPolicy,
    /// What is kept of earlier versions.
    pub history: HistoryLimits,
    /// Whether others are given each difference by itself, instead of one made of all.
    pub plain_transfers: bool,
    /// Whether the configuration says something of it: earlier versions are then kept whoever may ask for them.
    pub is_asked_for: bool,
}

impl Default for ZoneVersioning {
    fn default() -> Self {
        Self::of(&VersionTerms::default(), false)
    }
}

impl ZoneVersioning {
    /// What the configuration of a zone comes to that updates change, or not.
    pub fn of(terms: &VersionTerms, is_updated: bool) -> Self {
        let usual = if is_updated { SerialPolicy::Increment } else { SerialPolicy::Keep };
        let HistoryTerms { size, versions, age } = terms.history.unwrap_or_default();
        let size = match size {
            HistorySpace::Times(times) => HistorySize::Times(times),
            HistorySpace::Bytes(bytes) => HistorySize::Bytes(bytes),
        };
        Self {
            serial: terms.serial.unwrap_or(usual),
            history: HistoryLimits { size, versions, age: age.as_secs() },
            plain_transfers: terms.plain_transfers,
            is_asked_for: terms.serial.is_some() || terms.history.is_some(),
        }
    }

    /// The serial of the version that follows `serial` at `now`, in seconds since 1970.
    pub const fn next_serial(&self, serial: u32, now: u64) -> u32 {
        match self.serial {
            SerialPolicy::Keep | SerialPolicy::Increment => serial::next(serial),
            SerialPolicy::UnixTime => serial::wanted_or_next(now as u32, serial),
            SerialPolicy::Date => serial::wanted_or_next(serial::of_day(now), serial),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_follow_their_policy_and_never_go_back() {
        let now = 1_796_000_000;
        for (policy, is_updated, serial, expected) in [
            (None, false, 7, 8),
            (None, true, u32::MAX, 1),
            (Some(SerialPolicy::Increment), false, 7, 8),
            (Some(SerialPolicy::UnixTime), false, 7, 1_796_000_000),
            (Some(SerialPolicy::UnixTime), false, 1_796_000_000, 1_796_000_001),
            (Some(SerialPolicy::UnixTime), false, 2_026_112_900, 2_026_112_901),
            (Some(SerialPolicy::Date), true, 7, 2_026_113_000),
            (Some(SerialPolicy::Date), true, 2_026_113_041, 2_026_113_042),
        ] {
            let terms = VersionTerms { serial: policy, ..VersionTerms::default() };
            let versioning = ZoneVersioning::of(&terms, is_updated);
            assert_eq!(versioning.next_serial(serial, now), expected, "{policy:?} {serial}");
            let usual = if is_updated { SerialPolicy::Increment } else { SerialPolicy::Keep };
            assert_eq!(versioning.serial, policy.unwrap_or(usual));
        }
    }
}
