//! The zones on the page of metrics: those that need a look come first, for there may be more zones than series.

use std::time::{SystemTime, UNIX_EPOCH};

use super::zone_trouble::zone_trouble;
use crate::metrics::{MetricSamples, SecondarySample, ZoneSample, ZoneState};
use crate::snapshot::{RefreshStatus, ServerState, ZoneEntry};

/// A zone whose signatures end within this time, in seconds, comes before others.
const SIGNATURES_END_SOON: u64 = 7 * 86_400;

/// How much a zone needs a look; the most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ZoneUrgency {
    Broken,
    /// It is about to expire, or its signatures are.
    Soon,
    Good,
}

/// Puts every zone on the page.
pub(super) fn sample_zones(live: &ServerState, out: &mut MetricSamples) {
    let snapshot = live.snapshot.load();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Looked at once, so that no zone is on the page twice or not at all where it changes meanwhile.
    let urgencies: Vec<ZoneUrgency> =
        snapshot.view.zones.iter().map(|(_, entry)| urgency_of(live, entry, now)).collect();
    for urgency in [ZoneUrgency::Broken, ZoneUrgency::Soon, ZoneUrgency::Good] {
        let zones = snapshot.view.zones.iter().zip(&urgencies).filter(|(_, known)| **known == urgency);
        for ((_, entry), _) in zones {
            let contents = entry.zone.load();
            out.zone(&ZoneSample {
                origin: entry.zone.name(),
                serial: contents.as_ref().map(|contents| contents.serial()),
                records: contents.as_ref().map_or(0, |contents| contents.record_count()),
                ok: urgency != ZoneUrgency::Broken,
                state: zone_state(live, entry),
                expires: entry.zone.expires(),
                secondary: entry.origin.secondary.is_some().then(|| secondary_sample(live, entry)),
            });
        }
    }
}

fn urgency_of(live: &ServerState, entry: &ZoneEntry, now: u64) -> ZoneUrgency {
    if zone_trouble(live, entry).is_some() {
        return ZoneUrgency::Broken;
    }
    let secondary = entry.origin.secondary.is_some().then(|| secondary_sample(live, entry));
    urgency(entry.zone.expires(), secondary.as_ref(), now)
}

/// That of a zone which is not broken: whether less than a quarter of its lifetime is left until it expires, or little until its
/// `signatures` do. Times are in seconds since 1970.
fn urgency(signatures: Option<u64>, secondary: Option<&SecondarySample>, now: u64) -> ZoneUrgency {
    let expires_soon = secondary.is_some_and(|zone| {
        zone.expires.is_some_and(|expires| expires.saturating_sub(now).saturating_mul(4) < zone.lifetime)
    });
    let signatures_end = signatures.is_some_and(|end| end < now.saturating_add(SIGNATURES_END_SOON));
    if expires_soon || signatures_end { ZoneUrgency::Soon } else { ZoneUrgency::Good }
}

fn secondary_sample(live: &ServerState, entry: &ZoneEntry) -> SecondarySample {
    let status = live.refreshes.status(entry.zone.name()).unwrap_or_default();
    let RefreshStatus { interval, lifetime, checked, expires, primary_serial, .. } = status;
    SecondarySample { interval, lifetime, checked, expires, primary_serial }
}

/// How a zone is served, in the words of `rhumb zone list`.
fn zone_state(live: &ServerState, entry: &ZoneEntry) -> ZoneState {
    let zone = &entry.zone;
    let (is_served, is_secondary) = (zone.load().is_some(), entry.origin.secondary.is_some());
    let fails = || live.refreshes.status(zone.name()).is_some_and(|status| status.failures > 0);
    match (is_served, is_secondary) {
        (_, true) if zone.is_expired() => ZoneState::Expired,
        (false, true) => ZoneState::NotTransferred,
        (false, false) => ZoneState::NotLoaded,
        (true, true) if fails() => ZoneState::RefreshFails,
        (true, false) if zone.trouble().is_some() => ZoneState::Outdated,
        (true, _) if live.frozen.has(zone.name()) => ZoneState::Frozen,
        (true, _) => ZoneState::Current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_signatures_that_end_soon_come_first() {
        let now = 1_000_000_000;
        let of = |expires| SecondarySample { expires, lifetime: 400, ..SecondarySample::default() };
        for (signatures, secondary, expected) in [
            (None, None, ZoneUrgency::Good),
            (Some(now + SIGNATURES_END_SOON), None, ZoneUrgency::Good),
            (Some(now + SIGNATURES_END_SOON - 1), None, ZoneUrgency::Soon),
            (Some(now - 1), None, ZoneUrgency::Soon),
            (None, Some(of(None)), ZoneUrgency::Good),
            (None, Some(of(Some(now + 400))), ZoneUrgency::Good),
            (None, Some(of(Some(now + 100))), ZoneUrgency::Good),
            (None, Some(of(Some(now + 99))), ZoneUrgency::Soon),
            (None, Some(of(Some(now))), ZoneUrgency::Soon),
        ] {
            assert_eq!(
                urgency(signatures, secondary.as_ref(), now),
                expected,
                "{signatures:?} {secondary:?}"
            );
        }
        assert!(ZoneUrgency::Broken < ZoneUrgency::Soon && ZoneUrgency::Soon < ZoneUrgency::Good);
    }
}
