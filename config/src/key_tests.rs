//! What every key has to have, however it is added: a place in the full example, a default that is shown there, words for a change
//! of it, a description.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::comparison::KeyChange;
use crate::node::{YamlContent, YamlNode};
use crate::{KeyDescription, ServerConfig, changes, digest, file, keys, parse, schema};

const FULL: &str = include_str!("../examples/full.yaml");

fn offered() -> Vec<KeyDescription> {
    keys().into_iter().filter(|key| key.in_force.is_some()).collect()
}

/// Whether there are keys within this one.
fn has_keys(key: &KeyDescription) -> bool {
    let within = |other: &KeyDescription| {
        let rest = other.path.strip_prefix(&key.path).unwrap_or_default();
        rest.starts_with('.') || rest.starts_with("[].")
    };
    keys().iter().any(within)
}

/// The tree as JSON, which is YAML too.
fn as_json(node: &YamlNode) -> Json {
    match &node.value {
        YamlContent::Null | YamlContent::Unfilled => Json::Null,
        YamlContent::Bool(flag) => json!(flag),
        YamlContent::Integer(number) => json!(number),
        YamlContent::Number(text) | YamlContent::Text(text) => json!(text),
        YamlContent::List(items) => items.iter().map(as_json).collect(),
        YamlContent::Section(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), as_json(&entry.value))).collect()
        }
    }
}

/// Every place of a path such as `forward[].policy`, with the sections it is in.
fn places(root: &Json, path: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for step in path.split('.') {
        let (key, list) = step.strip_suffix("[]").map_or((step, false), |key| (key, true));
        let below =
            found.iter().map(|place| format!("{place}/{key}")).filter(|at| root.pointer(at).is_some());
        found = below
            .flat_map(|place| match root.pointer(&place) {
                Some(Json::Array(items)) if list => {
                    (0..items.len()).map(|index| format!("{place}/{index}")).collect()
                }
                _ => vec![place],
            })
            .collect();
    }
    found
}

fn read(document: &Json) -> Option<ServerConfig> {
    parse(&document.to_string(), Path::new("/x.yaml")).ok()
}

fn full() -> Json {
    as_json(&file::read(FULL, &mut file::NodeBudget::default()).unwrap())
}

#[test]
fn the_full_example_has_every_key_and_shows_each_default() {
    let document = full();
    for key in offered() {
        let places = places(&document, &key.path);
        assert!(!places.is_empty(), "config/examples/full.yaml lacks {}", key.path);
        // The entries of lists are examples.
        if key.path.contains("[]") || has_keys(&key) {
            continue;
        }
        if key.default.is_some() {
            let [place] = places.as_slice() else { panic!("{places:?}") };
            let (section, name) = place.rsplit_once('/').unwrap();
            let mut without = document.clone();
            without.pointer_mut(section).unwrap().as_object_mut().unwrap().remove(name);
            let found = changes(&read(&without).unwrap(), &read(&document).unwrap());
            assert_eq!(found, [], "config/examples/full.yaml does not show the default");
        }
    }
}

