//! Giving up root after the sockets are bound.
//!
//! What stays is an unprivileged user and, if there was more, the one capability to bind low ports: a reload may add
//! a listener. Capabilities belong to a thread, so this runs before any other thread is started, and refuses
//! otherwise; threads started later inherit what it leaves.

mod account;
#[cfg(test)]
pub(in crate::boot) mod tests;

use std::fmt;
use std::fs;

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::unistd::{
    Gid, Uid, geteuid, getgid, getresuid, getuid, seteuid, setfsgid, setfsuid, setgroups, setresgid,
    setresuid,
};

pub(in crate::boot) use account::find_group;
pub(crate) use account::{AccountError, UserAccount};

/// The user and group that root becomes when the configuration names none: the overflow ids, `nobody`.
const NOBODY: u32 = 65_534;

/// Why privileges were not given up. The process must end then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivilegeError {
    /// The configured user is not to be had.
    #[error("user: {0}")]
    Account(#[from] AccountError),
    /// Other threads would keep their capabilities.
    #[error("privileges can be given up only before threads are started, and {0} run")]
    Threads(usize),
    /// A call that changes who we are was refused.
    #[error("{call} to {id}: {errno}{}", hint(*errno))]
    Switch {
        /// The call.
        call: &'static str,
        /// The user or group.
        id: u32,
        /// What the kernel said.
        errno: Errno,
    },
    /// A call that gives up capabilities was refused.
    #[error("capabilities: {0}")]
    Capabilities(#[from] CapsError),
    /// A flag of the process could not be set.
    #[error("prctl {flag}: {errno}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// Every call succeeded, and yet privileges are left.
    #[error("privileges are left that were to be given up: {0}")]
    Left(&'static str),
}

fn hint(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM => {
            " (root without CAP_SETUID and CAP_SETGID cannot become another user: start it as that user, a container \
             with --user)"
        }
        Errno::EINVAL => " (this user namespace has no such id: start it as another user, or map the id)",
        _ => "",
    }
}

/// What is left, for the log and `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemainingPrivileges {
    /// The effective user.
    pub(crate) uid: u32,
    /// The effective group.
    pub(crate) gid: u32,
    /// The user's name, if it was looked up by root.
    pub(crate) name: Option<String>,
    /// Whether ports below 1024 can still be bound by capability.
    pub(crate) low_ports: bool,
    /// Whether files that only root may read can still be read, by `CAP_DAC_READ_SEARCH`.
    pub(crate) reads_all: bool,
    /// Whether the bounding set was cleared of all other capabilities too; an unprivileged start cannot.
    pub(crate) bounded: bool,
}

impl fmt::Display for RemainingPrivileges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name} ")?;
        }
        let capability = match (self.low_ports, self.reads_all) {
            (true, true) => "only CAP_NET_BIND_SERVICE and CAP_DAC_READ_SEARCH",
            (true, false) => "only CAP_NET_BIND_SERVICE",
            (false, true) => "only CAP_DAC_READ_SEARCH",
            (false, false) => "no capabilities",
        };
        write!(f, "uid {} gid {}, {capability}, no new privileges", self.uid, self.gid)
    }
}

/// Whom root is to become: the configured user (a name, "uid" or "uid:gid"), or nobody. `None`: the process is not
/// root and stays who it is. Asked for before [`give_up`], so that the control socket can be given to that user.
pub(crate) fn successor(user: Option<&str>) -> Result<Option<UserAccount>, PrivilegeError> {
    let now = geteuid();
    if !now.is_root() && !getuid().is_root() {
        if let Some(user) = user {
            let same = account::find(user).is_ok_and(|account| account.uid == now);
            if !same {
                tracing::info!(%user, uid = now.as_raw(), "not started as root: the configured user is not taken on");
            }
        }
        return Ok(None);
    }
    if let Some(user) = user {
        return Ok(Some(account::find(user)?));
    }
    tracing::warn!("started as root and no `user:` is configured: becoming nobody ({NOBODY}:{NOBODY})");
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    Ok(Some(UserAccount { name: None, uid, gid, groups: vec![gid] }))
}

/// Why a start as root would fail with this user, in words; `None` where it would not.
pub(crate) fn fault_of_user(user: &str) -> Option<String> {
    account::find(user).err().map(|error| error.to_string())
}

/// Does `work` with the files and sockets it makes belonging to that user. Sockets that share a port have to be of one user,
/// and later ones are made when root is given up (`SO_REUSEPORT`, socket(7); setfsuid(2)).
pub(crate) fn as_user<T>(user: Option<&UserAccount>, work: impl FnOnce() -> T) -> T {
    let before = user.map(|account| (setfsgid(account.gid), setfsuid(account.uid)));
    let done = work();
    if let Some((gid, uid)) = before {
        setfsuid(uid);
        setfsgid(gid);
    }
    done
}

