//! Lengths and names of files.

use crate::source::{files, root};

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
    let list = std::fs::read_to_string(root().join("tests/blackbox/main.rs")).expect("the list of tests");
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
        let mode = std::fs::metadata(root().join(script)).expect(script).permissions().mode();
        assert!(mode & 0o111 == 0o111, "{script} is not executable: {mode:o}");
    }
}
