//! Values made of values: sections, lists, and what may be absent.

use std::marker::PhantomData;

use serde_json::{Value as Json, json};

use super::Kind;
use crate::node::{Node, Value};
use crate::reader::Reader;
use crate::schema;
use crate::section::Section;

/// A section within a section.
pub(crate) struct Sub<S>(PhantomData<S>);

impl<S> Sub<S> {
    pub(crate) fn new() -> Self {
        Sub(PhantomData)
    }
}

impl<S: Section> Kind for Sub<S> {
    type Out = S;

    fn read(&self, node: &Node, reader: &mut Reader) -> Option<S> {
        let draft = reader.draft::<S>(node)?;
        S::finish(draft, node, reader)
    }

    fn schema(&self) -> Json {
        schema::of::<S>()
    }
}

/// A list of values of one kind. Items that are wrong are left out, the others kept.
pub(crate) struct List<K> {
    pub(crate) of: K,
    /// Whether an empty list is an error.
    pub(crate) filled: bool,
}

impl<K: Kind> Kind for List<K> {
    type Out = Vec<K::Out>;

    fn read(&self, node: &Node, reader: &mut Reader) -> Option<Vec<K::Out>> {
        let Value::List(items) = &node.value else {
            reader.wrong(node, "a list");
            return None;
        };
        if self.filled && items.is_empty() {
            reader.error(node.spot, "the list is empty; at least one entry is needed");
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if reader.errors.is_full() {
                break;
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
        schema
    }

    fn show(&self, value: &Vec<K::Out>) -> Option<Json> {
        let items: Option<Vec<_>> = value.iter().map(|item| self.of.show(item)).collect();
        items.filter(|items| !items.is_empty()).map(Json::Array)
    }
}

/// A value that has no default: `None` when its key is absent.
pub(crate) struct Optional<K>(pub(crate) K);

impl<K: Kind> Kind for Optional<K> {
    type Out = Option<K::Out>;

    fn read(&self, node: &Node, reader: &mut Reader) -> Option<Option<K::Out>> {
        self.0.read(node, reader).map(Some)
    }

    fn schema(&self) -> Json {
        self.0.schema()
    }

    fn show(&self, value: &Option<K::Out>) -> Option<Json> {
        value.as_ref().and_then(|value| self.0.show(value))
    }
}
