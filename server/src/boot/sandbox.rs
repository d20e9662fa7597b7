//! What the process may never do again, told to the kernel: system calls by seccomp, writing files by Landlock.
//!
//! Both are a second wall behind the first, so a kernel or container that lacks one is told of and served all the
//! same. Entered after the sockets are bound and root is given up, before any thread is started: Landlock holds for
//! the calling thread and those it starts.

mod calls;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    path_beneath_rules,
};
use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

/// The rules are those of this Landlock; an older kernel enforces what it knows of them. Not a later one: its rules
/// would part us from the supervisor's socket.
const LANDLOCK: ABI = ABI::V5;

/// Why the sandbox was not entered. What a kernel lacks is no error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    /// Other threads would stay outside.
    #[error("the sandbox can be entered only before threads are started, and {0} run")]
    Threads(usize),
    /// A folder to write to is not there.
    #[error("{}: {error}", path.display())]
    Writable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The filter could not be made.
    #[error("seccomp: {0}")]
    Filter(#[from] BackendError),
}

/// What is in force, for the log and `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SandboxStatus {
    /// The filter of system calls.
    pub(crate) seccomp: SandboxForce,
    /// The rules for writing files.
    pub(crate) landlock: SandboxForce,
}

/// Whether one of the two is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SandboxForce {
    /// Wholly.
    Full,
    /// As far as this kernel knows the rules.
    Partial,
    /// Not at all, and why.
    None(String),
}

impl fmt::Display for SandboxForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("on"),
            Self::Partial => f.write_str("on as far as this kernel goes"),
            Self::None(why) => write!(f, "off ({why})"),
        }
    }
}

impl fmt::Display for SandboxStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seccomp {}, landlock {}", self.seccomp, self.landlock)
    }
}

/// Enters the sandbox; it cannot be left. `writable` are the folders beneath which files may be made, written and
/// removed; all others can be read only. To be called before any thread is started.
pub(crate) fn enter(writable: &[PathBuf]) -> Result<SandboxStatus, SandboxError> {
    // Without a mounted /proc the threads cannot be counted.
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(SandboxError::Threads(threads));
    }
    enter_here(writable)
}

/// The same, with Landlock for the calling thread and those it starts.
fn enter_here(writable: &[PathBuf]) -> Result<SandboxStatus, SandboxError> {
    for path in writable {
        fs::metadata(path).map_err(|error| SandboxError::Writable { path: path.clone(), error })?;
    }
    let landlock = restrict_writing(writable).unwrap_or_else(|error| SandboxForce::None(error.to_string()));
    if let SandboxForce::None(why) = &landlock {
        tracing::info!(%why, "Landlock is not in force: files are protected by their modes alone");
    }
    let seccomp = filter_calls()?;
    if let SandboxForce::None(why) = &seccomp {
        tracing::warn!(%why, "seccomp is not in force: no system call is refused");
    }
    Ok(SandboxStatus { seccomp, landlock })
}

fn restrict_writing(writable: &[PathBuf]) -> Result<SandboxForce, RulesetError> {
    let writing = AccessFs::from_write(LANDLOCK);
    let status = Ruleset::default()
        .handle_access(writing)?
        .create()?
        .add_rules(path_beneath_rules(writable.iter().map(PathBuf::as_path), writing))?
        .restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::FullyEnforced, _) => SandboxForce::Full,
        (RulesetStatus::PartiallyEnforced, _) => SandboxForce::Partial,
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            SandboxForce::None("this kernel has it, but not enabled at boot".into())
        }
        (RulesetStatus::NotEnforced, _) => SandboxForce::None("this kernel has none".into()),
    })
}

/// The table of one answer for the kernel.
fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: i32,
    arch: TargetArch,
) -> Result<BpfProgram, BackendError> {
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?.try_into()
}

fn filter_calls() -> Result<SandboxForce, SandboxError> {
    let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(SandboxForce::None(format!("no table of calls for {}", std::env::consts::ARCH)));
    };
    let Some(refused) = calls::refused()? else {
        return Ok(SandboxForce::None(format!("no table of calls for {}", std::env::consts::ARCH)));
    };
    let programs = [
        program(refused, libc::EPERM, arch)?,
        // The C library takes this for an old kernel and starts its threads by clone, which can be looked into.
        program(calls::unknown(), libc::ENOSYS, arch)?,
    ];
    for program in &programs {
        if let Err(error) = apply_filter_all_threads(program) {
            return Ok(SandboxForce::None(error.to_string()));
        }
    }
    Ok(SandboxForce::Full)
}

/// The folder that a socket or file is made in: what [`enter`] needs to allow for it.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
