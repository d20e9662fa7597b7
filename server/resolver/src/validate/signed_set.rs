//! Which signatures of a set are worth a check, and by which keys (RFC 4035 section 5.3).

use rhumb_cache::RecordSet;
use rhumb_wire::NameRef;

use super::algorithm::SignatureCheck;
use super::failure::ValidationFailure;
use super::limits;
use super::rrsig::{RrsigRecord, signed_labels};
use super::signature_outcome::SignatureOutcome;
use super::zone_key::ZoneKey;

/// A check of a signature, and what is known if it is right.
#[derive(Debug)]
pub struct SetCheck {
    /// The check itself.
    pub check: SignatureCheck,
    /// The most seconds that the set may be kept.
    pub ttl: u32,
    /// Seconds until its signature expires.
    pub left: u32,
    /// The labels of the wildcard that the set was made from; none if it was not.
    pub wildcard: Option<usize>,
    /// The tag of the key.
    pub tag: u16,
    /// When the signature expires, in seconds since 1970.
    pub expires: u32,
    /// The TTL that was signed, in seconds.
    pub original_ttl: u32,
}

/// The checks that may prove `set` by the keys of `zone` at `now`, in seconds since 1970; without, their times do not count.
///
/// Errors: why there is none, by the last signature.
pub fn set_checks(
    set: &RecordSet,
    zone: NameRef<'_>,
    keys: &[ZoneKey],
    now: Option<u32>,
) -> Result<Vec<SetCheck>, ValidationFailure> {
    let mut failure = None;
    let mut found = Vec::new();
    for signature in set.signatures.iter().filter_map(RrsigRecord::parse) {
        let owner = || set.owner.as_ref().to_lowercase();
        let (rtype, tag) = (set.rtype, signature.key_tag());
        match outcome(&signature, set, zone, keys, now) {
            None => {
                let room = limits::CHECKS_OF_SET - found.len();
                found.extend(candidates(&signature, set, keys, now).take(room));
            }
            Some(SignatureOutcome::Expired(seconds)) => {
                let zone = zone.to_lowercase();
                failure = Some(ValidationFailure::Expired { zone, owner: owner(), rtype, tag, seconds });
            }
            Some(SignatureOutcome::NotYet(seconds)) => {
                let zone = zone.to_lowercase();
                failure = Some(ValidationFailure::NotYet { zone, owner: owner(), rtype, tag, seconds });
            }
            Some(SignatureOutcome::Reversed) => {
                failure = Some(ValidationFailure::Reversed {
                    zone: zone.to_lowercase(),
                    owner: owner(),
                    rtype,
                    tag,
                });
            }
            Some(SignatureOutcome::NoKey) if failure.is_none() => {
                failure = Some(ValidationFailure::NoKey { zone: zone.to_lowercase(), tag });
            }
            Some(_) => {}
        }
    }
    if found.is_empty() {
        let (owner, rtype) = (set.owner.as_ref().to_lowercase(), set.rtype);
        return Err(failure.unwrap_or(ValidationFailure::Unsigned { owner, rtype }));
    }
    Ok(found)
}

/// Why a signature is not worth a check; none where it is.
fn outcome(
    signature: &RrsigRecord<'_>,
    set: &RecordSet,
    zone: NameRef<'_>,
    keys: &[ZoneKey],
    now: Option<u32>,
) -> Option<SignatureOutcome> {
    if signature.signer != zone {
        return Some(SignatureOutcome::OtherSigner);
    }
    // A signature with fewer labels than its signer would make one of a wildcard above the zone.
    if !(zone.label_count()..=signed_labels(set.owner.as_ref())).contains(&signature.labels()) {
        return Some(SignatureOutcome::WrongLabels);
    }
    // Serial number arithmetic (RFC 4034 section 3.1.5).
    let now = now.unwrap_or(signature.inception());
    let left = signature.expiration().wrapping_sub(now).cast_signed();
    let since = now.wrapping_sub(signature.inception()).cast_signed();
    if signature.expiration().wrapping_sub(signature.inception()).cast_signed() < 0 {
        return Some(SignatureOutcome::Reversed);
    }
    if left < 0 {
        return Some(SignatureOutcome::Expired(left.unsigned_abs()));
    }
    if since < 0 {
        return Some(SignatureOutcome::NotYet(since.unsigned_abs()));
    }
    (!keys.iter().any(|key| signature.is_by(key))).then_some(SignatureOutcome::NoKey)
}

/// The checks of one signature, by the keys that it may be of.
fn candidates<'s>(
    signature: &'s RrsigRecord<'s>,
    set: &'s RecordSet,
    keys: &'s [ZoneKey],
    now: Option<u32>,
) -> impl Iterator<Item = SetCheck> + 's {
    let (labels, expires) = (signed_labels(set.owner.as_ref()), signature.expiration());
    let left = expires.wrapping_sub(now.unwrap_or(signature.inception()));
    let fitting = keys.iter().filter(|key| signature.is_by(key)).take(limits::SAME_TAG);
    fitting.map_while(move |key| {
        Some(SetCheck {
            check: SignatureCheck {
                algorithm: signature.algorithm(),
                key: key.public_key().into(),
                data: signature.signed_data(set)?.into(),
                signature: signature.signature.into(),
            },
            ttl: set.ttl.min(signature.original_ttl()).min(left),
            left,
            wildcard: (signature.labels() < labels).then(|| signature.labels()),
            tag: signature.key_tag(),
            expires,
            original_ttl: signature.original_ttl(),
        })
    })
}

/// A signature, as far as it can be told without a check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignatureReport<'s> {
    pub(crate) signer: NameRef<'s>,
    pub(crate) tag: u16,
    pub(crate) algorithm: u8,
    pub(crate) expires: u32,
    pub(crate) outcome: SignatureOutcome,
}

/// The signatures of a set that [`set_checks`] leaves out, and why.
pub(crate) fn unfit<'s>(
    set: &'s RecordSet,
    zone: NameRef<'s>,
    keys: &'s [ZoneKey],
    now: Option<u32>,
) -> impl Iterator<Item = SignatureReport<'s>> {
    set.signatures.iter().filter_map(RrsigRecord::parse).filter_map(move |signature| {
        Some(SignatureReport {
            signer: signature.signer,
            tag: signature.key_tag(),
            algorithm: signature.algorithm(),
            expires: signature.expiration(),
            outcome: outcome(&signature, set, zone, keys, now)?,
        })
    })
}

#[cfg(test)]
mod tests;
