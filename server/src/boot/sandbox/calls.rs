//! The system calls that a nameserver never makes.
//!
//! A list of what is refused, not of what is allowed: a C library or kernel that does an allowed thing by a new call
//! must not end in a server that stops answering.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{BackendError, SeccompCondition, SeccompRule};

/// Refused whatever the arguments, on every processor.
const ALWAYS: &[i64] = &[
    // Other programs, other processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Mounts, roots and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    // The kernel itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_syslog,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    libc::SYS_personality,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Keys.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The machine: power, swap, clock, name, accounts.
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    // Files past their paths, and special ones.
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_mknodat,
    // Who we are: settled before.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    // Memory of other nodes.
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// Refused besides on this processor.
#[cfg(target_arch = "x86_64")]
const BESIDES: &[i64] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_mknod,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    // Numbers of the x32 interface that are not those above plus its bit: execve, ptrace, kexec_load,
    // process_vm_readv and _writev, execveat.
    0x208 | X32,
    0x209 | X32,
    0x210 | X32,
    0x21b | X32,
    0x21c | X32,
    0x221 | X32,
];
/// Refused besides on this processor: kexec_file_load, which not every C library names.
#[cfg(target_arch = "aarch64")]
const BESIDES: &[i64] = &[294];
/// No table was made for this processor.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const BESIDES: &[i64] = &[];

/// Marks a call of the x32 interface, through which every call of x86-64 could be had under another number.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;

/// Families a nameserver has sockets of: queries, the control socket, the routing table.
const FAMILIES: [i32; 4] = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The calls that are refused; an empty list of rules stands for every use of the call. `None`: there is no table for
/// this processor.
pub(super) fn refused() -> Result<Option<Rules>, BackendError> {
    if BESIDES.is_empty() {
        return Ok(None);
    }
    let mut rules: Rules = ALWAYS.iter().chain(BESIDES).map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, vec![other_family()?]);
    rules.insert(libc::SYS_socketpair, vec![other_family()?]);
    rules.insert(libc::SYS_clone, vec![new_process()?]);
    rules.insert(libc::SYS_ioctl, terminal_input()?);
    // Memory that is written and run.
    rules.insert(libc::SYS_mmap, vec![bits(2, libc::PROT_WRITE | libc::PROT_EXEC)?]);
    rules.insert(libc::SYS_mprotect, vec![bits(2, libc::PROT_EXEC)?]);
    rules.insert(libc::SYS_pkey_mprotect, vec![bits(2, libc::PROT_EXEC)?]);
    Ok(Some(everywhere(rules)))
}

/// The calls that are answered as an older kernel would.
pub(super) fn unknown() -> Rules {
    everywhere(Rules::from([(libc::SYS_clone3, Vec::new())]))
}

/// Under the numbers of x32 as well.
#[cfg(target_arch = "x86_64")]
fn everywhere(rules: Rules) -> Rules {
    let again = rules.clone().into_iter().map(|(call, rules)| (call | X32, rules));
    rules.into_iter().chain(again).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn everywhere(rules: Rules) -> Rules {
    rules
}

fn other_family() -> Result<SeccompRule, BackendError> {
    let others =
        FAMILIES.iter().map(|family| SeccompCondition::new(0, Dword, Ne, u64::from(family.unsigned_abs())));
    SeccompRule::new(others.collect::<Result<_, _>>()?)
}

/// A clone that starts no thread.
fn new_process() -> Result<SeccompRule, BackendError> {
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    SeccompRule::new(vec![SeccompCondition::new(0, Qword, MaskedEq(thread), 0)?])
}

/// Typing on somebody's terminal.
fn terminal_input() -> Result<Vec<SeccompRule>, BackendError> {
    // TIOCSTI and TIOCLINUX (ioctl_tty(2)), whose constants differ in type between C libraries.
    [0x5412, 0x541c]
        .into_iter()
        .map(|request| SeccompRule::new(vec![SeccompCondition::new(1, Dword, Eq, request)?]))
        .collect()
}

/// An argument with all of these bits.
fn bits(argument: u8, bits: i32) -> Result<SeccompRule, BackendError> {
    let bits = u64::from(bits.unsigned_abs());
    SeccompRule::new(vec![SeccompCondition::new(argument, Qword, MaskedEq(bits), bits)?])
}
