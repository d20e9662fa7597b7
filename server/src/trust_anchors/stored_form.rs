//! Trust anchors as text, which people can read and a checksum guards.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use rhumb_resolver::validate::{
    AnchorKey, AnchorKeyIdentity, AnchorKeyState, KeyDigest, TrackedAnchor, ZoneKey,
};
use sha2::{Digest, Sha256};

use super::file_error::AnchorStateError;
use crate::snapshot::{AnchorRefresh, FollowedAnchor};

const HEAD: &str = "rhumb trust anchors 1\n";
const DIGEST: &str = "digest ";

/// The anchors as text, a line for each and for each of its keys, and a checksum behind all of them.
pub(super) fn to_text(anchors: &[FollowedAnchor]) -> String {
    let mut text = HEAD.to_owned();
    for FollowedAnchor { tracked, seed, refresh } in anchors {
        let refreshed = refresh.refreshed.map_or("never".to_owned(), |at| at.to_string());
        let (zone, seed) = (&tracked.zone, HEXLOWER.encode(seed));
        let _ = writeln!(text, "zone {zone} {seed} {refreshed} {} {}", refresh.next, refresh.retry);
        for key in &tracked.keys {
            let (kind, rdata) = match &key.identity {
                AnchorKeyIdentity::Digest(digest) => ("DS", HEXLOWER.encode(&digest.to_rdata())),
                AnchorKeyIdentity::Key(key) => ("DNSKEY", HEXLOWER.encode(key.rdata())),
            };
            let _ = writeln!(text, "key {} {} {} {kind} {rdata}", key.state.as_str(), key.since, key.hold);
        }
    }
    let digest = Sha256::digest(&text);
    let _ = writeln!(text, "{DIGEST}{}", HEXLOWER.encode(&digest));
    text
}

/// The same the other way. Errors: it is not what was written.
pub(super) fn parse(text: &str) -> Result<Vec<FollowedAnchor>, AnchorStateError> {
    if !text.starts_with(HEAD) {
        return Err(AnchorStateError::Foreign);
    }
    let begins = text.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1);
    let (body, last) = text.split_at(begins);
    if last != format!("{DIGEST}{}\n", HEXLOWER.encode(&Sha256::digest(body))) {
        return Err(AnchorStateError::Damaged);
    }
    let mut anchors: Vec<FollowedAnchor> = Vec::new();
    for (line, number) in body.lines().zip(1..).skip(1) {
        let words: Vec<&str> = line.split(' ').collect();
        let read = match (words.as_slice(), anchors.last_mut()) {
            (["zone", rest @ ..], _) => read_zone(rest).map(|anchor| anchors.push(anchor)),
            (["key", rest @ ..], Some(anchor)) => read_key(rest).map(|key| anchor.tracked.keys.push(key)),
            _ => None,
        };
        read.ok_or(AnchorStateError::Line(number))?;
    }
    Ok(anchors)
}

fn read_zone(words: &[&str]) -> Option<FollowedAnchor> {
    let &[zone, seed, refreshed, next, retry] = words else { return None };
    let refreshed = if refreshed == "never" { None } else { Some(refreshed.parse().ok()?) };
    let refresh = AnchorRefresh {
        refreshed,
        next: next.parse().ok()?,
        retry: retry.parse().ok()?,
        ..AnchorRefresh::default()
    };
    let tracked = TrackedAnchor { zone: zone.parse().ok()?, keys: Vec::new() };
    Some(FollowedAnchor { tracked, seed: HEXLOWER.decode(seed.as_bytes()).ok()?.try_into().ok()?, refresh })
}

fn read_key(words: &[&str]) -> Option<AnchorKey> {
    let &[state, since, hold, kind, rdata] = words else { return None };
    let rdata = HEXLOWER.decode(rdata.as_bytes()).ok()?;
    let identity = match kind {
        "DS" => AnchorKeyIdentity::Digest(KeyDigest::parse(&rdata)?),
        "DNSKEY" => AnchorKeyIdentity::Key(ZoneKey::parse(&rdata)?),
        _ => return None,
    };
    let state = AnchorKeyState::ALL.into_iter().find(|known| known.as_str() == state)?;
    Some(AnchorKey { identity, state, since: since.parse().ok()?, hold: hold.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use rhumb_wire::DomainName;

    use super::*;

    fn anchors() -> Vec<FollowedAnchor> {
        let key = |number: u8| ZoneKey::parse(&[1, 1, 3, 15, number, 7, 9]).unwrap();
        let of = |identity, state, since, hold| AnchorKey { identity, state, since, hold };
        let zone: DomainName = r"odd\032name.example.".parse().unwrap();
        let digest = KeyDigest::of(zone.as_ref(), &key(1));
        let keys = vec![
            of(AnchorKeyIdentity::Digest(digest), AnchorKeyState::Valid, 1_790_000_000, 0),
            of(AnchorKeyIdentity::Key(key(2)), AnchorKeyState::Pending, 1_790_000_001, 2_592_000),
            of(AnchorKeyIdentity::Key(key(3)), AnchorKeyState::Removed, u64::MAX, 0),
        ];
        let refresh = AnchorRefresh {
            refreshed: Some(1_790_000_002),
            next: 1_790_086_402,
            retry: 3600,
            ..AnchorRefresh::default()
        };
        let first = FollowedAnchor { tracked: TrackedAnchor { zone, keys }, seed: [7; 32], refresh };
        let root = TrackedAnchor { zone: DomainName::root(), keys: Vec::new() };
        vec![first, FollowedAnchor::new(root, [0; 32])]
    }

    #[test]
    fn what_is_written_is_read() {
        for anchors in [Vec::new(), anchors()] {
            assert_eq!(parse(&to_text(&anchors)).unwrap(), anchors);
        }
    }

    /// A flipped bit anywhere, or an end anywhere, is noticed.
    #[test]
    fn damage_is_noticed() {
        let text = to_text(&anchors());
        for at in 0..text.len() {
            assert!(parse(&text[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                assert!(parse(&String::from_utf8_lossy(&bytes)).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert_eq!(parse(&format!("{text}\n")), Err(AnchorStateError::Damaged));
        assert_eq!(parse(&text.replace("anchors 1", "anchors 2")), Err(AnchorStateError::Foreign));
    }

    /// A file whose checksum is right may have been written by another program.
    #[test]
    fn lines_of_another_form() {
        let seed = "00".repeat(32);
        for line in [
            "key valid 1 0 DS 00010802ff",
            "zone . 00 never 0 0",
            &format!("zone . {seed} never 0"),
            &format!("zone a..b {seed} never 0 0"),
            &format!("zone . {seed} never -1 0"),
            &format!("zone . {seed} never 0 0\nkey good 1 0 DS 00010802ff"),
            &format!("zone . {seed} never 0 0\nkey valid 1 0 A 00010802ff"),
            &format!("zone . {seed} never 0 0\nkey valid 1 0 DNSKEY 0181030fff"),
            &format!("zone . {seed} never 0 0\nkey valid 1 0 DS 0"),
        ] {
            let body = format!("{HEAD}{line}\n");
            let text = format!("{body}{DIGEST}{}\n", HEXLOWER.encode(&Sha256::digest(&body)));
            assert!(matches!(parse(&text), Err(AnchorStateError::Line(_))), "{line}");
        }
    }
}
