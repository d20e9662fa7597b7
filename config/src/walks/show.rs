//! Shows a section as a file would have it, every key with its value.

use serde_json::{Map, Value};

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::section::{ConfigSection, KeyVisitor};

/// Every key that has a value and is no secret.
pub(crate) fn show<S: ConfigSection>(section: &S) -> Map<String, Value> {
    let mut shown = ShownSection { values: section.values(), shown: Map::new() };
    S::keys(&mut shown);
    shown.shown
}

struct ShownSection<D> {
    values: D,
    shown: Map<String, Value>,
}

impl<D> KeyVisitor<D> for ShownSection<D> {
    fn key<K: ValueKind>(
        &mut self,
        name: &'static str,
        _: InForce,
        _: &'static str,
        kind: K,
        slot: fn(&mut D) -> &mut K::Out,
    ) {
        if let Some(value) = kind.show(slot(&mut self.values)) {
            self.shown.insert(name.to_owned(), value);
        }
    }

    fn not_offered(&mut self, _: &'static str, _: &'static str) {}
}
