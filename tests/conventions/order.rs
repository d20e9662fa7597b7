//! Who imports whom: the crates by their manifests, the modules of the server by their paths.

use std::collections::BTreeSet;

use crate::source::{files, is_test};

/// Crates by level; one may use those of lower levels alone.
const CRATES: [(&str, u8); 12] = [
    ("rhumb-wire", 0),
    ("rhumb-config", 1),
    ("rhumb-http2", 0),
    ("rhumb-net", 0),
    ("rhumb-watch", 0),
    ("rhumb-zones", 1),
    ("rhumb-cache", 1),
    ("rhumb-signer", 2),
    ("rhumb-resolver", 2),
    ("rhumb", 3),
    ("rhumb-tests", 4),
    ("rhumb-fuzz", 4),
];

/// Modules of the server by level; one may use those of higher numbers alone.
const MODULES: [(&str, u8); 22] = [
    ("main", 0),
    ("cli", 1),
    ("boot", 2),
    ("operator", 3),
    ("reload", 4),
    ("listen", 5),
    ("recursion", 6),
    ("query", 7),
    ("zone_events", 7),
    ("forwarding", 7),
    ("cache_file", 7),
    ("trust_anchors", 7),
    ("snapshot", 8),
    ("control", 9),
    ("query_log", 9),
    ("log_lines", 10),
    ("metrics", 10),
    ("cookies", 10),
    ("rate_limit", 10),
    ("test_hooks", 10),
    ("change", 10),
    ("supervision", 11),
];

fn level(list: &[(&str, u8)], name: &str) -> Option<u8> {
    list.iter().find(|(known, _)| *known == name).map(|&(_, level)| level)
}

#[test]
fn crates_import_downwards() {
    let mut problems = Vec::new();
    for manifest in files("Cargo.toml") {
        let Some(name) =
            manifest.text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        else {
            continue;
        };
        let Some(own) = level(&CRATES, name) else {
            problems.push(format!("{}: {name} has no place in the order", manifest.path));
            continue;
        };
        let mut section = "";
        for line in manifest.text.lines() {
            if line.starts_with('[') {
                section = line;
            }
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or("");
            if section != "[dependencies]" || !dependency.starts_with("rhumb-") {
                continue;
            }
            if level(&CRATES, dependency).is_none_or(|other| other >= own) {
                problems.push(format!("{}: {name} uses {dependency}", manifest.path));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_crate_takes_the_shared_lints() {
    let mut problems = Vec::new();
    for manifest in files("Cargo.toml") {
        let own = manifest.path == "Cargo.toml" || manifest.path.starts_with("tests/fuzz");
        // The one crate with unsafe code states its lints itself.
        let stated =
            manifest.path == "server/net/Cargo.toml" && manifest.text.contains("undocumented_unsafe_blocks");
        if !own && !stated && !manifest.text.contains("[lints]\nworkspace = true") {
            problems.push(manifest.path);
        }
    }
    assert!(problems.is_empty(), "without the shared lints: {problems:?}");
}

#[test]
fn modules_of_the_server_import_one_way() {
    let mut problems = Vec::new();
    for file in files(".rs") {
        let Some(inside) = file.path.strip_prefix("server/src/").filter(|_| !is_test(&file.path)) else {
            continue;
        };
        let module = inside.split(['/', '.']).next().unwrap_or("");
        let Some(own) = level(&MODULES, module) else {
            problems.push(format!("{}: {module} has no place in the order", file.path));
            continue;
        };
        for used in modules_used(&file.code()) {
            if used != module && level(&MODULES, &used).is_none_or(|other| other <= own) {
                problems.push(format!("{}: {module} uses {used}", file.path));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// The first segments behind every `crate::`, in groups too. Capitalised ones are items of the root.
fn modules_used(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut first = true;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        used.insert(std::mem::take(&mut word));
                        first = true;
                    }
                    c if depth == 0 && first && (c.is_ascii_alphanumeric() || c == '_') => word.push(c),
                    c if depth == 0 && !c.is_whitespace() => first = false,
                    _ => {}
                }
            }
            used.insert(word);
        } else {
            used.insert(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
    }
    used.retain(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
    used
}

#[test]
fn groups_are_read() {
    let used = modules_used("use crate::{query::{a, b}, metrics, Snapshot};\nlet x = crate::boot::run();");
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["boot", "metrics", "query"]);
}
