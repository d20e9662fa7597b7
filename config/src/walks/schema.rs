//! The JSON Schema of a section.

use serde_json::{Map, Value, json};

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::section::{ConfigSection, KeyVisitor};

/// The schema of one section.
pub(crate) fn of<S: ConfigSection>() -> Value {
    let mut keys = SchemaKeys { draft: S::draft(), properties: Map::new() };
    S::keys(&mut keys);
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("description".to_owned(), json!(S::ABOUT));
    schema.insert("properties".to_owned(), Value::Object(keys.properties));
    schema.insert("additionalProperties".to_owned(), json!(false));
    match S::ONE_OF {
        [] => {}
        [required] => {
            schema.insert("required".to_owned(), json!(required));
        }
        groups => {
            let branches: Vec<_> = groups.iter().map(|group| branch(group, groups)).collect();
            schema.insert("oneOf".to_owned(), json!(branches));
        }
    }
    Value::Object(schema)
}

/// One alternative: its keys are required, those of the others refused.
fn branch(group: &[&str], groups: &[&[&str]]) -> Value {
    let others: Map<_, _> = groups
        .iter()
        .flat_map(|keys| keys.iter())
        .filter(|key| !group.contains(key))
        .map(|key| ((*key).to_owned(), json!(false)))
        .collect();
    json!({ "required": group, "properties": others })
}

struct SchemaKeys<D> {
    draft: D,
    properties: Map<String, Value>,
}

impl<D> SchemaKeys<D> {
    fn put(&mut self, name: &str, about: &str, kind: Value) {
        let mut property = Map::new();
        property.insert("description".to_owned(), json!(about));
        if let Value::Object(kind) = kind {
            // The key's own words come before those of its kind.
            property.extend(kind.into_iter().filter(|(word, _)| word != "description"));
        }
        self.properties.insert(name.to_owned(), Value::Object(property));
    }
}

impl<D> KeyVisitor<D> for SchemaKeys<D> {
    fn key<K: ValueKind>(
        &mut self,
        name: &'static str,
        in_force: InForce,
        about: &'static str,
        kind: K,
        slot: fn(&mut D) -> &mut K::Out,
    ) {
        let mut schema = kind.schema();
        if let (Some(default), Value::Object(words)) = (kind.show(slot(&mut self.draft)), &mut schema) {
            words.insert("default".to_owned(), default);
        }
        let restart =
            if in_force == InForce::AtRestart { " A change is in force at the next start." } else { "" };
        self.put(name, &format!("{about}{restart}"), schema);
    }

    fn not_offered(&mut self, name: &'static str, why: &'static str) {
        self.put(name, &format!("Not offered by this version: {why}."), json!({ "not": {} }));
    }
}
