//! Counts instructions: the program starts itself under callgrind, which writes a file whenever the measured function
//! ends.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use crate::INSIDE;

/// The measured function.
const MEASURED: &str = "answers::respond::answers";

/// Counts and prints a table. Where there is no valgrind nothing is counted, and it is said.
///
/// Errors: what went wrong, in words.
pub(crate) fn run(file: &[&str], rounds: usize) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("rhumb-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let result = counted(file, rounds, &folder);
    // What is left in the folder for temporary files does no harm.
    let _ = fs::remove_dir_all(&folder);
    result
}

fn counted(file: &[&str], rounds: usize, folder: &Path) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
    let started = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--dump-after={MEASURED}"))
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(program)
        .arg(INSIDE)
        .args(file)
        .output();
    let output = match started {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no valgrind");
            return Ok(());
        }
        Err(error) => return Err(format!("valgrind: {error}")),
    };
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    println!("| query | instructions | answer, bytes |");
    println!("|---|---:|---:|");
    for (line, number) in String::from_utf8_lossy(&output.stdout).lines().zip(1..) {
        let Some((name, length)) = line.split_once('\t') else { continue };
        let path = folder.join(format!("out.{number}"));
        let instructions = total(&path).ok_or_else(|| format!("{}: no total", path.display()))?;
        println!("| {name} | {} | {length} |", instructions / rounds as u64);
    }
    Ok(())
}

/// The sum that callgrind wrote into a file.
fn total(path: &Path) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok()
}
