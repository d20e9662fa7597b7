//! Reads a section: each known key once, every other key refused, the required ones present.

use std::collections::HashSet;

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::nearest::nearest;
use crate::node::{YamlContent, YamlEntry, YamlNode, shown};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// The section in `node`. `None` only when an error was recorded.
pub(crate) fn read<S: ConfigSection>(node: &YamlNode, reader: &mut ConfigReader) -> Option<S> {
    let draft = draft::<S>(node, reader)?;
    S::finish(draft, node, reader)
}

/// The draft comes back even when keys were wrong; it keeps its defaults there.
fn draft<S: ConfigSection>(node: &YamlNode, reader: &mut ConfigReader) -> Option<S::Draft> {
    let YamlContent::Section(entries) = &node.value else {
        let example = S::EXAMPLE.map(|example| format!(", as in {example}")).unwrap_or_default();
        reader.wrong(node, &format!("a section of keys{example}; {}", S::ABOUT));
        return None;
    };
    let mut keys =
        SectionReader { reader, entries, draft: S::draft(), offered: Vec::new(), later: Vec::new() };
    S::keys(&mut keys);
    let SectionReader { draft, offered, later, .. } = keys;
    unknown_keys(entries, &offered, &later, reader);
    required_keys(node, S::ONE_OF, reader);
    Some(draft)
}

fn unknown_keys(
    entries: &[YamlEntry],
    offered: &[&'static str],
    later: &[&'static str],
    reader: &mut ConfigReader,
) {
    for entry in entries {
        if reader.errors.is_full() {
            return;
        }
        if offered.iter().chain(later).any(|known| *known == entry.key) {
            continue;
        }
        let near = nearest(&entry.key, offered);
        let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        let message = format!("unknown key {}{hint}; accepted: {}", shown(&entry.key), offered.join(", "));
        reader.at_key(&entry.key, |reader| reader.error(entry.spot, message));
    }
}

/// Exactly one of the groups has to be given, and that one in full. Groups may have keys in common.
fn required_keys(node: &YamlNode, one_of: &[&[&'static str]], reader: &mut ConfigReader) {
    let given = |group: &[&'static str]| group.iter().filter(|key| node.entry(key).is_some()).count();
    // One of which another has all that is given and more is not meant.
    let is_lesser = |group: &[&'static str], other: &[&'static str]| {
        let within = group.iter().all(|key| other.contains(key) || node.entry(key).is_none());
        within && given(group) < given(other)
    };
    let is_meant =
        |group: &&&[&'static str]| given(group) > 0 && !one_of.iter().any(|other| is_lesser(group, other));
    let begun: Vec<_> = one_of.iter().filter(is_meant).collect();
    let all: HashSet<_> = begun.iter().flat_map(|group| group.iter()).collect();
    let total = all.iter().filter(|key| node.entry(key).is_some()).count();
    // Those that nothing is given beside.
    let fitting: Vec<_> = begun.iter().filter(|group| given(group) == total).collect();
    if fitting.iter().any(|group| given(group) == group.len()) {
        return;
    }
    match (one_of, begun.as_slice(), fitting.as_slice()) {
        ([], ..) => {}
        (_, [], _) => {
            let groups: Vec<_> = one_of.iter().map(|group| in_words(group)).collect();
            reader.error(node.spot, format!("{} is missing", groups.join(", or ")));
        }
        (.., []) => {
            let groups: Vec<_> = begun.iter().map(|group| in_words(group)).collect();
            reader.error(node.spot, format!("{} exclude each other; give one of them", groups.join(" and ")));
        }
        (.., [group]) => {
            for key in group.iter().filter(|key| node.entry(key).is_none()) {
                reader.error(node.spot, format!("`{key}` is missing"));
            }
        }
        (.., groups) => {
            let missing = |group: &[&'static str]| {
                let keys: Vec<_> = group.iter().copied().filter(|key| node.entry(key).is_none()).collect();
                in_words(&keys)
            };
            let groups: Vec<_> = groups.iter().map(|group| missing(group)).collect();
            reader.error(node.spot, format!("{} is missing", groups.join(", or ")));
        }
    }
}

fn in_words(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" with ")
}

/// Walks the keys of a section and takes each from the file.
struct SectionReader<'a, D> {
    reader: &'a mut ConfigReader,
    entries: &'a [YamlEntry],
    draft: D,
    offered: Vec<&'static str>,
    /// Keys that a later version offers.
    later: Vec<&'static str>,
}

impl<'a, D> SectionReader<'a, D> {
    /// The first entry of a key; further ones are errors.
    fn take(&mut self, name: &'static str) -> Option<&'a YamlEntry> {
        let entries = self.entries;
        let mut given = entries.iter().filter(|entry| entry.key == name);
        let first = given.next()?;
        for again in given {
            let line = self.reader.line_seen_from(again.spot, first.spot);
            let message = format!("given twice; the first is on {line}");
            self.reader.at_key(name, |reader| reader.error(again.spot, message));
        }
        Some(first)
    }
}

impl<D> KeyVisitor<D> for SectionReader<'_, D> {
    fn key<K: ValueKind>(
        &mut self,
        name: &'static str,
        _: InForce,
        _: &'static str,
        kind: K,
        slot: fn(&mut D) -> &mut K::Out,
    ) {
        self.offered.push(name);
        let Some(entry) = self.take(name).filter(|entry| !matches!(entry.value.value, YamlContent::Unfilled))
        else {
            return;
        };
        if let Some(value) = self.reader.at_key(name, |reader| kind.read(&entry.value, reader)) {
            *slot(&mut self.draft) = value;
        }
    }

    fn not_offered(&mut self, name: &'static str, why: &str) {
        self.later.push(name);
        let Some(entry) = self.take(name) else { return };
        self.reader
            .at_key(name, |reader| reader.error(entry.spot, format!("not offered by this version: {why}")));
    }
}
