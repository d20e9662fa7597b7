//! Names by which clients find out which keys of the root are trusted (RFC 8509).

use std::sync::Arc;

use rhumb_cache::{LearntRecords, SecurityStatus};
use rhumb_wire::{NameRef, Type};

use super::failure::IterationFailure;
use crate::question::OutboundQuestion;
use crate::validate::TrustSettings;

const IS_TRUSTED: &[u8] = b"root-key-sentinel-is-ta-";
const IS_NOT_TRUSTED: &[u8] = b"root-key-sentinel-not-ta-";

/// Errors: `Sentinel` where the name says of a key of the root what is not so, and the answer is secure.
pub(super) fn check(
    question: &OutboundQuestion,
    chain: &[Arc<LearntRecords>],
    trust: Option<&TrustSettings>,
) -> Result<(), IterationFailure> {
    let Some(trust) = trust else { return Ok(()) };
    if !matches!(question.qtype, Type::A | Type::AAAA) || question.checking_disabled {
        return Ok(());
    }
    let Some((tag, said)) = question.name.as_ref().first_label().and_then(read) else { return Ok(()) };
    let root = trust.anchors.iter().filter(|anchor| anchor.zone.as_ref() == NameRef::ROOT);
    let trusted = root.flat_map(|anchor| &anchor.digests).any(|digest| digest.tag == tag);
    let secure = chain.iter().all(|learnt| learnt.security == SecurityStatus::Secure);
    if secure && trusted != said { Err(IterationFailure::Sentinel { tag, trusted }) } else { Ok(()) }
}

/// The key's tag, and whether the label says that it is trusted. The tag has five digits.
fn read(label: &[u8]) -> Option<(u16, bool)> {
    let after = |prefix: &[u8]| {
        let (head, tail) = label.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then_some(tail)
    };
    let (digits, said) = match after(IS_TRUSTED) {
        Some(digits) => (digits, true),
        None => (after(IS_NOT_TRUSTED)?, false),
    };
    let good = digits.len() == 5 && digits.iter().all(u8::is_ascii_digit);
    let tag = std::str::from_utf8(digits).ok().filter(|_| good)?.parse().ok()?;
    Some((tag, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read() {
        assert_eq!(read(b"root-key-sentinel-is-ta-20326"), Some((20326, true)));
        assert_eq!(read(b"ROOT-key-sentinel-not-ta-00042"), Some((42, false)));
        for other in [
            "root-key-sentinel-is-ta-2032",
            "root-key-sentinel-is-ta-65536",
            "root-key-sentinel-is-ta-+2032",
            "www",
        ] {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }
}