/// Becomes that user, if one is given; keeps of all capabilities at most `CAP_NET_BIND_SERVICE` and, with `reads_all`,
/// `CAP_DAC_READ_SEARCH`; forbids new privileges, core dumps and being traced. Cannot be undone. To be called before any
/// thread is started.
pub(crate) fn give_up(
    successor: Option<&UserAccount>,
    reads_all: bool,
) -> Result<RemainingPrivileges, PrivilegeError> {
    // Without a mounted /proc the threads cannot be counted.
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(PrivilegeError::Threads(threads));
    }
    give_up_here(successor, reads_all)
}

/// The same for the calling thread and those it starts; user and groups change for the whole process.
fn give_up_here(
    successor: Option<&UserAccount>,
    reads_all: bool,
) -> Result<RemainingPrivileges, PrivilegeError> {
    let mut keep = caps::read(None, CapSet::Permitted)?;
    keep.retain(|capability| match capability {
        Capability::CAP_NET_BIND_SERVICE => true,
        Capability::CAP_DAC_READ_SEARCH => reads_all,
        _ => false,
    });
    let bounded = clear_bounding()?;
    if let Some(account) = successor {
        become_user(account)?;
    }
    caps::clear(None, CapSet::Ambient)?;
    caps::set(None, CapSet::Effective, &keep)?;
    caps::set(None, CapSet::Permitted, &keep)?;
    caps::clear(None, CapSet::Inheritable)?;
    flag("PR_SET_KEEPCAPS", prctl::set_keepcaps(false))?;
    flag("PR_SET_NO_NEW_PRIVS", prctl::set_no_new_privs())?;
    flag("PR_SET_DUMPABLE", prctl::set_dumpable(false))?;
    verify(successor, &keep)?;
    Ok(RemainingPrivileges {
        uid: geteuid().as_raw(),
        gid: getgid().as_raw(),
        name: successor.and_then(|account| account.name.clone()),
        low_ports: keep.contains(&Capability::CAP_NET_BIND_SERVICE),
        reads_all: keep.contains(&Capability::CAP_DAC_READ_SEARCH),
        bounded,
    })
}

/// Drops the rest from the bounding set, if that is allowed to us. Says whether nothing else is in it now.
fn clear_bounding() -> Result<bool, PrivilegeError> {
    let mut rest = caps::read(None, CapSet::Bounding)?;
    rest.remove(&Capability::CAP_NET_BIND_SERVICE);
    if !caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        return Ok(rest.is_empty());
    }
    for capability in rest {
        caps::drop(None, CapSet::Bounding, capability)?;
    }
    Ok(true)
}

fn become_user(account: &UserAccount) -> Result<(), PrivilegeError> {
    let (uid, gid) = (account.uid, account.gid);
    let switch = |call, id| move |errno| PrivilegeError::Switch { call, id, errno };
    // Without it the change of user would take the one capability to keep along.
    flag("PR_SET_KEEPCAPS", prctl::set_keepcaps(true))?;
    setgroups(&account.groups).map_err(switch("setgroups", gid.as_raw()))?;
    setresgid(gid, gid, gid).map_err(switch("setresgid", gid.as_raw()))?;
    setresuid(uid, uid, uid).map_err(switch("setresuid", uid.as_raw()))
}

fn flag(flag: &'static str, result: nix::Result<()>) -> Result<(), PrivilegeError> {
    result.map_err(|errno| PrivilegeError::Flag { flag, errno })
}

/// Looks whether it is so: a set-user-id call may succeed and change nothing in odd kernels and sandboxes.
fn verify(successor: Option<&UserAccount>, keep: &CapsHashSet) -> Result<(), PrivilegeError> {
    for set in [CapSet::Effective, CapSet::Permitted] {
        if caps::read(None, set)? != *keep {
            return Err(PrivilegeError::Left("capabilities"));
        }
    }
    let ids = getresuid().map_err(|errno| PrivilegeError::Switch { call: "getresuid", id: 0, errno })?;
    if successor.is_some_and(|account| [ids.real, ids.effective, ids.saved] != [account.uid; 3]) {
        return Err(PrivilegeError::Left("the user"));
    }
    if seteuid(Uid::from_raw(0)).is_ok() {
        return Err(PrivilegeError::Left("the way back to root"));
    }
    Ok(())
}
