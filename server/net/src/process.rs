//! What the process asks of the C library, the kernel and the processor for itself: memory given back or fetched, a place
//! behind others.
#![allow(unsafe_code, reason = "no other crate offers these calls")]

use std::io;

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// How much is taken off the calling thread's share of the processor where others want it (setpriority(2)).
const NICE: libc::c_int = 5;

/// What jemalloc reads as it begins (jemalloc(3), TUNING), in a program that has it: a thread looks after each MiB, not after each 64 KiB,
/// whether it keeps more free memory than it needs. The looks would be 3 % of what a resolver does.
#[used]
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_SETTINGS: &[u8; 29] = b"tcache_gc_incr_bytes:1048576\0";

/// Gives memory that is free back to the system at once, where otherwise that takes ten seconds (jemalloc(3), `arena.<i>.purge`):
/// worth its milliseconds after much was freed. Does nothing in a program that has another allocator.
pub fn release_memory() {
    let (nothing, none) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the name ends in a zero and is that of all arenas; nothing is read or written, so that no pointer is needed.
    let _ = unsafe {
        tikv_jemalloc_sys::mallctl(c"arena.4096.purge".as_ptr(), nothing, none, std::ptr::null_mut(), 0)
    };
}

/// Asks for the memory at `place`, which need not be valid, so that it is near when it is read. Only x86-64 is asked here;
/// elsewhere reading waits as it always does.
#[inline]
pub fn fetch(place: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is a hint: it has no effect but on caches, and faults at no address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// Raises the soft limit of open files to the hard one, and gives it (getrlimit(2)). Errors: the kernel's, and the limit is as before.
pub fn raise_descriptor_limit() -> io::Result<usize> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(usize::try_from(hard).unwrap_or(usize::MAX))
}

/// How many files the process may have open.
pub fn descriptor_limit() -> io::Result<usize> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(usize::try_from(soft).unwrap_or(usize::MAX))
}

/// How many files the process has open; `None` without /proc.
pub fn open_descriptors() -> Option<usize> {
    // The one that is being read with is none of them.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

/// Puts the calling thread, and those it starts from now on, behind the others where not all can run.
pub fn yield_to_others() {
    // SAFETY: both take integers. On Linux, process 0 is the calling thread. Where it fails, nothing has changed.
    unsafe {
        if libc::getpriority(libc::PRIO_PROCESS, 0) < NICE {
            let _ = libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
        }
    }
}

/// Has the calling thread, and those it starts from now on, wait for the one that runs when it wakes up (`SCHED_BATCH` of sched(7)): what
/// answers at once is not held up by it, and it finds more to do at a time. Its share of the processor stays. Does nothing on
/// other systems.
pub fn interrupt_nobody() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: the parameter lives across the call, and is only read. Process 0 is the calling thread. Where it fails, nothing has changed.
    unsafe {
        let parameter = libc::sched_param { sched_priority: 0 };
        let _ = libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn one_thread_alone_interrupts_nobody() {
        // SAFETY: it takes an integer.
        let policy = || unsafe { libc::sched_getscheduler(0) };
        let before = policy();
        let after = std::thread::spawn(move || {
            interrupt_nobody();
            policy()
        });
        assert_eq!(after.join().unwrap(), libc::SCHED_BATCH);
        assert_eq!(policy(), before);
    }

    #[test]
    fn the_allocator_begins_as_it_is_told() {
        let (mut bytes, mut length) = (0_usize, size_of::<usize>());
        let name = c"opt.tcache_gc_incr_bytes".as_ptr();
        let (to, none) = (std::ptr::from_mut(&mut bytes).cast(), std::ptr::null_mut());
        // SAFETY: the value is a size_t, and there is room for it.
        let failed = unsafe { tikv_jemalloc_sys::mallctl(name, to, &raw mut length, none, 0) };
        assert_eq!((failed, bytes), (0, 1 << 20));
    }

    #[test]
    fn one_thread_alone_steps_back() {
        let nice = || {
            // SAFETY: it takes integers.
            unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
        };
        let before = nice();
        let after = std::thread::spawn(move || {
            yield_to_others();
            nice()
        });
        assert_eq!(after.join().unwrap(), NICE.max(before));
        assert_eq!(nice(), before);
    }
}
