//! Running out of descriptors. In a file of its own: the limit is that of the process.

use std::net::TcpStream as Client;
use std::time::Duration;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeValLike;
use rhumb_net::tcp::bind;
use rhumb_net::{AcceptEvent, serve_connections, tcp_listener};
use tokio::time::sleep;

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
        let listener = tcp_listener(bind("127.0.0.1:0".parse().unwrap(), false, 64).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let clients: Vec<_> = (0..5).map(|_| Client::connect(address).unwrap()).collect();
        let full = fill();
        let before = used();
        let (mut exhausted, mut accepted) = (0, 0);
        let (done, all) = tokio::sync::oneshot::channel();
        let mut done = Some(done);
        let serve = |_, _| {
            accepted += 1;
            if accepted == clients.len()
                && let Some(done) = done.take()
            {
                done.send(()).unwrap();
            }
            None::<std::future::Ready<()>>
        };
        let event =
            |event: AcceptEvent<'_>| exhausted += usize::from(matches!(event, AcceptEvent::Exhausted(_)));
        let stopped = async {
            sleep(Duration::from_millis(1500)).await;
            let load = used() - before;
            assert!(load < 300_000, "{load} of 1 500 000 us");
            drop(full);
            tokio::time::timeout(Duration::from_secs(5), all).await.unwrap().unwrap();
        };
        serve_connections(listener, stopped, Duration::ZERO, serve, event).await.unwrap();
        assert!((3..20).contains(&exhausted), "{exhausted}");
        assert_eq!(accepted, 5);
    });
}
