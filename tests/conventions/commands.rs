//! The commands that the texts name are those that there are.

use std::collections::BTreeSet;

use crate::source::root;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}

/// The rows of the control socket.
fn rows() -> String {
    let files = ["server", "zones", "resolution"];
    files.map(|name| read(&format!("server/src/operator/commands/{name}.rs"))).concat()
}

/// The words of every command: rows of the control socket, and variants of the command line.
fn commands() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in rows().split("words: \"").skip(1) {
        found.extend(rest.split('"').next().map(str::to_owned).filter(|words| !words.is_empty()));
    }
    let line = read("server/src/cli.rs");
    let variants = line.split("enum LocalCommand {").nth(1).and_then(|rest| rest.split("\n}\n").next());
    for variant in variants.expect("the commands of the command line").lines() {
        let name = variant.trim_start_matches("    ").split([' ', '(', ',']).next().unwrap_or("");
        if variant.starts_with("    ") && name.starts_with(|c: char| c.is_ascii_uppercase()) {
            let kebab = name.char_indices().flat_map(|(at, c)| {
                let dash = (at > 0 && c.is_ascii_uppercase()).then_some('-');
                dash.into_iter().chain([c.to_ascii_lowercase()])
            });
            found.insert(kebab.collect());
        }
    }
    found
}

/// The commands that do not take the full right, as the rows have it.
fn commands_of_readers() -> BTreeSet<String> {
    let rows = rows();
    let row = |rest: &str| {
        let (words, rest) = rest.split_once('"')?;
        let changes = rest.split_once("changes: ")?.1.starts_with("true");
        (!changes && !words.is_empty()).then(|| words.to_owned())
    };
    rows.split("words: \"").skip(1).filter_map(row).collect()
}

#[test]
fn the_readme_lists_what_readers_may_use() {
    let readme = read("README.md");
    let told =
        readme.split("change nothing and do not hand out a zone:").nth(1).expect("the list of the README");
    let told = told.split('.').next().expect("its end").split('`').skip(1).step_by(2).map(str::to_owned);
    assert_eq!(told.collect::<BTreeSet<_>>(), commands_of_readers());
}

/// The commands in lines of code: behind `rhumb`, with or without a path and variables before it.
fn named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in code.lines() {
        let mut words = line.split_whitespace().skip_while(|word| word.contains('='));
        if !words.next().is_some_and(|program| program == "rhumb" || program.ends_with("/rhumb")) {
            continue;
        }
        let part = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase()) && !word.contains('.');
        let words: Vec<&str> = words.take_while(part).take(2).collect();
        if !words.is_empty() {
            found.push(words.join(" "));
        }
    }
    found
}

#[test]
fn every_command_in_the_texts_is_there() {
    let commands = commands();
    assert!(commands.contains("zone list") && commands.contains("check-zone"), "{commands:?}");
    let mut unknown = Vec::new();
    for path in ["README.md", "CONTRIBUTING.md"] {
        let text = read(path);
        for words in named(&code_of(&text)) {
            let first = words.split(' ').next().unwrap_or("");
            let known = commands.contains(&words) || commands.contains(first);
            if !known {
                unknown.push(format!("{path}: rhumb {words}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_command_is_in_the_readme() {
    let text = read("README.md");
    let missing: Vec<_> =
        commands().into_iter().filter(|words| !text.contains(&format!("`rhumb {words}"))).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
}

/// What stands in code blocks and between backquotes, a line each.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            block = !block;
        } else if block {
            code.push_str(line);
        } else {
            for (at, part) in line.split('`').enumerate() {
                if at % 2 == 1 {
                    code.push_str(part);
                    code.push('\n');
                }
            }
        }
        code.push('\n');
    }
    code
}

#[test]
fn commands_are_found_in_texts() {
    let text = "Say `rhumb zone list` or rhumb nonsense.\n```\nA=b target/ci/rhumb log debug\n```\n`rhumb diff [-c FILE]`";
    assert_eq!(named(&code_of(text)), ["zone list", "log debug", "diff"]);
}
