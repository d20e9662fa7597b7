//! Users and groups from passwd(5) and group(5), read here: a static binary has no name service.

use std::fs::File;
use std::io::{self, Read};

use nix::unistd::{Gid, Uid};

/// The largest account file that is read, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// Supplementary groups taken on at most; the kernel's own limit is as high (`NGROUPS_MAX`).
const MOST_GROUPS: usize = 65_536;

/// A user to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserAccount {
    /// The name, where there is one.
    pub(crate) name: Option<String>,
    /// The user.
    pub(crate) uid: Uid,
    /// The primary group.
    pub(crate) gid: Gid,
    /// All groups, the primary one first.
    pub(crate) groups: Vec<Gid>,
}

/// Why a user is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// No such name.
    #[error("{0:?} is not in /etc/passwd; accepted: a name in that file, a number, or two as uid:gid")]
    Unknown(String),
    /// No such group.
    #[error("{0:?} is not in /etc/group; accepted: a name in that file, or a number")]
    UnknownGroup(String),
    /// Root, by name or number.
    #[error("{0:?} is root; name a user without privileges")]
    Root(String),
    /// A number that the system calls take for "leave it".
    #[error("{0:?}: 4294967295 is no user or group")]
    Reserved(String),
    /// An account file cannot be read.
    #[error("{file}: {error}")]
    File {
        /// The file.
        file: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

/// Looks up a name, "uid" or "uid:gid". A number need not be in the files: its group has the same number then.
pub(super) fn find(user: &str) -> Result<UserAccount, AccountError> {
    find_in(user, &read("/etc/passwd")?, &read("/etc/group")?)
}

/// Looks up a group by name or number; a number need not be in the file.
pub(in crate::boot) fn find_group(group: &str) -> Result<u32, AccountError> {
    group_in(group, &read("/etc/group")?)
}

fn group_in(group: &str, groups: &str) -> Result<u32, AccountError> {
    let named = |line: &str| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| number(fields.nth(1)?)).flatten()
    };
    let found = number(group).or_else(|| groups.lines().find_map(named));
    found.ok_or_else(|| AccountError::UnknownGroup(group.to_owned()))
}

/// The text of a file; a missing one is empty, as in a container with nothing but the binary.
fn read(file: &'static str) -> Result<String, AccountError> {
    let mut bytes = Vec::new();
    match File::open(file).and_then(|opened| opened.take(MOST_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(AccountError::File { file, error }),
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A number of digits alone: `+5` and ` 5` are not meant to be one.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A line of passwd: name, user, group.
fn entry(line: &str) -> Option<(&str, u32, u32)> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let (_, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
    Some((name, number(uid)?, number(gid)?))
}

pub(super) fn find_in(user: &str, passwd: &str, group: &str) -> Result<UserAccount, AccountError> {
    let mut entries = passwd.lines().filter_map(entry);
    let account = if let Some((uid, gid)) = user.split_once(':') {
        let unknown = || AccountError::Unknown(user.to_owned());
        let uid = number(uid).ok_or_else(unknown)?;
        let gid = number(gid).ok_or_else(unknown)?;
        UserAccount {
            name: None,
            uid: Uid::from_raw(uid),
            gid: Gid::from_raw(gid),
            groups: vec![Gid::from_raw(gid)],
        }
    } else if let Some((name, uid, gid)) = entries.find(|(name, _, _)| *name == user) {
        named(name, uid, gid, group)
    } else {
        let uid = number(user).ok_or_else(|| AccountError::Unknown(user.to_owned()))?;
        match passwd.lines().filter_map(entry).find(|(_, number, _)| *number == uid) {
            Some((name, uid, gid)) => named(name, uid, gid, group),
            None => UserAccount {
                name: None,
                uid: Uid::from_raw(uid),
                gid: Gid::from_raw(uid),
                groups: vec![Gid::from_raw(uid)],
            },
        }
    };
    if account.uid.as_raw() == u32::MAX || account.gid.as_raw() == u32::MAX {
        return Err(AccountError::Reserved(user.to_owned()));
    }
    if account.uid.is_root() {
        return Err(AccountError::Root(user.to_owned()));
    }
    Ok(account)
}

/// An account of the file, with the groups it is a member of.
fn named(name: &str, uid: u32, gid: u32, group: &str) -> UserAccount {
    let mut groups = vec![Gid::from_raw(gid)];
    for line in group.lines() {
        let mut fields = line.split(':').skip(2);
        let (Some(number), Some(members)) = (fields.next().and_then(number), fields.next()) else { continue };
        let more = Gid::from_raw(number);
        let member = members.split(',').any(|member| member.trim() == name);
        if member && number != u32::MAX && !groups.contains(&more) && groups.len() < MOST_GROUPS {
            groups.push(more);
        }
    }
    UserAccount { name: Some(name.to_owned()), uid: Uid::from_raw(uid), gid: Gid::from_raw(gid), groups }
}
