//! Following the addresses of the host.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rhumb_net::{AddressWatch, route};

use crate::supervision::WorkerRegistry;

/// Changes within this time are acted on together.
const PAUSE: Duration = Duration::from_millis(100);
/// How often addresses are looked at where their changes are not reported.
const POLL: Duration = Duration::from_secs(5);

/// Starts a thread that calls `changed` after each change of addresses or interfaces of this host, for as long as it says true.
///
/// Errors: the thread could not be made.
pub fn follow_addresses(
    workers: &Arc<WorkerRegistry>,
    changed: impl Fn() -> bool + Send + 'static,
) -> io::Result<()> {
    let worker = workers.register("addresses", "addresses");
    let follow = move || {
        worker.supervise(|_| match AddressWatch::open() {
            Ok(mut watch) => while_true(PAUSE, &changed, || watch.wait()),
            Err(error) => {
                tracing::info!(%error, "changes of addresses are not reported here: they are looked at every 5 seconds");
                // Before the first call, which finds at least these.
                let mut last = present();
                while_true(PAUSE, &changed, || {
                    differs(&mut last, POLL, present);
                    Ok(())
                });
            }
        });
    };
    thread::Builder::new().name("addresses".into()).spawn(follow).map(drop)
}

/// Calls `changed` once at the beginning, for addresses that have come since the listeners were opened, and after each `wait` and a pause.
fn while_true(pause: Duration, changed: &impl Fn() -> bool, mut wait: impl FnMut() -> io::Result<()>) {
    if !changed() {
        return;
    }
    loop {
        if let Err(error) = wait() {
            tracing::error!(%error, "addresses that come and go are no longer followed");
            return;
        }
        thread::sleep(pause);
        if !changed() {
            return;
        }
    }
}

/// Looks at each interval until what is there is not what was there last. What cannot be seen is no change.
fn differs<A: PartialEq>(last: &mut Option<A>, interval: Duration, mut look: impl FnMut() -> Option<A>) {
    loop {
        thread::sleep(interval);
        let now = look();
        if now.is_some() && now != *last {
            *last = now;
            return;
        }
    }
}

/// The addresses now; none where they cannot be had.
fn present() -> Option<Vec<(IpAddr, u32, String)>> {
    route::local_addresses().ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Each row: what is there at each look, the first before anything is acted on, and how often it is acted on.
    #[test]
    fn what_is_looked_at_is_acted_on_once_for_each_change() {
        for (looks, calls) in [
            (vec![Some(1)], 1),
            (vec![Some(1), Some(1), Some(1)], 1),
            (vec![Some(1), Some(2), Some(2), Some(1)], 3),
            (vec![Some(1), None, Some(1), None, Some(2)], 2),
            (vec![None, None, Some(1), Some(1)], 2),
        ] {
            let (called, mut rest) = (Cell::new(0), looks.iter().copied());
            let mut last = rest.next().unwrap();
            let changed = || {
                called.set(called.get() + 1);
                true
            };
            while_true(Duration::ZERO, &changed, || {
                let mut ended = false;
                differs(&mut last, Duration::ZERO, || {
                    rest.next().unwrap_or_else(|| {
                        ended = true;
                        Some(0)
                    })
                });
                if ended { Err(io::Error::other("the end")) } else { Ok(()) }
            });
            assert_eq!(called.get(), calls, "{looks:?}");
        }
    }
}
