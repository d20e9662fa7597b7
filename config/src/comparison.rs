//! What differs between two configurations, key by key and in words.

use std::fmt;

use serde_json::Value as Json;

use crate::in_force::InForce;
use crate::one_line::in_one_line;

/// A key whose value differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The way to the key, such as `cache.size` or `forward[corp.example].policy`.
    pub key: String,
    /// What became of its value.
    pub change: ValueChange,
    /// When the new value is in force.
    pub in_force: InForce,
}

/// What became of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueChange {
    /// Another value, both as a file would have them; `none` where there is none.
    Other {
        /// The value before.
        old: String,
        /// The value now.
        new: String,
    },
    /// Another secret, which is not shown.
    Secret,
    /// An entry of a list that was not there before.
    EntryAdded,
    /// An entry of a list that is there no more.
    EntryRemoved,
}

impl KeyChange {
    /// The key, and what became of its value.
    pub fn value_text(&self) -> String {
        match &self.change {
            ValueChange::Other { old, new } => format!("{}: {old} -> {new}", self.key),
            ValueChange::Secret => format!("{}: changed", self.key),
            ValueChange::EntryAdded => format!("{}: added", self.key),
            ValueChange::EntryRemoved => format!("{}: removed", self.key),
        }
    }
}

impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value_text())?;
        match self.in_force {
            InForce::AtReload => Ok(()),
            InForce::AtRestart => f.write_str(" (in force at the next start)"),
        }
    }
}

/// Where a comparison is, and what it found so far.
pub(crate) struct SettingComparison<'a> {
    path: String,
    in_force: InForce,
    changes: &'a mut Vec<KeyChange>,
}

impl<'a> SettingComparison<'a> {
    pub(crate) fn new(changes: &'a mut Vec<KeyChange>) -> Self {
        SettingComparison { path: String::new(), in_force: InForce::AtReload, changes }
    }

    /// The comparison of a key within this value.
    pub(crate) fn at_key(&mut self, name: &str, in_force: InForce) -> SettingComparison<'_> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        SettingComparison { path, in_force, changes: self.changes }
    }

    /// The comparison of an entry of this list.
    pub(crate) fn at_entry(&mut self, identity: &str) -> SettingComparison<'_> {
        let path = format!("{}[{identity}]", self.path);
        SettingComparison { path, in_force: self.in_force, changes: self.changes }
    }

    pub(crate) fn values(&mut self, old: Option<&Json>, new: Option<&Json>) {
        if old != new {
            let (old, new) = (in_one_line(old), in_one_line(new));
            self.record(ValueChange::Other { old, new });
        }
    }

    pub(crate) fn record(&mut self, change: ValueChange) {
        self.changes.push(KeyChange { key: self.path.clone(), change, in_force: self.in_force });
    }
}
