//! Booleans, fixed words, paths and texts with a form of their own.

use std::fmt::Display;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::{Value as Json, json};

use crate::kind::ValueKind;
use crate::node::{YamlContent, YamlNode, shown};
use crate::reader::ConfigReader;

/// `true` or `false`.
pub(crate) struct FlagKind;

impl ValueKind for FlagKind {
    type Out = bool;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<bool> {
        let flag = node.flag();
        if flag.is_none() {
            reader.wrong(node, "true or false");
        }
        flag
    }

    fn schema(&self) -> Json {
        json!({ "type": "boolean" })
    }

    fn show(&self, value: &bool) -> Option<Json> {
        Some(json!(value))
    }
}

/// One of a few fixed words.
pub(crate) struct WordKind<T: 'static> {
    pub(crate) words: &'static [(&'static str, T)],
    /// Words of the contract that this version does not offer.
    pub(crate) later: &'static [&'static str],
}

impl<T: Copy + PartialEq> ValueKind for WordKind<T> {
    type Out = T;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<T> {
        let accepted = accepted_words(self.words);
        if let YamlContent::Text(text) = &node.value {
            if let Some((_, value)) = self.words.iter().find(|(word, _)| word == text) {
                return Some(*value);
            }
            if self.later.contains(&text.as_str()) {
                let message = format!("{} is not offered by this version; accepted: {accepted}", shown(text));
                reader.error(node.spot, message);
                return None;
            }
        }
        reader.wrong(node, &accepted);
        None
    }

    fn schema(&self) -> Json {
        let words: Vec<_> = self.words.iter().map(|(word, _)| word).collect();
        json!({ "enum": words })
    }

    fn show(&self, value: &T) -> Option<Json> {
        self.words.iter().find(|(_, known)| known == value).map(|(word, _)| json!(word))
    }
}

/// The accepted words, joined for a message.
fn accepted_words<T>(words: &[(&str, T)]) -> String {
    words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

/// A path; a relative one is taken from the folder of the configuration file.
pub(crate) struct FilePath;

impl ValueKind for FilePath {
    type Out = PathBuf;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<PathBuf> {
        match &node.value {
            YamlContent::Text(text) if !text.is_empty() && !text.contains('\0') => {
                Some(reader.folder_of(node.spot).join(text))
            }
            _ => {
                reader.wrong(node, "a path");
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1 })
    }

    fn show(&self, value: &PathBuf) -> Option<Json> {
        Some(json!(value.display().to_string()))
    }
}

/// A text that the type itself can parse.
pub(crate) struct ParsedKind<T> {
    /// The accepted form in words.
    accepted: &'static str,
    out: PhantomData<T>,
}

impl<T> ParsedKind<T> {
    pub(crate) fn new(accepted: &'static str) -> Self {
        ParsedKind { accepted, out: PhantomData }
    }
}

impl<T: FromStr<Err: Display> + Display> ValueKind for ParsedKind<T> {
    type Out = T;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<T> {
        let YamlContent::Text(text) = &node.value else {
            reader.wrong_text(node, self.accepted);
            return None;
        };
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let message = format!("{} {error}; accepted: {}", shown(text), self.accepted);
                reader.error(node.spot, message);
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "description": format!("Accepted: {}.", self.accepted) })
    }

    fn show(&self, value: &T) -> Option<Json> {
        Some(json!(value.to_string()))
    }
}
