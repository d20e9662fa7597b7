//! Names of keys and servers that stand in other sections than their own.

use crate::domain::{read_domain, show_domain};
use crate::nearest::nearest;
use crate::node::{YamlContent, YamlNode, numbered, shown};
use crate::reader::ConfigReader;
use crate::sections::is_remote_name;

/// What is defined, as the file has it: also what had errors of its own.
struct Defined {
    keys: Vec<String>,
    remotes: Vec<String>,
}

/// Records an error for each key and server that is given twice, and for each that is named and not there.
pub(crate) fn report(root: &YamlNode, reader: &mut ConfigReader) {
    let keys = unique(root, "keys", key_name, reader);
    let remotes = unique(root, "remotes", |text| Some(text.to_owned()), reader);
    let defined = Defined { keys, remotes };
    for (index, remote) in numbered(root.items("remotes")) {
        reader.at_key("remotes", |reader| {
            reader.at_index(index, |reader| defined.check_key(remote, reader));
        });
    }
    if let Some(local_root) =
        root.entry("recursion").and_then(|recursion| recursion.value.entry("local-root"))
    {
        reader.at_key("recursion", |reader| {
            reader
                .at_key("local-root", |reader| defined.check_clients(&local_root.value, "primaries", reader));
        });
    }
    for (index, zone) in numbered(root.items("zones")) {
        reader.at_key("zones", |reader| {
            reader.at_index(index, |reader| {
                defined.check_clients(zone, "transfer-to", reader);
                defined.check_clients(zone, "notify", reader);
                defined.check_clients(zone, "primaries", reader);
                defined.check_clients(zone, "notify-from", reader);
                defined.check_clients(zone, "update", reader);
            });
        });
    }
}

/// A name as it is shown, whatever way it was written.
fn key_name(text: &str) -> Option<String> {
    read_domain(text).ok().map(|name| show_domain(&name))
}

/// The names that the entries of a list have.
fn unique(
    root: &YamlNode,
    list: &str,
    name: impl Fn(&str) -> Option<String>,
    reader: &mut ConfigReader,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (index, entry) in numbered(root.items(list)) {
        let Some(found) = entry.entry("name") else { continue };
        let YamlContent::Text(text) = &found.value.value else { continue };
        let Some(name) = name(text) else { continue };
        if names.contains(&name) {
            let message = format!("{} is given already", shown(&name));
            let spot = found.value.spot;
            reader.at_key(list, |reader| {
                reader.at_index(index, |reader| {
                    reader.at_key("name", |reader| reader.error(spot, message));
                });
            });
        } else {
            names.push(name);
        }
    }
    names
}

impl Defined {
    /// Checks the items of a list of clients: names of servers, and sections with keys.
    fn check_clients(&self, section: &YamlNode, list: &str, reader: &mut ConfigReader) {
        for (index, item) in section.items(list).iter().enumerate() {
            reader.at_key(list, |reader| {
                reader.at_index(index, |reader| match &item.value {
                    YamlContent::Text(text) if is_remote_name(text) => {
                        unknown(text, text, &self.remotes, ("server", "remotes"), item, reader);
                    }
                    _ => self.check_key(item, reader),
                });
            });
        }
    }

    /// Checks what `key` of a section names.
    fn check_key(&self, section: &YamlNode, reader: &mut ConfigReader) {
        let Some(entry) = section.entry("key") else { return };
        let YamlContent::Text(text) = &entry.value.value else { return };
        let Some(name) = key_name(text) else { return };
        reader.at_key("key", |reader| {
            unknown(&name, text, &self.keys, ("key", "keys"), &entry.value, reader);
        });
    }
}

/// Records that `name`, written as `text`, is none of `known`.
fn unknown(
    name: &str,
    text: &str,
    known: &[String],
    (what, list): (&str, &str),
    node: &YamlNode,
    reader: &mut ConfigReader,
) {
    if known.iter().any(|known| known == name) {
        return;
    }
    let candidates: Vec<&str> = known.iter().map(String::as_str).collect();
    let near =
        nearest(name, &candidates).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
    reader.error(node.spot, format!("no {what} in `{list}` is called {}{near}", shown(text)));
}
