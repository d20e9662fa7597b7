//! The values of labels: one that nothing counts is zero for ever, and says that something does not happen.

use crate::source::{files, is_test, root};

const TABLE: &str = "server/src/metrics/labels.rs";

/// The values that others name, as `Enum::Value`.
fn values() -> Vec<String> {
    let text = std::fs::read_to_string(root().join(TABLE)).expect(TABLE);
    let mut found = Vec::new();
    for part in text.split("\n    pub enum ").skip(1) {
        let (name, rest) = part.split_once(" {").expect("an enum has a body");
        let body = rest.split("\n    }").next().unwrap_or_default();
        let value =
            |line: &str| line.trim().split_once(" => \"").map(|(value, _)| format!("{name}::{value}"));
        found.extend(body.lines().filter_map(value));
    }
    found
}

#[test]
fn every_value_of_a_label_is_counted_somewhere() {
    let values = values();
    assert!(values.len() > 100, "{values:?}");
    let code: String = files(".rs")
        .iter()
        .filter(|file| file.path.starts_with("server/src/") && file.path != TABLE && !is_test(&file.path))
        .map(|file| file.code().split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned())
        .collect();
    let is_named = |value: &str| {
        code.match_indices(value).any(|(at, _)| {
            !code[at + value.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let dead: Vec<_> = values.iter().filter(|value| !is_named(value)).collect();
    assert!(dead.is_empty(), "nothing counts {dead:?}");
}
