//! The keys of a trust anchor as its servers have them now (RFC 5011 section 2.3).

use rhumb_wire::Type;

use super::clock::QuestionClock;
use super::failure::IterationFailure;
use super::iteration::IterationCourse;
use super::resolution_scope::ResolutionScope;
use super::resolver_state::ResolverState;
use super::settings::IterationSettings;
use crate::network::UpstreamTransport;
use crate::validate::{KeySetReading, TrackedAnchor, ValidationFailure, ZoneKey, limits, set_checks};

/// Asks the servers of the anchor's zone for its keys, whatever is kept of them, and checks by which of them the set is signed. `time` is
/// seconds of the cache's clock, and since 1970; the times of signatures count in any case.
///
/// Errors: the keys cannot be fetched; no key of the anchor signs them rightly.
pub async fn read_anchor_keys(
    net: &impl UpstreamTransport,
    state: &ResolverState,
    settings: &IterationSettings,
    anchor: &TrackedAnchor,
    scope: ResolutionScope<'_>,
    time: (u32, u32),
) -> Result<KeySetReading, IterationFailure> {
    let zone = &anchor.zone;
    let mut iteration = IterationCourse::new(net, state, settings, scope, QuestionClock::new(time));
    let found = iteration.find_anew(zone, Type::DNSKEY).await?;
    let set = found.records().filter(|set| set.rtype == Type::DNSKEY);
    let set = set.ok_or_else(|| ValidationFailure::NoKeys(zone.clone()))?;
    let keys: Vec<ZoneKey> = set.records.iter().filter_map(ZoneKey::parse_any).take(limits::KEYS).collect();
    let signers = anchor.signers(&keys);
    if signers.is_empty() {
        return Err(ValidationFailure::NoTrustedKey(zone.clone()).into());
    }
    let now = iteration.clock.unix();
    let mut reading =
        KeySetReading { keys, signed_by: Vec::new(), original_ttl: u32::MAX, expires_in: u32::MAX };
    let mut failure = ValidationFailure::NoTrustedKey(zone.clone());
    for candidate in set_checks(set, zone.as_ref(), &signers, Some(now))? {
        let tag = candidate.tag;
        let by = |key: &&ZoneKey| key.tag() == tag && *key.public_key() == *candidate.check.key;
        let Some(key) = signers.iter().find(by) else { continue };
        match net.check_signature(candidate.check.clone()).await {
            Some(true) => {
                reading.signed_by.push(key.clone());
                reading.original_ttl = reading.original_ttl.min(candidate.original_ttl);
                reading.expires_in = reading.expires_in.min(candidate.expires.wrapping_sub(now));
            }
            Some(false) => {
                let (owner, rtype) = (zone.clone(), Type::DNSKEY);
                failure = ValidationFailure::Wrong { zone: zone.clone(), owner, rtype, tag };
            }
            None => return Err(ValidationFailure::Busy.into()),
        }
    }
    if reading.signed_by.is_empty() { Err(failure.into()) } else { Ok(reading) }
}
