//! Adds a section to a hash, key by key.

use std::hash::Hasher;

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::section::{ConfigSection, KeyVisitor};

/// Every key with its value, secrets too.
pub(crate) fn hash<S: ConfigSection>(section: &S, hasher: &mut dyn Hasher) {
    S::keys(&mut HashedSection { values: section.values(), hasher });
}

struct HashedSection<'h, D> {
    values: D,
    hasher: &'h mut dyn Hasher,
}

impl<D> KeyVisitor<D> for HashedSection<'_, D> {
    fn key<K: ValueKind>(
        &mut self,
        name: &'static str,
        _: InForce,
        _: &'static str,
        kind: K,
        slot: fn(&mut D) -> &mut K::Out,
    ) {
        self.hasher.write(name.as_bytes());
        kind.hash(slot(&mut self.values), self.hasher);
    }

    fn not_offered(&mut self, _: &'static str, _: &'static str) {}
}
