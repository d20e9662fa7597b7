//! What the README says of the configuration is so.

#![allow(clippy::unwrap_used, reason = "what panics in a test fails it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rhumb_config::{InForce, KeyDescription, keys, parse};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap()
}

/// What stands in back quotes outside of blocks of code.
fn quoted(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// `forward[].policy` is written `forward.policy` in prose.
fn plain(key: &KeyDescription) -> String {
    key.path.replace("[]", "")
}

#[test]
fn its_configurations_are_accepted() {
    let text = readme();
    let blocks: Vec<_> =
        text.split("```yaml").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let configurations: Vec<_> = blocks
        .iter()
        .filter(|block| keys().iter().any(|key| block.contains(&format!("\n{}:", key.path))))
        .collect();
    assert!(!configurations.is_empty());
    for block in configurations {
        parse(block, Path::new("README.md")).unwrap_or_else(|errors| panic!("{block}\n{errors}"));
    }
}

#[test]
fn the_keys_that_it_names_exist() {
    let known: BTreeSet<String> = keys().iter().map(plain).collect();
    let tops: BTreeSet<&str> = known.iter().map(|key| key.split('.').next().unwrap()).collect();
    let mut named = 0;
    for word in quoted(&readme()) {
        let key = word.trim_end_matches(':').split([':', ' ']).next().unwrap().to_owned();
        let in_form = key.bytes().all(|byte| byte.is_ascii_lowercase() || b".-0123456789".contains(&byte));
        if in_form && key.contains('.') && tops.contains(key.split('.').next().unwrap()) {
            named += 1;
            assert!(known.contains(&key), "the README names {key}, which is no key");
        }
    }
    assert!(named > 3, "{named} keys");
}

/// The rows of a table whose head is ``| Key of `section:` |``.
#[test]
fn the_tables_of_keys_name_keys() {
    let known: BTreeSet<String> = keys().iter().map(plain).collect();
    let text = readme();
    for table in text.split("| Key of `").skip(1) {
        let (section, rest) = table.split_once(":`").unwrap();
        for row in rest.lines().skip(2).take_while(|line| line.starts_with('|')) {
            for key in quoted(row.split('|').nth(1).unwrap()) {
                let key = format!("{section}.{key}");
                assert!(known.contains(&key), "the README names {key}, which is no key");
            }
        }
    }
}

/// The sentence that names what needs a restart, and the descriptions of the keys, are of one mind.
#[test]
fn it_names_every_key_that_needs_a_restart() {
    let text = readme();
    let sentence = text.split("These need a restart:").nth(1).unwrap().split(".\n").next().unwrap();
    let named: BTreeSet<String> = quoted(sentence).into_iter().collect();
    let all = keys();
    let restart = |key: &&KeyDescription| key.in_force == Some(InForce::AtRestart);
    let needed: BTreeSet<String> = all.iter().filter(restart).map(plain).collect();
    let above = |key: &String| key.rsplit_once('.').is_some_and(|(section, _)| needed.contains(section));
    let shortest: BTreeSet<String> = needed.iter().filter(|key| !above(key)).cloned().collect();
    assert_eq!(named, shortest);
}
