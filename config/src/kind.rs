//! What every form of a value can do: read itself from a node, describe itself, show a value in words.

use std::hash::Hasher;

use serde_json::Value;

use crate::comparison::SettingComparison;
use crate::key_list::KeyList;
use crate::node::YamlNode;
use crate::one_line::in_one_line;
use crate::reader::ConfigReader;

/// A form that a value may have.
pub(crate) trait ValueKind {
    /// What is read.
    type Out;

    /// Reads the value; `None` when an error was recorded and nothing of it can be used.
    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self::Out>;

    /// The JSON Schema of the form.
    fn schema(&self) -> Value;

    /// A value as a file would have it. `None`: there is no value, or it is a secret.
    fn show(&self, value: &Self::Out) -> Option<Value>;

    /// Records what differs. Two values that are shown alike are the same.
    fn compare(&self, old: &Self::Out, new: &Self::Out, comparison: &mut SettingComparison<'_>) {
        comparison.values(self.show(old).as_ref(), self.show(new).as_ref());
    }

    /// Adds a value to a hash, a secret too. Two values that are shown alike are the same.
    fn hash(&self, value: &Self::Out, hasher: &mut dyn Hasher) {
        hasher.write(in_one_line(self.show(value).as_ref()).as_bytes());
        // So that the end of a value cannot pass for the beginning of the next one.
        hasher.write_u8(0xff);
    }

    /// What tells this entry of a list from the others; `None` where only the list as a whole can be compared.
    fn identity(&self, _value: &Self::Out) -> Option<String> {
        None
    }

    /// Adds the keys within values of this kind; a kind without keys adds none.
    fn list_keys(&self, _keys: &mut KeyList<'_>) {}
}
