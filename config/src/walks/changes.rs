//! Compares two values of a section, key by key.

use crate::comparison::SettingComparison;
use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::section::{ConfigSection, KeyVisitor};

/// Records each key whose value differs.
pub(crate) fn compare<S: ConfigSection>(old: &S, new: &S, comparison: &mut SettingComparison<'_>) {
    S::keys(&mut SectionComparison { old: old.values(), new: new.values(), comparison });
}

struct SectionComparison<'c, 'a, D> {
    old: D,
    new: D,
    comparison: &'c mut SettingComparison<'a>,
}

impl<D> KeyVisitor<D> for SectionComparison<'_, '_, D> {
    fn key<K: ValueKind>(
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
