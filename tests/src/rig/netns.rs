//! Network namespaces, made with iproute2 and removed when the last handle is dropped.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fail;
use crate::failure::{Context, Failure};

/// Names are `rhumb-PID-N`, so that a later run knows whose are left over.
const PREFIX: &str = "rhumb-";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A handle on one namespace; clones share it.
#[derive(Clone)]
pub struct Namespace(Arc<Owned>);

struct Owned {
    name: String,
}

impl Namespace {
    /// A new, empty namespace in which `lo` is up.
    pub fn new() -> Result<Self, Failure> {
        let name = format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        run_ip(&["netns", "add", &name])?;
        let namespace = Self(Arc::new(Owned { name }));
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` lists it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Runs `work` in a thread that has entered the namespace. Sockets it makes stay in the namespace.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
        thread::scope(|scope| {
            let thread = scope.spawn(|| -> Result<T, Failure> {
                let file = File::open(Path::new("/run/netns").join(self.name())).context(self.name())?;
                setns(file, CloneFlags::CLONE_NEWNET).context("entering the namespace")?;
                Ok(work())
            });
            match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// A command that will run inside the namespace, with the files of [`Namespace::etc`] over those of `/etc`.
    /// The process keeps the id of the child: `ip netns exec` becomes the program.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.name()]).arg(program);
        command
    }

    /// `ip ARGUMENTS` for this namespace; words are separated by blanks.
    pub fn ip(&self, arguments: &str) -> Result<(), Failure> {
        let mut words = vec!["-n", self.name()];
        words.extend(arguments.split_whitespace());
        run_ip(&words)
    }

    /// Writes `/proc/sys/PATH` inside the namespace.
    pub fn sysctl(&self, path: &str, value: &str) -> Result<(), Failure> {
        self.within(|| fs::write(Path::new("/proc/sys").join(path), value))?.context(path)
    }

    /// Puts `text` over `/etc/FILE` for every command started afterwards; gives the file behind it.
    pub fn etc(&self, file: &str, text: &str) -> Result<std::path::PathBuf, Failure> {
        let folder = Path::new("/etc/netns").join(self.name());
        fs::create_dir_all(&folder)?;
        let path = folder.join(file);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// The index of an interface, as scopes of link-local addresses need it.
    pub fn interface_index(&self, interface: &str) -> Result<u32, Failure> {
        self.within(|| nix::net::if_::if_nametoindex(interface))?.context(interface)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Removes namespaces of runs that are no more.
pub fn sweep() {
    let Ok(entries) = fs::read_dir("/run/netns") else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()).map(str::to_owned);
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(&name);
        }
    }
}

fn remove(name: &str) {
    if let Ok(output) = Command::new("ip").args(["netns", "pids", name]).output() {
        for pid in String::from_utf8_lossy(&output.stdout).split_whitespace() {
            match pid.parse().map(Pid::from_raw) {
                Ok(pid) if pid != Pid::this() => drop(kill(pid, Signal::SIGKILL)),
                _ => {}
            }
        }
    }
    let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
    let _ = fs::remove_dir_all(Path::new("/etc/netns").join(name));
}

fn run_ip(words: &[&str]) -> Result<(), Failure> {
    let output = Command::new("ip").args(words).stdin(Stdio::null()).output().context("running ip")?;
    if !output.status.success() {
        fail!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
