//! What holds inside each crate: no files that import each other in a circle, no two exported types with one name.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{File, files, is_test};

/// Crates that still have circles. Who opens the last of a crate takes it from this list.
const WITH_CIRCLES: &[&str] = &[];
/// Crates that still have two exported types with one name, likewise.
const WITH_EQUAL_NAMES: &[&str] = &[];

/// A module by the segments of its path from the root of the crate.
type Module = Vec<String>;

/// The files of a crate by their modules, without tests.
fn modules(folder: &str) -> BTreeMap<Module, File> {
    let inside = |file: File| {
        let path = file.path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".rs")?;
        let mut segments: Module = path.split('/').map(ToOwned::to_owned).collect();
        if segments.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            segments.pop();
        }
        Some((segments, file))
    };
    files(".rs").into_iter().filter(|file| !is_test(&file.path)).filter_map(inside).collect()
}

/// The folders of sources, one for each crate.
fn crates() -> Vec<String> {
    let folder = |manifest: File| {
        let folder = manifest.path.strip_suffix("Cargo.toml")?.to_owned() + "src";
        (manifest.text.contains("[package]") && !folder.starts_with("tests/")).then_some(folder)
    };
    files("Cargo.toml").into_iter().filter_map(folder).collect()
}

/// The code of a file before its first module of tests.
fn code_without_tests(file: &File) -> String {
    let mut code = file.code();
    let end = code.match_indices("#[cfg(test)]").map(|(at, _)| at).find(|&at| {
        let after = code[at..].lines().find(|line| line.contains("mod "));
        after.is_some_and(|line| line.trim_end().ends_with('{'))
    });
    code.truncate(end.unwrap_or(code.len()));
    code
}

/// The paths of a `use` tree, each from its first segment on.
fn paths(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((before, group)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or("").trim().to_owned()];
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut items) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                items.last_mut().expect("there is one").push(c);
            }
        }
    }
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| paths(item)).map(|path| format!("{}{path}", before.trim())).collect()
}

/// Every path of a file that begins with `crate`, `self`, `super`, or, in a `use`, with anything.
fn used_paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        let start = statement.rfind("use ").filter(|&at| {
            !statement[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                && !statement[at..].contains('(')
        });
        match start {
            Some(at) => {
                found.extend(paths(statement[at + 4..].trim_end_matches(';')));
                rest.push_str(&statement[..at]);
            }
            None => rest.push_str(statement),
        }
    }
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    // `pub(in path)` imports nothing.
    let scopes = rest.split("pub(in ").enumerate();
    let rest: String = scopes
        .map(|(n, text)| if n == 0 { text } else { text.split_once(')').map_or("", |(_, text)| text) })
        .collect();
    for word in rest.split(|c| !part(c)) {
        if ["crate::", "self::", "super::"].iter().any(|start| word.starts_with(start)) {
            found.push(word.to_owned());
        }
    }
    found
}

/// The module that a path used in `module` leads to, as far as it is a file of the crate.
fn target(path: &str, module: &Module, all: &BTreeMap<Module, File>) -> Option<Module> {
    let mut segments = path.split("::").filter(|segment| !segment.is_empty()).peekable();
    let mut at = module.clone();
    match segments.next()? {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop();
            while segments.next_if_eq(&"super").is_some() {
                at.pop();
            }
        }
        first => {
            at.push(first.to_owned());
            all.get(&at)?;
        }
    }
    for segment in segments {
        at.push(segment.to_owned());
        if !all.contains_key(&at) {
            at.pop();
            break;
        }
    }
    (at != *module && all.contains_key(&at)).then_some(at)
}

