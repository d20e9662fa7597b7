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
            Ok(mut watch) => while_true(&changed, || watch.wait()),
            Err(error) => {
                tracing::info!(%error, "changes of addresses are not reported here: they are looked at every 5 seconds");
                let mut last = Vec::new();
                while_true(&changed, || {
                    loop {
                        thread::sleep(POLL);
                        let now = present();
                        if now != std::mem::replace(&mut last, now.clone()) {
                            return Ok(());
                        }
                    }
                });
            }
        });
    };
    thread::Builder::new().name("addresses".into()).spawn(follow).map(drop)
}

/// Calls `changed` once at the beginning, for addresses that have come since the listeners were opened, and after each `wait`.
fn while_true(changed: &impl Fn() -> bool, mut wait: impl FnMut() -> io::Result<()>) {
    if !changed() {
        return;
    }
    loop {
        if let Err(error) = wait() {
            tracing::error!(%error, "addresses that come and go are no longer followed");
            return;
        }
        thread::sleep(PAUSE);
        if !changed() {
            return;
        }
    }
}

/// The addresses now; none where they cannot be had.
fn present() -> Vec<(IpAddr, u32, String)> {
    route::local_addresses().unwrap_or_default()
}
