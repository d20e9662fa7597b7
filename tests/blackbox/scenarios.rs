//! The shared scenarios of resolvers, played by their own runner.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::program;
use rhumb_tests::{Outcome, Test, Verdict, ensure, fail, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::alone("scenarios::resolver", resolver)];

/// So many of the scenarios have the right response code, answer and AD; those that differ are told by the test.
const RIGHT: usize = 179;

/// Where the scenarios are: in `RHUMB_CONFORMANCE`, else beside the repository.
fn folder() -> PathBuf {
    let shared = std::env::var_os("RHUMB_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    shared.join("resolver")
}

/// The runner is a program in Python that needs dnspython and libfaketime; `RHUMB_PYTHON` names an interpreter that has them.
fn resolver() -> Verdict {
    let folder = folder();
    if !folder.join("rpl_run.py").is_file() {
        skip!("no {} here (RHUMB_CONFORMANCE names the folder above it)", folder.display());
    }
    let Some(python) = program::python_with("dns.message, cryptography") else {
        skip!("no Python with dnspython here (RHUMB_PYTHON names an interpreter)");
    };
    if program::find("faketime").is_none() {
        skip!("no faketime here");
    }
    let mut command = Command::new(&python);
    command.args(["-B", "rpl_run.py", "--server", "ours.py:Ours", "--jobs", "2"]);
    command.args(["deckard/*.rpl", "unbound/*.rpl"]).current_dir(&folder);
    let bin = std::env::var_os("RHUMB_BIN").unwrap_or_else(|| "rhumb".into());
    let played = program::run(command.env("RHUMB_BIN", bin), Duration::from_mins(8))?;
    let line = played.out.lines().find_map(|line| line.trim().strip_prefix("pass at core level "));
    let right = line.and_then(|line| line.split('/').next()).and_then(|number| number.parse::<usize>().ok());
    let Some(right) = right else { fail!("the runner does not say how many pass: {}", played.out) };
    println!("scenarios: {}", line.unwrap_or_default());
    let wrong: Vec<&str> = played
        .out
        .lines()
        .filter(|line| {
            ["fail", "crash", "timeout", "nostart", "hang"].iter().any(|word| line.starts_with(word))
        })
        .collect();
    ensure!(right >= RIGHT, "{right} right, {RIGHT} at the least are expected:\n{}", wrong.join("\n"));
    Ok(Outcome::Passed)
}
