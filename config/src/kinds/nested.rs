//! Values made of values: sections, lists, and what may be absent.

use std::collections::HashMap;
use std::hash::Hasher;
use std::marker::PhantomData;

use serde_json::{Value as Json, json};

use crate::comparison::{SettingComparison, ValueChange};
use crate::key_list::KeyList;
use crate::kind::ValueKind;
use crate::node::{YamlContent, YamlNode, numbered};
use crate::one_line::in_one_line;
use crate::reader::ConfigReader;
use crate::section::ConfigSection;
use crate::walks::{changes, digest, keys, read, schema, show};

/// A section within a section.
pub(crate) struct SectionKind<S>(PhantomData<S>);

impl<S> SectionKind<S> {
    pub(crate) fn new() -> Self {
        SectionKind(PhantomData)
    }
}

impl<S: ConfigSection> ValueKind for SectionKind<S> {
    type Out = S;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<S> {
        read::read(node, reader)
    }

    fn schema(&self) -> Json {
        schema::of::<S>()
    }

    fn show(&self, value: &S) -> Option<Json> {
        Some(Json::Object(show::show(value)))
    }

    fn compare(&self, old: &S, new: &S, comparison: &mut SettingComparison<'_>) {
        changes::compare(old, new, comparison);
    }

    fn hash(&self, value: &S, hasher: &mut dyn Hasher) {
        digest::hash(value, hasher);
    }

    fn identity(&self, value: &S) -> Option<String> {
        let shown = show::show(value);
        let words: Vec<_> = S::IDENTITY
            .iter()
            .filter_map(|key| shown.get(*key))
            .map(|value| in_one_line(Some(value)))
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    fn list_keys(&self, keys: &mut KeyList<'_>) {
        keys::list::<S>(keys);
    }
}

/// What tells an entry of a list from the others, and how many before it have the same.
type EntryName = (String, usize);

/// A list of values of one kind; one value alone is a list of one. Items that are wrong are left out, the others kept.
pub(crate) struct ValueList<K> {
    pub(crate) of: K,
    /// Whether an empty list is an error.
    pub(crate) filled: bool,
}

impl<K: ValueKind> ValueKind for ValueList<K> {
    type Out = Vec<K::Out>;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Vec<K::Out>> {
        let items = match &node.value {
            YamlContent::List(items) => items,
            YamlContent::Null => {
                reader.wrong(node, "a list");
                return None;
            }
            _ => return self.of.read(node, reader).map(|value| vec![value]),
        };
        if self.filled && items.is_empty() {
            reader.error(node.spot, "the list is empty; at least one entry is needed");
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in numbered(items) {
            if reader.errors.is_full() {
                break;
            }
            if matches!(item.value, YamlContent::Unfilled) {
                continue;
            }
            values.extend(reader.at_index(index, |reader| self.of.read(item, reader)));
        }
        Some(values)
    }

    fn schema(&self) -> Json {
        let mut schema = json!({ "type": "array", "items": self.of.schema() });
        if let (true, Some(words)) = (self.filled, schema.as_object_mut()) {
            words.insert("minItems".to_owned(), json!(1));
        }
        json!({ "anyOf": [schema, self.of.schema()] })
    }

    fn show(&self, value: &Vec<K::Out>) -> Option<Json> {
        let items: Option<Vec<_>> = value.iter().map(|item| self.of.show(item)).collect();
        items.filter(|items| !(self.filled && items.is_empty())).map(Json::Array)
    }

    fn compare(&self, old: &Vec<K::Out>, new: &Vec<K::Out>, comparison: &mut SettingComparison<'_>) {
        let (Some(before), Some(now)) = (self.by_identity(old), self.by_identity(new)) else {
            return self.compare_unnamed(old, new, comparison);
        };
        let mut before: HashMap<_, _> = before.into_iter().collect();
        for (identity, new) in now {
            let mut entry = comparison.at_entry(&identity.0);
            match before.remove(&identity) {
                Some(old) => self.of.compare(old, new, &mut entry),
                None => entry.record(ValueChange::EntryAdded),
            }
        }
        let mut gone: Vec<_> = before.into_keys().collect();
        gone.sort();
        for (identity, _) in gone {
            comparison.at_entry(&identity).record(ValueChange::EntryRemoved);
        }
    }

    fn hash(&self, value: &Vec<K::Out>, hasher: &mut dyn Hasher) {
        hasher.write_usize(value.len());
        for item in value {
            self.of.hash(item, hasher);
        }
    }

    fn list_keys(&self, keys: &mut KeyList<'_>) {
        self.of.list_keys(&mut keys.entries());
    }
}

impl<K: ValueKind> ValueList<K> {
    /// Lists are shown whole. A list of secrets says only that it differs.
    fn compare_unnamed(&self, old: &Vec<K::Out>, new: &Vec<K::Out>, comparison: &mut SettingComparison<'_>) {
        if let (Some(old), Some(new)) = (self.show(old), self.show(new)) {
            return comparison.values(Some(&old), Some(&new));
        }
        let differ = old.len() != new.len()
            || old.iter().zip(new).any(|(old, new)| {
                let mut changes = Vec::new();
                self.of.compare(old, new, &mut SettingComparison::new(&mut changes));
                !changes.is_empty()
            });
        if differ {
            comparison.record(ValueChange::Secret);
        }
    }

    /// The entries by what tells them apart; `None` where nothing does.
    fn by_identity<'v>(&self, values: &'v [K::Out]) -> Option<Vec<(EntryName, &'v K::Out)>> {
        let mut seen = HashMap::new();
        let entries = values.iter().map(|value| {
            let identity = self.of.identity(value)?;
            let count = seen.entry(identity.clone()).or_insert(0_usize);
            let earlier = std::mem::replace(count, *count + 1);
            Some(((identity, earlier), value))
        });
        entries.collect()
    }
}

/// A value that has no default: `None` when its key is absent.
pub(crate) struct OptionalKind<K>(pub(crate) K);

impl<K: ValueKind> ValueKind for OptionalKind<K> {
    type Out = Option<K::Out>;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Option<K::Out>> {
        self.0.read(node, reader).map(Some)
    }

    fn schema(&self) -> Json {
        self.0.schema()
    }

    fn show(&self, value: &Option<K::Out>) -> Option<Json> {
        value.as_ref().and_then(|value| self.0.show(value))
    }

    fn compare(&self, old: &Option<K::Out>, new: &Option<K::Out>, comparison: &mut SettingComparison<'_>) {
        match (old, new) {
            (Some(old), Some(new)) => self.0.compare(old, new, comparison),
            (None, None) => {}
            (old, new) => match (self.show(old), self.show(new)) {
                (None, None) => comparison.record(ValueChange::Secret),
                (old, new) => comparison.values(old.as_ref(), new.as_ref()),
            },
        }
    }

    fn hash(&self, value: &Option<K::Out>, hasher: &mut dyn Hasher) {
        hasher.write_u8(u8::from(value.is_some()));
        if let Some(value) = value {
            self.0.hash(value, hasher);
        }
    }

    fn identity(&self, value: &Option<K::Out>) -> Option<String> {
        value.as_ref().and_then(|value| self.0.identity(value))
    }

    fn list_keys(&self, keys: &mut KeyList<'_>) {
        self.0.list_keys(keys);
    }
}
