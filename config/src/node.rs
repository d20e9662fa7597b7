//! The configuration file as a tree in which every value knows its place.

/// A place: line and column, both from 1, and the number that the reader has given to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct YamlPlace {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) file: u16,
}

impl YamlPlace {
    /// The beginning of a file.
    pub(crate) const START: YamlPlace = YamlPlace::new(1, 1);

    /// A place in the first file.
    pub(crate) const fn new(line: u32, column: u32) -> Self {
        YamlPlace { line, column, file: 0 }
    }

    /// The same place of another file.
    pub(crate) const fn in_file(self, file: u16) -> Self {
        YamlPlace { file, ..self }
    }
}

/// A value and its place. A list or section stands where its first item or key does, an
/// empty one where the scalar before it does.
#[derive(Debug, Clone)]
pub(crate) struct YamlNode {
    pub(crate) spot: YamlPlace,
    pub(crate) value: YamlContent,
    /// Whether variables of the environment were filled in: such a text may be a number or a truth value too.
    pub(crate) filled: bool,
}

/// What a value is by the YAML 1.2 core schema.
#[derive(Debug, Clone)]
pub(crate) enum YamlContent {
    Null,
    Bool(bool),
    Integer(i64),
    /// Any other number, in words: with a fraction, or beyond 64 bits.
    Number(String),
    Text(String),
    /// What could not be filled in; the error is recorded.
    Unfilled,
    List(Vec<YamlNode>),
    Section(Vec<YamlEntry>),
}

/// A key of a section and what it is set to.
#[derive(Debug, Clone)]
pub(crate) struct YamlEntry {
    pub(crate) key: String,
    pub(crate) spot: YamlPlace,
    pub(crate) value: YamlNode,
}

impl YamlNode {
    /// The value in words, for a message: text is shown in back quotes, cut to a readable length.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            YamlContent::Null => "no value".to_owned(),
            YamlContent::Bool(flag) => format!("`{flag}`"),
            YamlContent::Integer(number) => format!("`{number}`"),
            YamlContent::Number(number) => format!("`{number}`"),
            YamlContent::Text(text) => shown(text),
            YamlContent::Unfilled => "nothing".to_owned(),
            YamlContent::List(_) => "a list".to_owned(),
            YamlContent::Section(_) => "a section of keys".to_owned(),
        }
    }

    /// The whole number that the value is.
    pub(crate) fn integer(&self) -> Option<i64> {
        match &self.value {
            YamlContent::Integer(number) => Some(*number),
            YamlContent::Text(text) if self.filled => text.parse().ok(),
            _ => None,
        }
    }

    /// The truth value that the value is.
    pub(crate) fn flag(&self) -> Option<bool> {
        match &self.value {
            YamlContent::Bool(flag) => Some(*flag),
            YamlContent::Text(text) if self.filled => text.parse().ok(),
            _ => None,
        }
    }

    /// The entry with this key, when the value is a section that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&YamlEntry> {
        match &self.value {
            YamlContent::Section(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The items of the list under `key`, where one value alone is a list of one; none when there is no such key.
    pub(crate) fn items(&self, key: &str) -> &[YamlNode] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(YamlNode { value: YamlContent::List(items), .. }) => items,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        }
    }

    /// Says that this and all in it stands in the file of this number.
    pub(crate) fn set_file(&mut self, file: u16) {
        self.spot.file = file;
        match &mut self.value {
            YamlContent::List(items) => items.iter_mut().for_each(|item| item.set_file(file)),
            YamlContent::Section(entries) => {
                for entry in entries {
                    entry.spot.file = file;
                    entry.value.set_file(file);
                }
            }
            _ => {}
        }
    }

    /// Where the value of `key` stands, or this section when it is not given.
    pub(crate) fn spot_of(&self, key: &str) -> YamlPlace {
        self.entry(key).map_or(self.spot, |entry| entry.value.spot)
    }
}

/// The items of a list with their numbers. Those of several files stand one file behind the other, each numbered by itself.
pub(crate) fn numbered(items: &[YamlNode]) -> impl Iterator<Item = (usize, &YamlNode)> {
    let mut begun = (0, 0);
    items.iter().enumerate().map(move |(index, item)| {
        if item.spot.file != begun.0 {
            begun = (item.spot.file, index);
        }
        (index - begun.1, item)
    })
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
