//! Compares two values of a section, key by key.

use crate::comparison::Comparison;
use crate::in_force::InForce;
use crate::kind::Kind;
use crate::section::{Keys, Section};

/// Records each key whose value differs.
pub(crate) fn compare<S: Section>(old: &S, new: &S, comparison: &mut Comparison<'_>) {
    S::keys(&mut SectionComparison { old: old.values(), new: new.values(), comparison });
}

struct SectionComparison<'c, 'a, D> {
    old: D,
    new: D,
    comparison: &'c mut Comparison<'a>,
}

impl<D> Keys<D> for SectionComparison<'_, '_, D> {
    fn key<K: Kind>(
        &mut self,
        name: &'static str,
        in_force: InForce,
        _: &'static str,
        kind: K,
        slot: fn(&mut D) -> &mut K::Out,
    ) {
        let (old, new) = (slot(&mut self.old), slot(&mut self.new));
        kind.compare(old, new, &mut self.comparison.at_key(name, in_force));
    }

    fn not_offered(&mut self, _: &'static str, _: &'static str) {}
}
