//! Programs of others: clients and nameservers as Debian packages them.

use std::env;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::fail;
use crate::failure::{Context, Failure};

/// How long Python may take to read its modules.
const PYTHON_START: Duration = Duration::from_secs(20);

/// Where a program is, looked for in PATH and the folders of system programs.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A Python that has these modules (`"dns.message, cryptography"`): the interpreter that `RHUMB_PYTHON` names, else `python3`.
pub fn python_with(modules: &str) -> Option<PathBuf> {
    let python = env::var_os("RHUMB_PYTHON").map_or_else(|| find("python3"), |named| Some(named.into()))?;
    let output = run(Command::new(&python).args(["-c", &format!("import {modules}")]), PYTHON_START).ok()?;
    (output.code == Some(0)).then_some(python)
}

/// Settings of the environment, for `env`, by which a program has another clock, from now on: `-301s`, `@2020-01-01 00:00:00`. What it waits
/// for does not change. None where libfaketime is not installed.
pub fn clock(time: &str) -> Option<[String; 3]> {
    let libraries = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut files = libraries.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let library = files.find(|file| file.is_file())?;
    // A program's own allocator would ask for the time before the library is ready to say it.
    let preload = format!("LD_PRELOAD={} libc.so.6", library.display());
    Some([preload, format!("FAKETIME={time}"), "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned()])
}

/// The same for a clock that is set while the program runs: it is what `file` says at any time.
pub fn clock_of(file: &Path) -> Option<[String; 4]> {
    let [preload, _, monotonic] = clock("+0s")?;
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", file.display());
    Some([preload, file, "FAKETIME_NO_CACHE=1".to_owned(), monotonic])
}

/// What a program printed and how it ended.
pub struct Output {
    /// Exit status; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a command to its end, without input, for at most `longest`; then it is killed and the test fails.
pub fn run(command: &mut Command, longest: Duration) -> Result<Output, Failure> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(format!("{command:?}"))?;
    let read = |pipe: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.read_to_end(&mut bytes);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let err = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let deadline = Instant::now() + longest;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            fail!("{command:?} did not end within {longest:?}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let text = |reader: thread::JoinHandle<String>| reader.join().unwrap_or_default();
    Ok(Output { code: status.code(), out: text(out), err: text(err) })
}