/// The modules that lie on a circle, each with those on circles that it imports.
fn circles(all: &BTreeMap<Module, File>) -> Vec<String> {
    let mut edges: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, file) in all {
        let used = used_paths(&code_without_tests(file));
        edges.insert(module, used.iter().filter_map(|path| target(path, module, all)).collect());
    }
    // On a circle is what leads back to itself; of its imports, those that lead back to it.
    let leads = |from: &Module, to: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            if module == to {
                return true;
            }
            if seen.insert(module) {
                open.extend(edges.get(module).into_iter().flatten());
            }
        }
        false
    };
    let on_circle = |(module, used): (&&Module, &BTreeSet<Module>)| {
        let back: BTreeSet<Module> = used.iter().filter(|next| leads(next, module)).cloned().collect();
        (!back.is_empty()).then(|| ((*module).clone(), back))
    };
    let found: BTreeMap<Module, BTreeSet<Module>> = edges.iter().filter_map(on_circle).collect();
    let shown = |module: &Module| if module.is_empty() { "(root)".to_owned() } else { module.join("::") };
    let list = |used: &BTreeSet<Module>| used.iter().map(shown).collect::<Vec<_>>().join(", ");
    found.iter().map(|(module, used)| format!("{} imports {}", shown(module), list(used))).collect()
}

#[test]
fn no_files_of_a_crate_import_each_other() {
    for folder in crates() {
        let found = circles(&modules(&folder));
        if WITH_CIRCLES.contains(&folder.as_str()) {
            assert!(!found.is_empty(), "{folder} has no circles any more: take it from the list");
        } else {
            assert!(found.is_empty(), "{folder}: {found:#?}");
        }
    }
}

/// Exported types of a crate: name and file.
fn exported_types(all: &BTreeMap<Module, File>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in all.values() {
        for line in code_without_tests(file).lines() {
            let Some(rest) = line.trim_start().strip_prefix("pub") else { continue };
            let rest = match rest.strip_prefix('(') {
                Some(rest) => rest.split_once(')').map_or("", |(_, rest)| rest),
                None => rest,
            };
            let mut words = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let kind = words.by_ref().find(|word| !word.is_empty()).unwrap_or("");
            if ["struct", "enum", "trait", "type", "union"].contains(&kind) && rest.starts_with(' ') {
                let name = words.find(|word| !word.is_empty()).unwrap_or("");
                found.push((name.to_owned(), file.path.clone()));
            }
        }
    }
    found
}

#[test]
fn no_two_exported_types_of_a_crate_have_one_name() {
    for folder in crates() {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, path) in exported_types(&modules(&folder)) {
            places.entry(name).or_default().push(path);
        }
        places.retain(|_, paths| paths.len() > 1);
        if WITH_EQUAL_NAMES.contains(&folder.as_str()) {
            assert!(!places.is_empty(), "{folder} has no equal names any more: take it from the list");
        } else {
            assert!(places.is_empty(), "{folder}: {places:#?}");
        }
    }
}

#[test]
fn circles_are_found() {
    let file = |text: &str| File { path: String::new(), text: text.to_owned() };
    let module =
        |path: &str| path.split("::").filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect();
    let tree = |texts: &[(&str, &str)]| texts.iter().map(|(path, text)| (module(path), file(text))).collect();
    let good = tree(&[
        ("", "mod a; mod b; pub use a::{c::{C}, A};"),
        (
            "a",
            "mod c; use crate::b::B; pub(crate) fn f() { c::g(); }\n#[cfg(test)]\nmod tests {\n use crate::A; }",
        ),
        ("a::c", "use super::super::b::{self, B as D};"),
        ("b", "pub struct B; pub(in crate::a) fn f() {} // use crate::a"),
    ]);
    assert_eq!(circles(&good), Vec::<String>::new());
    let bad = tree(&[
        ("", "mod a; mod b;"),
        ("a", "mod c; pub use c::C; use crate::{b::B};"),
        ("a::c", "use super::A;"),
        ("b", "fn f() -> crate::a::A { }"),
    ]);
    assert_eq!(circles(&bad), ["a imports a::c, b", "a::c imports a", "b imports a"]);
    let types = tree(&[(
        "",
        "pub struct A;\npub(in crate::x) enum B<T> {}\nstruct C;\n pub type D = u8;\npub structure;",
    )]);
    let names: Vec<String> = exported_types(&types).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["A", "B", "D"]);
}
