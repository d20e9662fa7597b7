//! The trust anchors that a configuration asks for.

use std::time::{SystemTime, UNIX_EPOCH};

use rhumb_config::{ServerConfig, TrustAnchors, TrustedKey};
use rhumb_resolver::validate::{AnchorKey, AnchorKeyIdentity, KeyDigest, TrackedAnchor, ZoneKey};
use rhumb_wire::{DomainName, Type};
use sha2::{Digest, Sha256};

use crate::change::joined;
use crate::snapshot::{FollowedAnchor, LiveAnchors};

/// Follows what `config` asks for from now on: the keys of a file, and the built-in ones where there is a folder to keep them in. Keys that
/// stand in the configuration itself stay as they are.
pub fn follow_configured(anchors: &LiveAnchors, config: &ServerConfig) {
    let is_kept = anchors.folder().is_some();
    let wanted = match &config.recursion.trust_anchors {
        TrustAnchors::File(_) => true,
        TrustAnchors::BuiltIn => is_kept,
        TrustAnchors::Given(_) => false,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let followed = wanted.then(|| wanted_anchors(&config.recursion.trusted_keys, now));
    for (zone, replaces) in anchors.follow(followed) {
        let keys: Vec<_> =
            anchors.followed().into_iter().filter(|anchor| anchor.tracked.zone == zone).collect();
        let tags: Vec<u16> =
            keys.iter().flat_map(|anchor| &anchor.tracked.keys).map(AnchorKey::tag).collect();
        let tags = joined(&tags);
        if replaces {
            tracing::warn!(
                "trust anchor of {zone}: other keys are configured than before: it begins anew with {tags}"
            );
        } else {
            tracing::info!("trust anchor of {zone}: begins with the configured keys {tags}");
        }
    }
}

/// Anchors that begin with these keys at `now`, in seconds since 1970.
fn wanted_anchors(keys: &[TrustedKey], now: u64) -> Vec<FollowedAnchor> {
    let mut zones: Vec<&DomainName> = Vec::new();
    for key in keys {
        if !zones.contains(&&key.zone) {
            zones.push(&key.zone);
        }
    }
    let anchor = |zone: &DomainName| {
        let of_zone = || keys.iter().filter(|key| key.zone == *zone);
        let tracked = TrackedAnchor::new(zone.as_ref(), of_zone().filter_map(identity), now);
        FollowedAnchor::new(tracked, seed(of_zone()))
    };
    zones.into_iter().map(anchor).collect()
}

fn identity(key: &TrustedKey) -> Option<AnchorKeyIdentity> {
    if key.rtype == Type::DS {
        KeyDigest::parse(&key.rdata).map(AnchorKeyIdentity::Digest)
    } else {
        ZoneKey::parse(&key.rdata).map(AnchorKeyIdentity::Key)
    }
}

/// A digest of keys, whatever their order.
fn seed<'k>(keys: impl Iterator<Item = &'k TrustedKey>) -> [u8; 32] {
    let mut keys: Vec<_> = keys.map(|key| (key.rtype.0, &key.rdata)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut digest = Sha256::new();
    for (rtype, rdata) in keys {
        digest.update(rtype.to_be_bytes());
        digest.update((rdata.len() as u64).to_be_bytes());
        digest.update(rdata);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const ONE: &str = ". DS 1 8 2 00";
    const TWO: &str = ". IN DS 2 8 2 01";
    const OTHER: &str = "example. DS 3 8 2 02";

    fn anchors(lines: &[&str]) -> Vec<FollowedAnchor> {
        let keys: Vec<TrustedKey> = lines.iter().map(|line| line.parse().unwrap()).collect();
        wanted_anchors(&keys, 7)
    }

    #[test]
    fn each_zone_has_its_anchor() {
        let anchors = anchors(&[ONE, OTHER, TWO, ONE]);
        let told: Vec<_> = anchors
            .iter()
            .map(|anchor| {
                (anchor.tracked.zone.to_string(), anchor.tracked.keys.iter().map(AnchorKey::tag).collect())
            })
            .collect();
        let expected: Vec<(String, Vec<u16>)> =
            vec![(".".to_owned(), vec![1, 2]), ("example.".to_owned(), vec![3])];
        assert_eq!(told, expected);
    }

    /// Neither order nor form counts, every key does.
    #[test]
    fn the_seed_is_that_of_the_keys() {
        let seed = |lines: &[&str]| anchors(lines)[0].seed;
        assert_eq!(seed(&[ONE, TWO]), seed(&[". 3600 IN DS 2 8 2 01 ; again", ONE, TWO]));
        let others = [&[ONE][..], &[TWO], &[ONE, ". DS 2 8 2 02"], &[ONE, ". DNSKEY 257 3 8 AQ=="]];
        assert!(others.iter().all(|lines| seed(lines) != seed(&[ONE, TWO])));
    }

    #[test]
    fn what_is_followed() {
        let config = |text: &str| rhumb_config::parse(text, Path::new("x.yaml")).unwrap();
        let (alone, kept) = (LiveAnchors::default(), LiveAnchors::default());
        kept.keep_in(Path::new("state"));
        for (keys, without, with) in [
            ("built-in", None, Some(1)),
            ("{ file: a }", Some(0), Some(0)),
            ("[\". DS 1 8 2 00\"]", None, None),
        ] {
            let config = config(&format!("recursion: {{ trust-anchors: {keys} }}"));
            for (live, expected) in [(&alone, without), (&kept, with)] {
                follow_configured(live, &config);
                assert_eq!(live.trusted().map(|trusted| trusted.len()), expected, "{keys}");
            }
        }
    }
}
