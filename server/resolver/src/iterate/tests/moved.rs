//! Zones that have moved to other servers since their delegation was learnt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rhumb_wire::Type;

use super::Resolver;
use super::internet::{AskedQuestion, ScriptedInternet, ServerSays, answer, denial, referral};

/// How the servers are by which `test.` is no longer found.
type OldServer = fn(&AskedQuestion) -> Option<ServerSays>;

const REFUSING: OldServer = |_| Some(ServerSays { rcode: 5, ..ServerSays::default() });
const LAME: OldServer = |_| Some(referral(".", &[("root.example.", "192.0.2.1")]));
const SILENT: OldServer = |_| None;

/// `test.` at 192.0.2.2, and once it has moved at 192.0.2.3.
fn resolver(old: OldServer) -> (Resolver, Arc<AtomicBool>) {
    let moved = Arc::new(AtomicBool::new(false));
    let (by_root, by_old) = (Arc::clone(&moved), Arc::clone(&moved));
    let net = ScriptedInternet::default()
        .with("192.0.2.1", move |asked| {
            Some(match (asked.name.ends_with("test."), by_root.load(Relaxed)) {
                (true, false) => referral("test.", &[("ns.old.", "192.0.2.2")]),
                (true, true) => referral("test.", &[("ns.new.", "192.0.2.3")]),
                (false, _) => denial(3, "."),
            })
        })
        .with("192.0.2.2", move |asked| {
            if by_old.load(Relaxed) {
                return old(asked);
            }
            Some(answer(&[&format!("{} 300 A 198.51.100.1", asked.name)]))
        })
        .with("192.0.2.3", |asked| Some(answer(&[&format!("{} 300 A 198.51.100.2", asked.name)])));
    (Resolver::new(net), moved)
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_has_moved_is_found_again() {
    for (case, old) in [("refusing", REFUSING), ("lame", LAME), ("silent", SILENT)] {
        let (resolver, moved) = resolver(old);
        assert_eq!(resolver.told("a.test", Type::A).await, "NOERROR a.test. A");
        moved.store(true, Relaxed);
        assert_eq!(resolver.told("b.test", Type::A).await, "NOERROR b.test. A", "{case}");
        resolver.asked();
        assert_eq!(resolver.told("c.test", Type::A).await, "NOERROR c.test. A", "{case}");
        assert_eq!(resolver.asked(), ["c.test. A @192.0.2.3"], "{case}");
    }
}

/// Its servers are broken, and still those that the parent names.
#[tokio::test(start_paused = true)]
async fn a_zone_that_stays_is_asked_for_now_and_then() {
    let net = ScriptedInternet::default().parent("192.0.2.1", "test.", "ns.test.", "192.0.2.2").with(
        "192.0.2.2",
        |asked| {
            (asked.name != "a.test.")
                .then(|| ServerSays { rcode: 2, ..ServerSays::default() })
                .or_else(|| Some(answer(&["a.test. 300 A 198.51.100.1"])))
        },
    );
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("a.test", Type::A).await, "NOERROR a.test. A");
    resolver.asked();
    for text in ["b.test", "c.test", "d.test"] {
        assert_eq!(resolver.told(text, Type::A).await, "servers of test. say SERVFAIL");
    }
    let of_root = resolver.asked().iter().filter(|asked| asked.ends_with("@192.0.2.1")).count();
    assert_eq!(of_root, 1);
}

/// The parent knows nothing of it any more.
#[tokio::test(start_paused = true)]
async fn a_zone_that_is_gone_does_not_exist() {
    let gone = Arc::new(AtomicBool::new(false));
    let (by_root, by_old) = (Arc::clone(&gone), Arc::clone(&gone));
    let net = ScriptedInternet::default()
        .with("192.0.2.1", move |_| {
            let there = referral("test.", &[("ns.test.", "192.0.2.2")]);
            Some(if by_root.load(Relaxed) { denial(3, ".") } else { there })
        })
        .with("192.0.2.2", move |_| {
            let said = answer(&["a.test. 300 A 198.51.100.1"]);
            Some(if by_old.load(Relaxed) { ServerSays { rcode: 5, ..ServerSays::default() } } else { said })
        });
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("a.test", Type::A).await, "NOERROR a.test. A");
    gone.store(true, Relaxed);
    assert_eq!(resolver.told("b.test", Type::A).await, "NXDOMAIN");
    resolver.asked();
    assert_eq!(resolver.told("c.test", Type::A).await, "NXDOMAIN");
    assert!(resolver.asked().iter().all(|asked| asked.ends_with("@192.0.2.1")));
}
