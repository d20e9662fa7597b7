//! The keys of one trust anchor, followed as their zone changes them (RFC 5011). Time is an argument; nothing is fetched here.

use rhumb_wire::{DomainName, NameRef};

use super::algorithm::is_supported;
use super::anchor_key::{AnchorKey, AnchorKeyIdentity, AnchorKeyState};
use super::anchor_terms::AnchorTerms;
use super::key_set_reading::KeySetReading;
use super::trust_anchor::TrustAnchor;
use super::zone_key::ZoneKey;

/// The most keys of one zone that are followed; those removed longest ago make room.
const KEYS: usize = 32;

/// A trust anchor and its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedAnchor {
    /// The zone, in lower case.
    pub zone: DomainName,
    /// Its keys.
    pub keys: Vec<AnchorKey>,
}

/// A key whose state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorKeyChange {
    /// Its tag.
    pub tag: u16,
    /// What it was; none for a key that is new.
    pub from: Option<AnchorKeyState>,
    /// What it is; none for a key that is forgotten.
    pub to: Option<AnchorKeyState>,
    /// From when on a pending key will be trusted, in seconds since 1970.
    pub trusted_from: Option<u64>,
}

/// What came of a set of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySetVerdict {
    /// Whether a trusted key vouches for the set. If none does, it has no say but in its own revocation.
    pub is_trusted: bool,
    /// What has changed.
    pub changes: Vec<AnchorKeyChange>,
}

impl TrackedAnchor {
    /// Keys that are trusted from the beginning, each once.
    pub fn new(zone: NameRef<'_>, keys: impl IntoIterator<Item = AnchorKeyIdentity>, now: u64) -> Self {
        let mut anchor = Self { zone: zone.to_lowercase(), keys: Vec::new() };
        for identity in keys {
            if !anchor.keys.iter().any(|key| key.identity == identity) {
                anchor.keys.push(AnchorKey::configured(identity, now));
            }
        }
        anchor
    }

    /// What validation goes by; none once all keys were revoked: the zone then counts as one that no key was ever trusted of (RFC 5011
    /// section 5).
    pub fn trusted(&self) -> Option<TrustAnchor> {
        let trusted = self.keys.iter().filter(|key| key.state.is_trusted());
        let digests: Vec<_> = trusted.map(|key| key.digest(self.zone.as_ref())).collect();
        (!digests.is_empty()).then(|| TrustAnchor { zone: self.zone.clone(), digests })
    }

    /// The keys of a set that have a say in it: those that are trusted, as they were or revoked.
    pub fn signers(&self, keys: &[ZoneKey]) -> Vec<ZoneKey> {
        let has_say = |key: &&ZoneKey| self.find(key).is_some_and(|known| known.state.is_trusted());
        keys.iter().filter(has_say).cloned().collect()
    }

    fn find(&self, key: &ZoneKey) -> Option<&AnchorKey> {
        self.keys.iter().find(|known| known.identity.is_of(self.zone.as_ref(), key))
    }

    /// Takes note of the keys that the zone has at `now`, in seconds since 1970.
    pub fn observe(&mut self, found: &KeySetReading, now: u64, terms: &AnchorTerms) -> KeySetVerdict {
        let mut changes = Vec::new();
        self.mend_times(now);
        self.revoke(found, now, &mut changes);
        let trusted =
            |key: &ZoneKey| !key.is_revoked() && self.find(key).is_some_and(|known| known.state.is_trusted());
        let is_trusted = found.signed_by.iter().any(trusted);
        if is_trusted {
            self.learn(&found.keys);
            self.follow(&found.keys, now, &mut changes);
            self.add(found, now, terms, &mut changes);
        }
        for key in &mut self.keys {
            let shown = now.saturating_sub(key.since);
            if key.state == AnchorKeyState::Revoked && shown >= terms.remove_hold.into() {
                change(key, AnchorKeyState::Removed, now, &mut changes);
            }
        }
        KeySetVerdict { is_trusted, changes }
    }

    /// A clock that went back begins every wait anew, so that none becomes shorter.
    fn mend_times(&mut self, now: u64) {
        for key in &mut self.keys {
            key.since = key.since.min(now);
        }
    }

