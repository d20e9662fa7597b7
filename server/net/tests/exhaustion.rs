//! Running out of descriptors. In a file of its own: the limit is that of the process.

use std::net::TcpStream as Client;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeValLike;
use rhumb_net::tcp::{Acceptor, bind};

/// Opens files until there is no descriptor left.
fn fill() -> Vec<std::fs::File> {
    std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect()
}

#[test]
fn accepting_pauses_without_descriptors_and_recovers() {
    // What this process has used of the processor, in microseconds.
    let used = || {
        let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
        (usage.user_time() + usage.system_time()).num_microseconds()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 64, hard).unwrap();
    runtime.block_on(async {
        let acceptor = Acceptor::new(bind("127.0.0.1:0".parse().unwrap(), false, 64).unwrap()).unwrap();
        let clients: Vec<_> = (0..5).map(|_| Client::connect(acceptor.address()).unwrap()).collect();
        let full = fill();

        let before = used();
        let waited = tokio::time::timeout(Duration::from_millis(1500), acceptor.accept()).await;
        assert!(waited.is_err(), "there was a descriptor left");
        let load = used() - before;
        assert!(load < 300_000, "{load} of 1 500 000 us");
        assert!((3..20).contains(&acceptor.exhausted()), "{}", acceptor.exhausted());

        drop(full);
        let start = Instant::now();
        for _ in &clients {
            drop(acceptor.accept().await.unwrap());
        }
        assert!(start.elapsed() < Duration::from_secs(5));
    });
}