/// Values of many kinds, of which each key accepts some.
fn candidates() -> Vec<Json> {
    let mut words: Vec<Json> = vec![json!(true), json!(false)];
    words.extend(
        [
            "1s",
            "5s",
            "1h",
            "1d",
            "a",
            "0600",
            "0640",
            "0400",
            "192.0.2.7",
            "192.0.2.7:7",
            ".",
            "2001:db8::7",
            "2030-01-01",
            "64:ff9b:1::/48",
        ]
        .map(Json::from),
    );
    words.extend(["c2VjcmV0", "next.example", "ns2", "ns3"].map(Json::from));
    words.extend([
        json!([]),
        json!(["10.0.0.0/8"]),
        json!(["udp"]),
        json!(["192.0.2.7"]),
        json!(["/other"]),
        json!({ "udp": 5356 }),
    ]);
    words.push(json!("NAME.db"));
    words.extend([json!(["TXT"]), json!(["www"]), json!(["add"])]);
    words.extend([
        json!(["00112233445566778899aabbccddeeff"]),
        json!(["00112233445566778899aabbccddeeff".repeat(2)]),
    ]);
    let mut pending = vec![schema()];
    while let Some(part) = pending.pop() {
        words.extend(part.get("enum").and_then(Json::as_array).into_iter().flatten().cloned());
        words.extend(["minimum", "maximum", "const"].iter().filter_map(|bound| part.get(*bound)).cloned());
        match part {
            Json::Object(entries) => pending.extend(entries.into_iter().map(|(_, value)| value)),
            Json::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    words
}

/// The changes that another value at `place` makes, for the first candidate that makes any.
fn changed(document: &Json, place: &str, candidates: &[Json]) -> Option<Vec<KeyChange>> {
    let before = read(document).unwrap();
    candidates.iter().find_map(|candidate| {
        let mut other = document.clone();
        *other.pointer_mut(place)? = candidate.clone();
        let after = read(&other)?;
        let found = changes(&before, &after);
        assert_eq!(found.is_empty(), digest(&before) == digest(&after), "{place}: the hash of {candidate}");
        Some(found).filter(|changes| !changes.is_empty())
    })
}

#[test]
fn every_key_is_compared() {
    let (mut document, candidates) = (full(), candidates());
    // The third listener leaves the first no choice.
    let listeners = document["listen"].as_array_mut().unwrap();
    let of_interface = listeners.pop();
    listeners.truncate(2);
    listeners.extend(of_interface);
    // The other word for it needs other keys beside it, or forbids those there are.
    let fixed = BTreeSet::from(["listen[].tls", "forward[].verify"]);
    for key in offered() {
        if fixed.contains(key.path.as_str()) || has_keys(&key) {
            continue;
        }
        let place = &places(&document, &key.path)[0];
        let found = changed(&document, place, &candidates)
            .unwrap_or_else(|| panic!("no candidate changes {}; add one that it accepts", key.path));
        let own = found.iter().any(|change| {
            let plain: String = change.key.split('[').next().unwrap().to_owned();
            change.key == key.path || key.path.starts_with(&plain)
        });
        assert!(own, "{}: {found:?}", key.path);
        let change = found.iter().find(|change| change.key == key.path);
        assert!(change.is_none_or(|change| Some(change.in_force) == key.in_force), "{}: {found:?}", key.path);
    }
}

#[test]
fn every_key_is_described() {
    for key in keys() {
        assert!(key.about.len() > 8, "{} has no description", key.path);
        assert!(!key.about.contains('\n'), "{}: one line", key.path);
    }
    assert!(offered().len() > 50, "{} keys", offered().len());
}

#[test]
fn a_configuration_does_not_differ_from_itself() {
    for text in [FULL, "{}", crate::DEFAULT_CONFIG] {
        let config = parse(text, Path::new("/x.yaml")).unwrap();
        // Places are not values.
        let moved = parse(&format!("# moved\n\n{text}"), Path::new("/y.yaml")).unwrap();
        assert_eq!(changes(&config, &config), []);
        assert_eq!(changes(&config, &moved), []);
    }
}

#[test]
fn each_form_of_trusted_keys_is_compared() {
    let forms = ["built-in", "[. DS 1 8 2 00]", "[. DS 1 8 2 01]", "{ file: a.key }", "{ file: b.key }"];
    let shown = ["built-in", "[. DS 1 8 2 00]", "[. DS 1 8 2 01]", "{ file: /a.key }", "{ file: /b.key }"];
    let configs = forms
        .map(|form| parse(&format!("recursion: {{ trust-anchors: {form} }}"), Path::new("/x.yaml")).unwrap());
    for (before, old) in configs.iter().zip(shown) {
        for (now, new) in configs.iter().zip(shown) {
            let found: Vec<String> = changes(before, now).iter().map(ToString::to_string).collect();
            let told = (old != new).then(|| format!("recursion.trust-anchors: {old} -> {new}"));
            assert_eq!(found, Vec::from_iter(told));
        }
    }
}

#[test]
fn changes_are_said_in_the_words_of_the_file() {
    let before = "listen: [{ address: 192.0.2.1 }]\nzones: [{ name: a, file: a.zone }, { directory: d }]\n\
                  forward: [{ domain: b, upstreams: [192.0.2.1] }, { domain: c, upstreams: [192.0.2.1] }]\n\
                  log: { format: json }\nserver: { cookie-secrets: [\"00112233445566778899aabbccddeeff\"], \
                  ticket-secrets: [\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"] }\n";
    let now = "listen: [{ address: 192.0.2.1, transports: [udp] }]\nzones: [{ name: a, file: b.zone }]\n\
               forward: [{ domain: b, upstreams: [192.0.2.1, { list: l }], policy: random }, { domain: d, upstreams: [192.0.2.1] }]\n\
               cache: { size: 1MiB, max-ttl: 1h }\nmetrics: { listen: \"127.0.0.1:9153\" }\nserver: { nsid: \"0x00ff\", rate-limit: {} }\n";
    let [before, now] = [before, now].map(|text| parse(text, Path::new("/x.yaml")).unwrap());
    // Sections that are new are shown with all their keys, which are not named here.
    let whole = |words: String| {
        words.split_once("none -> {").map_or(words.clone(), |(key, _)| key.to_owned() + "new")
    };
    let words: Vec<String> = changes(&before, &now).iter().map(|change| whole(change.to_string())).collect();
    assert_eq!(
        words,
        [
            "listen[192.0.2.1].transports: [udp, tcp] -> [udp]",
            "zones[a].file: /a.zone -> /b.zone",
            "zones[/d]: removed",
            "forward[b].upstreams: [192.0.2.1] -> [192.0.2.1, { list: /l }]",
            "forward[b].policy: fastest -> random",
            "forward[d]: added",
            "forward[c]: removed",
            "cache.size: 256MiB -> 1MiB",
            "cache.max-ttl: 1d -> 1h",
            "metrics: new",
            "log.format: json -> auto (in force at the next start)",
            "server.nsid: none -> 0x00ff",
            "server.cookie-secrets: changed",
            "server.ticket-secrets: changed",
            "server.rate-limit: new",
        ]
    );
}
