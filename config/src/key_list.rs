//! The keys there are, as documents and tests want them.

use crate::in_force::InForce;
use crate::one_line::in_one_line;

/// A key of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// The way to the key, such as `cache.size` or `forward[].policy`.
    pub path: String,
    /// What it is for, in words.
    pub about: String,
    /// Its value where a file does not give it, as a file would; `None` where there is none then.
    pub default: Option<String>,
    /// When a change is in force; `None` for a key that this version does not offer.
    pub in_force: Option<InForce>,
}

/// Collects the keys, and knows where it is.
pub(crate) struct KeyList<'a> {
    path: String,
    keys: &'a mut Vec<KeyDescription>,
}

impl<'a> KeyList<'a> {
    pub(crate) fn new(keys: &'a mut Vec<KeyDescription>) -> Self {
        KeyList { path: String::new(), keys }
    }

    /// Adds a key of the section at hand; gives the list of what is within the key.
    pub(crate) fn add(
        &mut self,
        name: &str,
        about: &str,
        default: Option<&serde_json::Value>,
        in_force: Option<InForce>,
    ) -> KeyList<'_> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        let default = default.map(|value| in_one_line(Some(value)));
        self.keys.push(KeyDescription { path: path.clone(), about: about.to_owned(), default, in_force });
        KeyList { path, keys: self.keys }
    }

    /// The list of what is within the entries of the list at hand.
    pub(crate) fn entries(&mut self) -> KeyList<'_> {
        KeyList { path: format!("{}[]", self.path), keys: self.keys }
    }
}
