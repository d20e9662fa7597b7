//! Lengths and names of files.

use std::fs;
use std::process::Command;

use crate::source::{files, root};

/// Bytes that no file has which somebody wrote to be read.
const LARGEST: u64 = 256 << 10;

#[test]
fn no_file_is_too_long() {
    let lengths: Vec<(usize, String)> =
        files(".rs").into_iter().map(|file| (file.text.lines().count(), file.path)).collect();
    let too_long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > 500).collect();
    assert!(too_long.is_empty(), "longer than 500 lines: {too_long:?}");
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > 300).collect();
    assert!(
        long.len() * 10 <= lengths.len(),
        "{} of {} files are longer than 300 lines: {long:?}",
        long.len(),
        lengths.len()
    );
}

/// What is built does not belong in the tree. Without git there is only what was in it.
#[test]
fn no_file_is_too_large() {
    let mut git = Command::new("git");
    git.args(["-c", "safe.directory=*", "ls-files", "-z"]).current_dir(root());
    let listed = git.output().ok().filter(|listed| listed.status.success());
    let listed = listed.map(|listed| String::from_utf8(listed.stdout).expect("names in UTF-8"));
    let size = |path: &&str| fs::metadata(root().join(path)).map_or(0, |found| found.len());
    let large: Vec<_> =
        listed.iter().flat_map(|names| names.split('\0')).filter(|path| size(path) > LARGEST).collect();
    assert!(large.is_empty(), "larger than {LARGEST} bytes: {large:?}");
}

#[test]
fn names_say_what_is_inside() {
    const EMPTY: [&str; 10] = [
        "util", "utils", "common", "manager", "managers", "helper", "helpers", "handler", "handlers", "misc",
    ];
    let empty: Vec<String> = files(".rs")
        .into_iter()
        .map(|file| file.path)
        .filter(|path| path.trim_end_matches(".rs").split('/').any(|part| EMPTY.contains(&part)))
        .collect();
    assert!(empty.is_empty(), "names that say nothing: {empty:?}");
}

#[test]
fn black_box_tests_are_registered() {
    let list = fs::read_to_string(root().join("tests/blackbox/main.rs")).expect("the list of tests");
    let mut missing = Vec::new();
    for file in files(".rs") {
        let Some(inside) = file.path.strip_prefix("tests/blackbox/") else { continue };
        if !file.text.contains("pub(crate) const TESTS") {
            continue;
        }
        let path = inside.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
        if !list.contains(&format!("{path}::TESTS")) {
            missing.push(path);
        }
    }
    assert!(missing.is_empty(), "not in the list of tests/blackbox/main.rs: {missing:?}");
}

#[test]
fn programs_of_the_tests_may_be_run() {
    use std::os::unix::fs::PermissionsExt;
    for script in ["tests/run", ".ci/run"] {
        let mode = fs::metadata(root().join(script)).expect(script).permissions().mode();
        assert!(mode & 0o111 == 0o111, "{script} is not executable: {mode:o}");
    }
}
