//! Keys, and sets of them.

use std::fmt;
use std::sync::Arc;

use hmac::digest::InvalidLength;
use zeroize::Zeroizing;

use super::algorithm::TsigAlgorithm;
use super::hmac_state::HmacState;
use crate::name::{DomainName, NameRef};

/// Bytes of type, class, TTL and length.
pub(super) const FIXED: usize = 10;
/// Bytes of RDATA without algorithm, MAC and other data.
const NUMBERS: usize = 16;

/// Bytes of a record.
pub(super) const fn length_of(name: usize, algorithm: usize, mac: usize, other: usize) -> usize {
    name + FIXED + algorithm + NUMBERS + mac + other
}

/// A key: its name, its algorithm and its secret, which is cleared when the key is dropped and shown nowhere.
pub struct TsigKey {
    /// In lower case, as it is signed.
    name: DomainName,
    algorithm: TsigAlgorithm,
    secret: Zeroizing<Box<[u8]>>,
    /// HMAC with the secret taken in.
    state: HmacState,
    least_mac: usize,
}

impl TsigKey {
    /// A key. MACs are accepted down to the length that RFC 8945 section 5.2.2.1 allows.
    ///
    /// Errors: HMAC takes secrets of any length; none is known.
    pub fn new(
        name: NameRef<'_>,
        algorithm: TsigAlgorithm,
        secret: Zeroizing<Box<[u8]>>,
    ) -> Result<Self, InvalidLength> {
        let state = HmacState::new(algorithm, &secret)?;
        let least_mac = algorithm.least_mac_length();
        Ok(Self { name: name.to_lowercase(), algorithm, secret, state, least_mac })
    }

    /// The key with another least length of MACs, in bytes; what is shorter gets BADTRUNC. Never less than RFC 8945 allows and
    /// never more than the whole MAC.
    pub fn with_least_mac(self, length: usize) -> Self {
        let least_mac = length.clamp(self.algorithm.least_mac_length(), self.algorithm.mac_length());
        Self { least_mac, ..self }
    }

    /// Its name, in lower case.
    pub fn name(&self) -> NameRef<'_> {
        self.name.as_ref()
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> TsigAlgorithm {
        self.algorithm
    }

    /// Bytes of the TSIG record of a message signed with it: the room to keep free. With BADTIME it has six bytes more.
    pub fn signed_length(&self) -> usize {
        length_of(self.name().len(), self.algorithm.wire_name().len(), self.algorithm.mac_length(), 0)
    }

    pub(super) const fn least_mac(&self) -> usize {
        self.least_mac
    }

    pub(super) const fn state(&self) -> &HmacState {
        &self.state
    }
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({} {})", self.name, self.algorithm)
    }
}

/// Whether name, algorithm, secret and least length are the same: for telling whether a configuration has changed. Not in
/// constant time, and so not for what comes from outside.
impl PartialEq for TsigKey {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |key: &Self| (key.algorithm, key.least_mac);
        self.name == other.name && numbers(self) == numbers(other) && self.secret == other.secret
    }
}

impl Eq for TsigKey {}

/// The keys that requests may be signed with, found by name without an allocation.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TsigKeyring {
    /// In canonical order of their names.
    keys: Vec<Arc<TsigKey>>,
}

impl TsigKeyring {
    /// The key with this name, whatever its case.
    pub fn find(&self, name: NameRef<'_>) -> Option<&Arc<TsigKey>> {
        let at = self.keys.binary_search_by(|key| key.name().canonical_cmp(name)).ok()?;
        self.keys.get(at)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// All of them, in canonical order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<TsigKey>> {
        self.keys.iter()
    }
}

impl FromIterator<Arc<TsigKey>> for TsigKeyring {
    /// Of keys with the same name the first is kept: a name identifies one key (RFC 8945 section 4.2).
    fn from_iter<T: IntoIterator<Item = Arc<TsigKey>>>(keys: T) -> Self {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_by(|a, b| a.name().canonical_cmp(b.name()));
        keys.dedup_by(|later, first| later.name() == first.name());
        Self { keys }
    }
}
