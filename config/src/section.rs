//! How a section of the configuration is described: once. Reading, the JSON Schema, the comparison of two configurations
//! and the list of keys all walk over that description.

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::node::YamlNode;
use crate::reader::ConfigReader;

/// A mapping of the configuration with a fixed set of keys.
pub(crate) trait ConfigSection: Sized {
    /// What the keys are read into; starts as the defaults.
    type Draft;

    /// The section in words, for the schema and for errors.
    const ABOUT: &'static str;

    /// What one looks like, where a value alone is often written in its place.
    const EXAMPLE: Option<&'static str> = None;

    /// Groups of keys of which exactly one has to be given, in full. One group alone: its keys are required.
    const ONE_OF: &'static [&'static [&'static str]] = &[];

    /// The keys that tell the entries of a list of such sections apart.
    const IDENTITY: &'static [&'static str] = &[];

    /// The defaults.
    fn draft() -> Self::Draft;

    /// Names every key, in the order in which the schema shows them.
    fn keys<K: KeyVisitor<Self::Draft>>(keys: &mut K);

    /// Makes the value, checking what concerns several keys. `None` only when an error was recorded.
    fn finish(draft: Self::Draft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self>;

    /// What the keys hold: a draft from which `finish` makes this value.
    fn values(&self) -> Self::Draft;
}

/// What walks over the keys of a section.
pub(crate) trait KeyVisitor<D> {
    /// A key: its name, when a change of it is in force, what it is for, the kind of its value, and where the value goes.
    ///
    /// A key that holds a section leaves `in_force` to the keys in there.
    fn key<K: ValueKind>(
        &mut self,
        name: &'static str,
        in_force: InForce,
        about: &'static str,
        kind: K,
        slot: fn(&mut D) -> &mut K::Out,
    );

    /// A key of the contract that this version does not offer.
    fn not_offered(&mut self, name: &'static str, why: &'static str);
}