    /// A key that says of itself, in a set that it signs, that it is revoked, is trusted no more (section 2.1).
    fn revoke(&mut self, found: &KeySetReading, now: u64, changes: &mut Vec<AnchorKeyChange>) {
        for revoked in found.signed_by.iter().filter(|key| key.is_revoked()) {
            let Self { zone, keys } = self;
            let known = keys.iter_mut().filter(|key| key.identity.is_of(zone.as_ref(), revoked));
            for key in known.filter(|key| key.state.is_trusted()) {
                key.identity = AnchorKeyIdentity::Key(revoked.before_revocation());
                change(key, AnchorKeyState::Revoked, now, changes);
            }
        }
    }

    /// Puts the keys that were seen in the place of their digests. Several digests may be of one key.
    fn learn(&mut self, found: &[ZoneKey]) {
        for known in &mut self.keys {
            let is_it = |key: &&ZoneKey| known.identity.is_of(self.zone.as_ref(), key);
            if let Some(key) = found.iter().find(is_it) {
                known.identity = AnchorKeyIdentity::Key(key.before_revocation());
            }
        }
        let mut seen: Vec<AnchorKeyIdentity> = Vec::new();
        self.keys.retain(|key| {
            let is_new = !seen.contains(&key.identity);
            seen.push(key.identity.clone());
            is_new
        });
    }

    /// Which of the known keys are there, and which waited long enough.
    fn follow(&mut self, found: &[ZoneKey], now: u64, changes: &mut Vec<AnchorKeyChange>) {
        let zone = &self.zone;
        self.keys.retain_mut(|known| {
            let is_it = |key: &ZoneKey| !key.is_revoked() && known.identity.is_of(zone.as_ref(), key);
            let is_there = found.iter().any(is_it);
            let waited = now.saturating_sub(known.since) >= known.hold.into();
            match (known.state, is_there) {
                (AnchorKeyState::Pending, true) if waited => {
                    change(known, AnchorKeyState::Valid, now, changes);
                }
                (AnchorKeyState::Pending, false) => {
                    let from = Some(known.state);
                    changes.push(AnchorKeyChange { tag: known.tag(), from, to: None, trusted_from: None });
                    return false;
                }
                (AnchorKeyState::Valid, false) => change(known, AnchorKeyState::Missing, now, changes),
                (AnchorKeyState::Missing, true) => change(known, AnchorKeyState::Valid, now, changes),
                _ => {}
            }
            true
        });
    }

    /// Keys that are new begin to wait. Only entry points are meant to be trusted by themselves.
    fn add(
        &mut self,
        found: &KeySetReading,
        now: u64,
        terms: &AnchorTerms,
        changes: &mut Vec<AnchorKeyChange>,
    ) {
        let hold = terms.add_hold.max(found.original_ttl);
        for key in &found.keys {
            let fits = key.is_entry_point() && !key.is_revoked() && is_supported(key.algorithm());
            if !fits || self.find(key).is_some() || !self.has_room() {
                continue;
            }
            let identity = AnchorKeyIdentity::Key(key.clone());
            let new = AnchorKey { identity, state: AnchorKeyState::Pending, since: now, hold };
            let (tag, trusted_from) = (new.tag(), new.trusted_from());
            changes.push(AnchorKeyChange { tag, from: None, to: Some(new.state), trusted_from });
            self.keys.push(new);
        }
    }

    fn has_room(&mut self) -> bool {
        if self.keys.len() < KEYS {
            return true;
        }
        let removed = self.keys.iter().enumerate().filter(|(_, key)| key.state == AnchorKeyState::Removed);
        let oldest = removed.min_by_key(|(_, key)| key.since).map(|(at, _)| at);
        oldest.map(|at| self.keys.remove(at)).is_some()
    }
}

fn change(key: &mut AnchorKey, to: AnchorKeyState, now: u64, changes: &mut Vec<AnchorKeyChange>) {
    let from = Some(key.state);
    key.enter(to, now);
    changes.push(AnchorKeyChange { tag: key.tag(), from, to: Some(to), trusted_from: None });
}

#[cfg(test)]
mod tests;
