use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, advance};

use super::{ClientConnections, ClientPermit, ConnectionRefusal, DisplacedConnection};

const TOTAL: ConnectionRefusal = ConnectionRefusal::Total;
const NETWORK: ConnectionRefusal = ConnectionRefusal::Network;

/// Connections that note when they are ended.
struct Connections {
    all: Arc<ClientConnections>,
    ended: Arc<std::sync::Mutex<Vec<&'static str>>>,
}

impl Connections {
    fn new(most: usize, most_per_network: usize) -> Self {
        Self { all: ClientConnections::new(most, most_per_network), ended: Arc::default() }
    }

    /// Who comes, and what had to end for it.
    fn come(
        &self,
        name: &'static str,
        ip: &str,
    ) -> Result<(ClientPermit, Option<DisplacedConnection>), ConnectionRefusal> {
        let (permit, displaced) = self.all.admit(ip.parse().ok())?;
        let ended = Arc::clone(&self.ended);
        permit.connection().ends_by(move || ended.lock().unwrap().push(name));
        Ok((permit, displaced))
    }

    /// One that has asked, and rests from now on.
    fn rest(&self, name: &'static str, ip: &str) -> ClientPermit {
        let permit = self.come(name, ip).unwrap().0;
        drop(permit.connection().query());
        permit
    }

    fn ended(&self) -> Vec<&'static str> {
        self.ended.lock().unwrap().clone()
    }
}

const fn displaced(was_silent: bool, limit: ConnectionRefusal) -> DisplacedConnection {
    DisplacedConnection { was_silent, limit }
}

