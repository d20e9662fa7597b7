//! The thread that keeps the logs short: zones with long chains of differences are written anew, and so is what is left in the oldest
//! logs once half of all is left behind.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rhumb_wire::DomainName;
use rhumb_zones::journal::ReplayedZone;
use rhumb_zones::{VersionOrigin, ZoneHistory, ZoneVersion};

use super::encode::{StateChange, StateVersion};
use super::files::{StateFile, numbered_files};
use super::read::read_zone;
use super::shared::StateShared;
use super::state_error::StateError;
use crate::supervision::WorkerRegistry;
use crate::test_hooks::state_divisor;
use crate::zone_events::wall_clock::unix_time;

/// Bytes of logs that are no trouble, however little of them is of use.
const FREE_BYTES: u64 = 128 << 20;
/// Differences of a zone are kept one by one up to so many bytes, or twice the zone.
const LEAST_CHANGES: u64 = 1 << 20;
/// How often it looks by itself.
const PAUSE: Duration = Duration::from_mins(1);

/// Starts the thread. It looks whenever it is told that a log has been begun, and by itself.
///
/// Errors: the thread could not be made.
pub(super) fn start(
    shared: Arc<StateShared>,
    woken: Receiver<StateFile>,
    workers: &Arc<WorkerRegistry>,
) -> io::Result<()> {
    let worker = workers.register("state", "state-compaction");
    std::thread::Builder::new().name("state-compaction".into()).spawn(move || {
        rhumb_net::yield_to_others();
        worker.supervise(|_| {
            loop {
                if let Err(error) = look(&shared) {
                    tracing::error!("state: {error}");
                }
                match woken.recv_timeout(PAUSE / state_divisor()) {
                    Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
    })?;
    Ok(())
}

/// Writes anew what should be, and removes what is of no use.
///
/// Errors: the system says so; the next look tries again.
pub(super) fn look(shared: &StateShared) -> io::Result<()> {
    for name in with_long_chains(shared) {
        if let Err(error) = renew(shared, &name) {
            tracing::error!(zone = %name, "{error}");
        }
    }
    loop {
        let logs = remove_unused(shared)?;
        let total: u64 = logs.iter().map(|(_, bytes)| bytes).sum();
        let live = shared.index().log_bytes();
        let [(oldest, _), _, ..] = logs.as_slice() else { return Ok(()) };
        if total <= 2 * live + FREE_BYTES / u64::from(state_divisor()) {
            return Ok(());
        }
        for name in shared.index().zones_in(*oldest) {
            if let Err(error) = renew(shared, &name) {
                tracing::error!(zone = %name, "{error}");
                return Ok(());
            }
        }
    }
}

/// The zones whose differences have more bytes than they should.
fn with_long_chains(shared: &StateShared) -> Vec<DomainName> {
    let index = shared.index();
    let least = LEAST_CHANGES / u64::from(state_divisor());
    let is_long = |(total, changes): (u64, u64)| changes > least.max(2 * (total - changes));
    let long = index.zones.iter().filter(|(_, zone)| zone.damage.is_none() && is_long(zone.bytes()));
    long.map(|(name, _)| name.clone()).collect()
}

/// Removes the logs that hold nothing of a zone and no signature that is still good, but for the last. Those that are left for zones, with
/// their bytes.
fn remove_unused(shared: &StateShared) -> io::Result<Vec<(StateFile, u64)>> {
    let numbers = numbered_files(&shared.folder.logs(), "log")?;
    let (used, signed) = {
        let mut index = shared.index();
        (index.files(), index.signed.retain_good(unix_time()))
    };
    let last = numbers.last().copied();
    let (mut left, mut total) = (Vec::new(), 0);
    for number in numbers {
        let file = StateFile::Log(number);
        let is_used = used.contains(&file) || Some(number) == last;
        if !is_used && !signed.contains(&file) {
            file.remove(&shared.folder);
            continue;
        }
        let bytes = std::fs::metadata(file.path(&shared.folder))?.len();
        total += bytes;
        if is_used {
            left.push((file, bytes));
        }
    }
    shared.figures.set_bytes(total);
    Ok(left)
}

/// Writes a zone as a whole, with as much of its history as is kept.
///
/// Errors: it cannot be read or written.
fn renew(shared: &StateShared, name: &DomainName) -> Result<(), StateError> {
    let Some(places) = shared.index().zones.get(name).cloned() else { return Ok(()) };
    let read = read_zone(&shared.folder, name, &places);
    let Some(zone) = read.map_err(|fault| StateError::Read(fault.to_string()))? else { return Ok(()) };
    let ReplayedZone { contents, versions, sequence, origin, checked, expires } = zone;
    let (mut history, limits) = (ZoneHistory::default(), shared.history_limits(name));
    for version in versions {
        history.push(version, limits, contents.memory());
    }
    let earlier: Vec<ZoneVersion> = history.versions().cloned().collect();
    let (serial, time) = (contents.serial(), origin.time);
    let version = StateVersion::Whole(Arc::new(contents));
    let whole = StateChange { zone: name.clone(), origin, expires, version };
    let mut written = vec![shared.queue(&whole, Some(sequence), &earlier)];
    if checked != time {
        let version = StateVersion::Checked(serial);
        let origin = VersionOrigin { time: checked, ..whole.origin.clone() };
        written.push(shared.queue(&StateChange { origin, version, ..whole }, Some(sequence), &[]));
    }
    shared.wake_writer();
    for result in written {
        let ended = || Err(StateError::Write("the server ends".to_owned()));
        result.blocking_recv().unwrap_or_else(|_| ended())?;
    }
    Ok(())
}
