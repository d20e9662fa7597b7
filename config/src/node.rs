//! The configuration file as a tree in which every value knows its place.

/// A place without its file: line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Spot {
    /// The beginning of a file.
    pub(crate) const START: Spot = Spot { line: 1, column: 1 };
}

/// A value and its place. A list or section stands where its first item or key does, an
/// empty one where the scalar before it does.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) spot: Spot,
    pub(crate) value: Value,
    /// Whether variables of the environment were filled in: such a text may be a number or a truth value too.
    pub(crate) filled: bool,
}

/// What a value is by the YAML 1.2 core schema.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// Any other number, in words: with a fraction, or beyond 64 bits.
    Number(String),
    Text(String),
    /// What could not be filled in; the error is recorded.
    Unfilled,
    List(Vec<Node>),
    Section(Vec<Entry>),
}

/// A key of a section and what it is set to.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) spot: Spot,
    pub(crate) value: Node,
}

impl Node {
    /// The value in words, for a message: text is shown in back quotes, cut to a readable length.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "no value".to_owned(),
            Value::Bool(flag) => format!("`{flag}`"),
            Value::Integer(number) => format!("`{number}`"),
            Value::Number(number) => format!("`{number}`"),
            Value::Text(text) => shown(text),
            Value::Unfilled => "nothing".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Section(_) => "a section of keys".to_owned(),
        }
    }

    /// The whole number that the value is.
    pub(crate) fn integer(&self) -> Option<i64> {
        match &self.value {
            Value::Integer(number) => Some(*number),
            Value::Text(text) if self.filled => text.parse().ok(),
            _ => None,
        }
    }

    /// The truth value that the value is.
    pub(crate) fn flag(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) if self.filled => text.parse().ok(),
            _ => None,
        }
    }

    /// The entry with this key, when the value is a section that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Section(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The items of the list under `key`, where one value alone is a list of one; none when there is no such key.
    pub(crate) fn items(&self, key: &str) -> &[Node] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Node { value: Value::List(items), .. }) => items,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        }
    }

    /// Where the value of `key` stands, or this section when it is not given.
    pub(crate) fn spot_of(&self, key: &str) -> Spot {
        self.entry(key).map_or(self.spot, |entry| entry.value.spot)
    }
}

/// Text from the file in back quotes, control characters escaped, cut after sixty characters.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::from("`");
    for (index, character) in text.chars().enumerate() {
        match character {
            _ if index == 60 => {
                shown.push('…');
                break;
            }
            '"' | '\'' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown.push('`');
    shown
}