#[tokio::test(start_paused = true)]
async fn a_network_loses_its_own_oldest_that_has_asked_nothing() {
    let connections = Connections::new(100, 2);
    let _other = connections.come("other", "192.0.2.2").unwrap();
    let (_first, none) = connections.come("first", "192.0.2.1").unwrap();
    assert_eq!(none, None);
    let _second = connections.come("second", "192.0.2.1").unwrap();
    let (_third, ended) = connections.come("third", "192.0.2.1").unwrap();
    assert_eq!((ended, connections.ended()), (Some(displaced(true, NETWORK)), vec!["first"]));
    assert_eq!(connections.all.open(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_network_with_most_silent_ones_loses_one() {
    let connections = Connections::new(6, 4);
    let _rests = connections.rest("rests", "192.0.2.9");
    let _old = connections.come("old", "192.0.2.1").unwrap();
    advance(Duration::from_secs(2)).await;
    let _many = ["a", "b", "c", "d"].map(|name| connections.come(name, "192.0.2.2").unwrap());
    let (_next, ended) = connections.come("next", "192.0.2.3").unwrap();
    let _after = connections.come("after", "192.0.2.4").unwrap();
    assert_eq!((ended, connections.ended()), (Some(displaced(true, TOTAL)), vec!["a", "b"]));
    // Of as many, the oldest.
    let _others = ["e", "f"].map(|name| connections.come(name, "192.0.2.5").unwrap());
    assert_eq!(connections.ended(), ["a", "b", "c", "old"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_open_is_never_ended() {
    let connections = Connections::new(2, 2);
    let permits =
        [connections.come("a", "192.0.2.1").unwrap().0, connections.come("b", "192.0.2.1").unwrap().0];
    let [first, second] = permits.each_ref().map(|permit| permit.connection().query());
    let also = permits[0].connection().query();
    assert_eq!(connections.come("c", "192.0.2.1").err(), Some(NETWORK));
    assert_eq!(connections.come("c", "192.0.2.2").err(), Some(TOTAL));
    drop(first);
    assert_eq!(connections.come("c", "192.0.2.2").err(), Some(TOTAL));
    drop((second, also));
    let (_new, ended) = connections.come("c", "192.0.2.2").unwrap();
    assert_eq!(ended, Some(displaced(false, TOTAL)));
}

#[tokio::test(start_paused = true)]
async fn without_a_silent_one_the_one_that_rests_longest_ends() {
    let connections = Connections::new(3, 2);
    let first = connections.rest("first", "192.0.2.1");
    let _second = connections.rest("second", "192.0.2.1");
    let _alone = connections.rest("alone", "192.0.2.2");
    advance(Duration::from_secs(1)).await;
    first.connection().rests_since(Some(Instant::now()));
    let (_new, ended) = connections.come("new", "192.0.2.3").unwrap();
    assert_eq!((ended, connections.ended()), (Some(displaced(false, TOTAL)), vec!["second"]));
    first.connection().rests_since(None);
    let _newer = connections.come("newer", "192.0.2.4").unwrap();
    assert_eq!(connections.ended(), ["second", "alone"]);
}

/// Else clients that come one after the other would end the handshakes of each other, where others hold all places.
#[tokio::test(start_paused = true)]
async fn a_handshake_is_spared_where_others_rest_on_more_places() {
    let connections = Connections::new(4, 3);
    let _idle = ["a", "b", "c"].map(|name| connections.rest(name, "192.0.2.1"));
    let _young = connections.come("young", "192.0.2.2").unwrap();
    let _next = connections.come("next", "192.0.2.3").unwrap();
    assert_eq!(connections.ended(), ["a"]);
    advance(Duration::from_millis(500)).await;
    let _last = connections.come("last", "192.0.2.4").unwrap();
    assert_eq!(connections.ended(), ["a", "young"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_a_proxy_counts_once_it_is_known() {
    let connections = Connections::new(3, 1);
    let unnamed = || connections.come("unnamed", "").unwrap().0;
    let (first, second, ip) = (unnamed(), unnamed(), IpAddr::from([192, 0, 2, 1]));
    assert_eq!(first.count_for(ip), Ok(None));
    assert_eq!(first.count_for(ip), Ok(None));
    let open = first.connection().query();
    assert_eq!(second.count_for(ip), Err(NETWORK));
    let third = unnamed();
    // Those that are not known are not ended, and the one that is known is in use.
    assert_eq!(connections.come("fourth", "192.0.2.2").err(), Some(TOTAL));
    drop((open, first));
    assert_eq!(second.count_for(ip), Ok(None));
    assert_eq!(third.count_for(ip), Ok(Some(displaced(true, NETWORK))));
    assert_eq!(connections.all.open(), 1);
    drop((second, third));
    assert_eq!(connections.all.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_ended_before_it_could_be_is_ended_at_once() {
    let all = ClientConnections::new(1, 1);
    let (permit, _) = all.admit("192.0.2.1".parse().ok()).unwrap();
    let _other = all.admit("192.0.2.1".parse().ok()).unwrap();
    let ended = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ended);
    permit.connection().ends_by(move || _ = counted.fetch_add(1, Ordering::Relaxed));
    assert_eq!(ended.load(Ordering::Relaxed), 1);
    // It asks too late: its place is another's.
    drop(permit.connection().query());
    drop(permit);
    assert_eq!(all.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn limits_can_change() {
    let connections = Connections::new(4, 4);
    let share = |expected: f64| assert!((connections.all.free_share() - expected).abs() < 1e-9);
    share(1.0);
    let mut held = Vec::from(["a", "b", "c"].map(|name| connections.come(name, "192.0.2.1").unwrap()));
    share(0.25);
    connections.all.set(2, 4);
    share(0.0);
    assert_eq!(connections.come("d", "192.0.2.2").err(), Some(TOTAL));
    connections.all.set(9, 2);
    assert_eq!(connections.come("d", "192.0.2.1").err(), Some(NETWORK));
    held.pop();
    let _next = connections.come("d", "192.0.2.1").unwrap();
    assert_eq!(connections.ended(), ["a"]);
}

#[test]
fn many_threads_never_pass_the_limits() {
    let all = ClientConnections::new(50, 20);
    let (refused, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let (all, refused, ended) = (&all, &refused, &ended);
            scope.spawn(move || {
                let mut held = Vec::new();
                for round in 0..2000_u32 {
                    match all.admit(Some(IpAddr::from([192, 0, 2, thread % 4]))) {
                        Ok((permit, displaced)) => {
                            ended.fetch_add(displaced.iter().count(), Ordering::Relaxed);
                            let query = (round % 2 == 0).then(|| permit.connection().query());
                            held.push((query, permit));
                        }
                        Err(_) => _ = refused.fetch_add(1, Ordering::Relaxed),
                    }
                    assert!(all.open() <= 50);
                    if round % 3 != 0 {
                        held.pop();
                    }
                }
            });
        }
    });
    assert!(refused.into_inner() > 0 && ended.into_inner() > 0);
    assert_eq!(all.open(), 0);
}
