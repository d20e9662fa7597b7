//! A key of a trust anchor that is followed, and how far it is trusted (RFC 5011 section 4).

use rhumb_wire::NameRef;

use super::zone_key::{KeyDigest, ZoneKey};

/// How far a key is trusted. A key that is not known at all is in the state that RFC 5011 calls Start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnchorKeyState {
    /// A trusted key vouches for it, not long enough yet (`AddPend`).
    Pending,
    /// It is trusted.
    Valid,
    /// It is trusted, though its zone does not have it at the moment.
    Missing,
    /// Its zone has revoked it: it is trusted no more.
    Revoked,
    /// It was revoked long ago: it is remembered, so that it is never trusted again.
    Removed,
}

impl AnchorKeyState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Valid, Self::Missing, Self::Revoked, Self::Removed];

    /// Whether what the key signs is believed.
    pub const fn is_trusted(self) -> bool {
        matches!(self, Self::Valid | Self::Missing)
    }

    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Valid => "valid",
            Self::Missing => "missing",
            Self::Revoked => "revoked",
            Self::Removed => "removed",
        }
    }
}

/// What is known of a key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnchorKeyIdentity {
    /// Its digest, as long as the key was not seen.
    Digest(KeyDigest),
    /// The key, as it is without the flag that revokes it.
    Key(ZoneKey),
}

impl AnchorKeyIdentity {
    /// Whether it is `key`, revoked or not.
    pub(super) fn is_of(&self, zone: NameRef<'_>, key: &ZoneKey) -> bool {
        match self {
            Self::Digest(digest) => digest.is_of(zone, &key.before_revocation()),
            Self::Key(known) => *known == key.before_revocation(),
        }
    }
}

/// A key that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorKey {
    /// What is known of it.
    pub identity: AnchorKeyIdentity,
    /// How far it is trusted.
    pub state: AnchorKeyState,
    /// Since when it is in this state, in seconds since 1970.
    pub since: u64,
    /// Of a pending key: how many seconds it has to stay so before it is trusted; 0 otherwise.
    pub hold: u32,
}

impl AnchorKey {
    /// A key that is trusted from the beginning.
    pub const fn configured(identity: AnchorKeyIdentity, now: u64) -> Self {
        Self { identity, state: AnchorKeyState::Valid, since: now, hold: 0 }
    }

    /// The tag by which signatures name it.
    pub fn tag(&self) -> u16 {
        match &self.identity {
            AnchorKeyIdentity::Digest(digest) => digest.tag,
            AnchorKeyIdentity::Key(key) => key.tag(),
        }
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> u8 {
        match &self.identity {
            AnchorKeyIdentity::Digest(digest) => digest.algorithm,
            AnchorKeyIdentity::Key(key) => key.algorithm(),
        }
    }

    /// Its digest, which validation goes by.
    pub fn digest(&self, zone: NameRef<'_>) -> KeyDigest {
        match &self.identity {
            AnchorKeyIdentity::Digest(digest) => digest.clone(),
            AnchorKeyIdentity::Key(key) => KeyDigest::of(zone, key),
        }
    }

    /// From when on it will be trusted if all goes well, in seconds since 1970; none where it is not pending.
    pub fn trusted_from(&self) -> Option<u64> {
        (self.state == AnchorKeyState::Pending).then(|| self.since.saturating_add(self.hold.into()))
    }

    /// From now on it is in another state.
    pub(super) const fn enter(&mut self, state: AnchorKeyState, now: u64) {
        self.state = state;
        self.since = now;
        self.hold = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_says_the_same_of_a_key_as_the_key() {
        let key = ZoneKey::parse(&[1, 1, 3, 13, 9]).unwrap();
        let digest = KeyDigest::of(NameRef::ROOT, &key);
        for identity in [AnchorKeyIdentity::Digest(digest.clone()), AnchorKeyIdentity::Key(key.clone())] {
            let known = AnchorKey::configured(identity, 5);
            assert_eq!((known.tag(), known.algorithm()), (key.tag(), 13));
            assert_eq!(known.digest(NameRef::ROOT), digest);
        }
    }
}
