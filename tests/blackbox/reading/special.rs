//! Zone files that are no regular files, and zone files of nothing but errors: each is refused within a second.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use rhumb_tests::rig::server::binary;
use rhumb_tests::rig::{Folder, program};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("reading::special::no_special_file_is_opened", no_special_file),
    Test::beside("reading::special::a_hundred_thousand_errors", many_errors),
];

const HEAD: &str = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns.other.\n";
/// By when an answer is there.
const SOON: Duration = Duration::from_secs(1);

/// `check-zone` of `file`, which fails soon: what it says.
fn refused(folder: &Path, file: &str) -> Result<String, rhumb_tests::Failure> {
    let begun = Instant::now();
    let mut command = Command::new(binary());
    let output = program::run(
        command.args(["check-zone", "zone.test", file]).current_dir(folder),
        Duration::from_secs(20),
    )?;
    ensure!(begun.elapsed() < SOON, "{file}: refused after {:?}", begun.elapsed());
    ensure_eq!(output.code, Some(2), "exit status for {file}: {}{}", output.out, output.err);
    Ok(output.err)
}

fn no_special_file() -> Verdict {
    let folder = Folder::new()?;
    mkfifo(&folder.at("fifo"), Mode::S_IRWXU)?;
    let _socket = UnixListener::bind(folder.at("socket"))?;
    std::fs::create_dir(folder.at("folder"))?;
    symlink("fifo", folder.at("link"))?;
    symlink("/dev/zero", folder.at("zero"))?;
    for (file, what) in [
        ("fifo", "a FIFO"),
        ("link", "a FIFO"),
        ("socket", "a socket"),
        ("folder", "a directory"),
        ("zero", "a device"),
        ("/dev/zero", "a device"),
        ("/proc/kmsg", "read"),
    ] {
        let told = refused(folder.path(), file)?;
        ensure!(told.contains(file) && told.contains(what), "{file}: {told}");
        if file.starts_with('/') || file == "zero" {
            continue;
        }
        folder.write("includes.zone", format!("{HEAD}a A 192.0.2.1\n$INCLUDE {file}\n"))?;
        let told = refused(folder.path(), "includes.zone")?;
        ensure!(told.contains("includes.zone:5:10: ") && told.contains(what), "$INCLUDE {file}: {told}");
    }
    Ok(Outcome::Passed)
}

fn many_errors() -> Verdict {
    let folder = Folder::new()?;
    for (what, line) in [
        ("unknown types", "a NOPE 192.0.2.1\n"),
        ("unclosed quotes", "a A \"192.0.2.1\n"),
        ("unclosed parentheses", "a A ( 192.0.2.1\n"),
        ("bad addresses", "a A 192.0.2\n"),
        ("bad TTLs", "a 1x A 192.0.2.1\n"),
        ("CNAMEs", "a CNAME b\n"),
        ("missing files", "$INCLUDE nowhere\n"),
    ] {
        folder.write("errors.zone", format!("{HEAD}b CNAME c\nb A 192.0.2.1\n{}", line.repeat(100_000)))?;
        let told = refused(folder.path(), "errors.zone")?;
        ensure!(told.contains("errors.zone:"), "{what}: {told}");
        ensure!(told.lines().count() <= 102, "{what}: {} lines", told.lines().count());
    }
    Ok(Outcome::Passed)
}
