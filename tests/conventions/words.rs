//! Words that have one place in the tree, or none.

use crate::source::{File, files, is_test};

/// `path:line` of every line of code in which `word` stands by itself.
fn places(file: &File, word: &str) -> Vec<String> {
    let bounded = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part)
        })
    };
    let lines = file.code();
    let found = lines.lines().enumerate().filter(|(_, line)| bounded(line));
    found.map(|(number, _)| format!("{}:{}", file.path, number + 1)).collect()
}

/// Where a word stands in code outside of the places it may stand in.
fn astray(word: &str, may: impl Fn(&str) -> bool) -> Vec<String> {
    let files = files(".rs");
    files.iter().filter(|file| !may(&file.path)).flat_map(|file| places(file, word)).collect()
}

/// What people read is written in words: nothing of the server is shown as the code writes it, but for texts in quotes.
#[test]
fn values_are_not_shown_as_the_code_writes_them() {
    let quotes = ["server/src/boot/privilege/account.rs"];
    let mut found = Vec::new();
    for file in files(".rs") {
        let shown =
            file.path.starts_with("server/src/") && !is_test(&file.path) && !quotes.contains(&&*file.path);
        // Helpers of tests, and tests at the end of a file.
        let of_tests =
            ["server/src/metrics/text.rs", "server/src/cli/client/hostile.rs", "server/src/operator/fake.rs"];
        if !shown || of_tests.contains(&&*file.path) {
            continue;
        }
        let code = file.text.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
        let lines = code.lines().enumerate().filter(|(_, line)| line.contains("?}") && line.contains('"'));
        found.extend(lines.map(|(number, line)| format!("{}:{}: {}", file.path, number + 1, line.trim())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn unsafe_code_is_in_net_alone() {
    let found = astray("unsafe", |path| path.starts_with("server/net/"));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn yaml_is_named_in_one_file() {
    let found = astray("serde_yaml", |path| path == "config/src/file.rs");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn prometheus_is_named_in_metrics_alone() {
    let found = astray("prometheus", |path| path.starts_with("server/src/metrics"));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn operating_systems_are_told_apart_in_net_alone() {
    let found = astray("target_os", |path| path.starts_with("server/net/"));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn hickory_is_met_in_tests_and_in_the_signer_alone() {
    let found = astray("hickory_proto", |path| is_test(path) || path.starts_with("zones/signer/"));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn lower_crates_know_no_runtime_and_no_clock() {
    for room in ["config/src/", "zones/src/", "zones/wire/src/", "server/cache/src/"] {
        for word in ["tokio", "SystemTime"] {
            let found = astray(word, |path| !path.starts_with(room) || is_test(path));
            assert!(found.is_empty(), "{word}: {found:#?}");
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two parts, so that this file does not find itself.
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("not yet ", "implemented")];
    let mut found = Vec::new();
    for ending in [".rs", ".md", ".toml", ".yaml", ".yml", ".service", "run"] {
        for file in files(ending) {
            for (number, line) in file.text.lines().enumerate() {
                if marks.iter().any(|mark| line.contains(mark)) {
                    found.push(format!("{}:{}", file.path, number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_exception_from_a_lint_has_a_reason() {
    let mut found = Vec::new();
    for file in files(".rs") {
        let code = file.code();
        for mark in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
            for (at, _) in code.match_indices(mark) {
                let end = code[at..].find(")]").map_or(code.len(), |end| at + end);
                if !code[at..end].contains("reason =") {
                    found.push(format!("{}:{}", file.path, code[..at].lines().count()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
