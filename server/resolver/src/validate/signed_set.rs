//! Which signatures of a set are worth a check, and by which keys (RFC 4035 section 5.3).

use rhumb_cache::RecordSet;
use rhumb_wire::NameRef;

use super::algorithm::SignatureCheck;
use super::failure::ValidationFailure;
use super::limits;
use super::rrsig::{RrsigRecord, signed_labels};
use super::zone_key::ZoneKey;

/// A check of a signature, and what is known if it is right.
#[derive(Debug)]
pub(crate) struct SetCheck {
    pub(crate) check: SignatureCheck,
    /// The most seconds that the set may be kept.
    pub(crate) ttl: u32,
    /// The labels of the wildcard that the set was made from; none if it was not.
    pub(crate) wildcard: Option<usize>,
    pub(crate) tag: u16,
}

/// The checks that may prove `set` by the keys of `zone` at `now`, in seconds since 1970; without, their times do not count.
///
/// Errors: why there is none, by the last signature.
pub(crate) fn checks(
    set: &RecordSet,
    zone: NameRef<'_>,
    keys: &[ZoneKey],
    now: Option<u32>,
) -> Result<Vec<SetCheck>, ValidationFailure> {
    let at = || (set.owner.as_ref().to_lowercase(), set.rtype);
    let mut failure = None;
    let mut found = Vec::new();
    for signature in set.signatures.iter().filter_map(RrsigRecord::parse) {
        let labels = signed_labels(set.owner.as_ref());
        // A signature with fewer labels than its signer would make one of a wildcard above the zone.
        let fits = (zone.label_count()..=labels).contains(&signature.labels());
        if signature.signer != zone || !fits {
            continue;
        }
        // Serial number arithmetic (RFC 4034 section 3.1.5).
        let now = now.unwrap_or(signature.inception());
        let left = signature.expiration().wrapping_sub(now).cast_signed();
        let since = now.wrapping_sub(signature.inception()).cast_signed();
        let (owner, rtype) = at();
        let tag = signature.key_tag();
        if left < 0 {
            let (zone, seconds) = (zone.to_lowercase(), left.unsigned_abs());
            failure = Some(ValidationFailure::Expired { zone, owner, rtype, tag, seconds });
            continue;
        }
        if since < 0 {
            let (zone, seconds) = (zone.to_lowercase(), since.unsigned_abs());
            failure = Some(ValidationFailure::NotYet { zone, owner, rtype, tag, seconds });
            continue;
        }
        let of_signature = |key: &&ZoneKey| key.tag() == tag && key.algorithm() == signature.algorithm();
        let before = found.len();
        for key in keys.iter().filter(of_signature).take(limits::SAME_TAG) {
            let Some(data) = signature.signed_data(set) else { break };
            if found.len() == limits::CHECKS_OF_SET {
                break;
            }
            found.push(SetCheck {
                check: SignatureCheck {
                    algorithm: signature.algorithm(),
                    key: key.public_key().into(),
                    data: data.into(),
                    signature: signature.signature.into(),
                },
                ttl: set.ttl.min(signature.original_ttl()).min(left.unsigned_abs()),
                wildcard: (signature.labels() < labels).then(|| signature.labels()),
                tag,
            });
        }
        if found.len() == before && failure.is_none() {
            failure = Some(ValidationFailure::NoKey { zone: zone.to_lowercase(), tag });
        }
    }
    if found.is_empty() {
        let (owner, rtype) = at();
        return Err(failure.unwrap_or(ValidationFailure::Unsigned { owner, rtype }));
    }
    Ok(found)
}
