//! Lists the keys of a section and of what is within them.

use crate::in_force::InForce;
use crate::key_list::KeyList;
use crate::kind::ValueKind;
use crate::section::{ConfigSection, KeyVisitor};

/// Adds every key, the sections' own keys behind them.
pub(crate) fn list<S: ConfigSection>(list: &mut KeyList<'_>) {
    S::keys(&mut SectionKeys { defaults: S::draft(), list });
}

struct SectionKeys<'k, 'a, D> {
    defaults: D,
    list: &'k mut KeyList<'a>,
}

impl<D> KeyVisitor<D> for SectionKeys<'_, '_, D> {
    fn key<K: ValueKind>(
        &mut self,
        name: &'static str,
        in_force: InForce,
        about: &'static str,
        kind: K,
        slot: fn(&mut D) -> &mut K::Out,
    ) {
        let default = kind.show(slot(&mut self.defaults));
        kind.list_keys(&mut self.list.add(name, about, default.as_ref(), Some(in_force)));
    }

    fn not_offered(&mut self, name: &'static str, why: &'static str) {
        self.list.add(name, why, None, None);
    }
}
