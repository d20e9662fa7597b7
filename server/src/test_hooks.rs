//! Panics on demand, to test that the server survives them, and waits and files that are shorter. Only builds of the profile `ci` have them.

/// Places where a panic can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicPoint {
    /// A task that waiting queries are handed to, as it takes one.
    ResolveTask,
    /// The thread that changes the configuration, as it takes a request.
    Reloader,
    /// A thread that reads zones, as it takes a file.
    ZoneReader,
    /// A UDP thread, as it takes a batch of queries.
    UdpThread,
}

/// Panics if the environment variable `RHUMB_TEST_PANIC` asks for it: a list of `POINT=N`, such as `udp-thread=3`, panics
/// as the point is passed for the Nth time. Each entry acts once.
///
/// # Panics
/// Where it is asked to.
#[cfg(rhumb_test_hooks)]
pub fn inject_panic(point: PanicPoint) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static WANTED: LazyLock<Vec<(String, u64)>> = LazyLock::new(|| {
        let wanted = std::env::var("RHUMB_TEST_PANIC").unwrap_or_default();
        let entries = wanted.split(',').filter_map(|entry| entry.split_once('='));
        entries.filter_map(|(point, at)| Some((point.to_owned(), at.parse().ok()?))).collect()
    });
    static PASSED: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

    if WANTED.is_empty() {
        return;
    }
    let passed = PASSED.get(point as usize).map_or(0, |passed| passed.fetch_add(1, Relaxed) + 1);
    let name = match point {
        PanicPoint::ResolveTask => "resolve-task",
        PanicPoint::Reloader => "reloader",
        PanicPoint::ZoneReader => "zone-reader",
        PanicPoint::UdpThread => "udp-thread",
    };
    let is_due = WANTED.iter().any(|(wanted, at)| wanted == name && *at == passed);
    assert!(!is_due, "injected: {name}, time {passed}");
}

/// Does nothing in a build without test hooks.
#[cfg(not(rhumb_test_hooks))]
#[inline(always)]
pub const fn inject_panic(_point: PanicPoint) {}

/// Seconds in place of the 30 days and the hour of RFC 5011, where the environment variable `RHUMB_TEST_ANCHORS` gives them: `10,1`.
#[cfg(rhumb_test_hooks)]
pub fn anchor_periods() -> Option<(u32, u32)> {
    let given = std::env::var("RHUMB_TEST_ANCHORS").ok()?;
    let (hold, interval) = given.split_once(',')?;
    Some((hold.parse().ok()?, interval.parse().ok()?))
}

/// None in a build without test hooks.
#[cfg(not(rhumb_test_hooks))]
pub const fn anchor_periods() -> Option<(u32, u32)> {
    None
}

/// By what sizes and pauses of the state are divided, where the environment variable `RHUMB_TEST_STATE` says so: logs are written anew
/// and removed all the time then.
#[cfg(rhumb_test_hooks)]
pub fn state_divisor() -> u32 {
    use std::sync::LazyLock;

    static DIVISOR: LazyLock<u32> = LazyLock::new(|| {
        let given = std::env::var("RHUMB_TEST_STATE").ok();
        given.and_then(|given| given.parse().ok()).filter(|divisor| *divisor > 0).unwrap_or(1)
    });
    *DIVISOR
}

/// One in a build without test hooks.
#[cfg(not(rhumb_test_hooks))]
pub const fn state_divisor() -> u32 {
    1
}
