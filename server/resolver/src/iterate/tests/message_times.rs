//! When messages go to servers that are silent, slow or new, and how long these are waited for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhumb_wire::{NameRef, Transport, Type};
use tokio::time::{Instant, sleep};

use super::internet::{ScriptedInternet, ServerSays, answer, name};
use crate::exchange::RemoteServer;
use crate::identity::ServerIdentity;
use crate::iterate::limits;
use crate::iterate::resolution_progress::ResolutionProgress;
use crate::iterate::shared_exchange::usual_time;
use crate::iterate::zone_exchange::{ExchangeBudget, ExchangeEffort, ask_servers};
use crate::iterate::zone_reply::ReplyReadingContext;
use crate::network::{DatagramVerdict, ExchangeError, UpstreamTransport};
use crate::question::OutboundQuestion;

/// What a server does with a query.
#[derive(Clone, Copy)]
enum Reaction {
    /// It answers after so many milliseconds.
    In(u64),
    Silent,
    /// Nothing listens there; that is known after 10 ms.
    Closed,
    /// Its reply, after 10 ms, cannot be read.
    Garbled,
    /// Its reply, after 10 ms, has another id.
    Forged,
}
use Reaction::{Closed, Forged, Garbled, In, Silent};

/// How a server is: by UDP, by TCP.
type ServerReactions = (Reaction, Reaction);

/// Servers at 192.0.2.N.
struct TimedNetwork {
    says: ScriptedInternet,
    servers: HashMap<SocketAddr, ServerReactions>,
    begun: Instant,
    sent: Mutex<Vec<String>>,
}

impl TimedNetwork {
    fn note(&self, what: &str, to: SocketAddr) {
        let (at, last) = (tens(self.begun.elapsed()), to.ip().to_string());
        let number = last.rsplit('.').next().unwrap_or_default();
        self.sent.lock().unwrap().push(format!("{at} {what}{number}"));
    }

    async fn reply(
        &self,
        to: SocketAddr,
        transport: Transport,
        reaction: Reaction,
        query: &[u8],
    ) -> Result<Vec<u8>, ExchangeError> {
        match reaction {
            Silent => std::future::pending().await,
            In(time) => sleep(Duration::from_millis(time)).await,
            Closed | Garbled | Forged => sleep(Duration::from_millis(10)).await,
        }
        let mut reply = self.says.ask(to, transport, query).ok_or(ExchangeError::Refused)?;
        match reaction {
            Closed => return Err(ExchangeError::Refused),
            Garbled => reply.truncate(reply.len() - 3),
            Forged => reply[0] ^= 1,
            _ => {}
        }
        Ok(reply)
    }
}

impl UpstreamTransport for TimedNetwork {
    async fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        _: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> Result<usize, ExchangeError> {
        self.note("", to);
        let reply = self.reply(to, Transport::Udp, self.servers[&to].0, query).await?;
        match accept(&reply) {
            DatagramVerdict::Accept => Ok(reply.len()),
            DatagramVerdict::GiveUp(signal) => Err(ExchangeError::GaveUp(signal)),
            DatagramVerdict::Ignore => std::future::pending().await,
        }
    }

    async fn stream(
        &self,
        server: &ServerIdentity,
        _: Transport,
        query: &[u8],
        _: Instant,
    ) -> Result<Vec<u8>, ExchangeError> {
        let to = server.address;
        self.note("tcp ", to);
        self.reply(to, Transport::Tcp, self.servers[&to].1, query).await
    }

    fn reachable(&self, _: SocketAddr) -> bool {
        true
    }

    fn random(&self) -> u64 {
        0
    }
}

/// Milliseconds, without the last digit, which timers are late by.
const fn tens(time: Duration) -> u128 {
    time.as_millis() / 10 * 10
}

fn address(number: usize) -> SocketAddr {
    ([192, 0, 2, number as u8], 53).into()
}

/// Servers that are asked one question after the other.
struct TimedServers(Vec<Arc<RemoteServer>>);

impl TimedServers {
    fn new(count: usize) -> Self {
        let server =
            |number| Arc::new(RemoteServer::new(ServerIdentity::plain(address(number)), Arc::default()));
        Self((1..=count).map(server).collect())
    }

    /// What is sent when and to whom, and when the question ends how; of an answer it is told from which second on its TTL counts.
    async fn ask(&self, servers: &[ServerReactions], effort: ExchangeEffort, truncated: bool) -> String {
        // Timers do not end at the very moment that they were set to.
        tokio::time::advance(Duration::from_micros(300)).await;
        let says = (1..=servers.len()).fold(ScriptedInternet::default(), |net, number| {
            net.with(&address(number).ip().to_string(), move |_| {
                Some(ServerSays { truncated, ..answer(&["www.test. 300 A 198.51.100.1"]) })
            })
        });
        let servers = servers.iter().enumerate().map(|(at, reacts)| (address(at + 1), *reacts)).collect();
        let begun = Instant::now();
        let net = TimedNetwork { says, servers, begun, sent: Mutex::default() };
        let question = OutboundQuestion::new(name("www.test").as_ref(), Type::A);
        let (elsewhere, zone) = (|_: NameRef<'_>, _| false, NameRef::ROOT);
        let reading = ReplyReadingContext {
            zone,
            elsewhere: &elsewhere,
            forwarded: false,
            with_servers: false,
            now: 0,
        };
        let budget = ExchangeBudget {
            effort,
            until: begun + limits::FETCH,
            sends: limits::SENDS_OF_FETCH,
            received: limits::RECEIVED,
            places_of_server: 100,
        };
        let progress = ResolutionProgress::default();
        let asked = ask_servers(&net, self.0.clone(), &question, reading, (false, &progress), budget).await;
        let end = asked.reply.map_or_else(
            |why| format!("{why:?}"),
            |reply| format!("answer of second {}", reply.links[0].stored),
        );
        let sent = std::mem::take(&mut *net.sent.lock().unwrap());
        format!("{}; {} {end}", sent.join(", "), tens(begun.elapsed()))
    }
}

const SILENT: ServerReactions = (Silent, Silent);
const BY_TCP: ServerReactions = (Silent, In(30));
const CLOSED: ServerReactions = (Closed, Closed);

const fn by_udp(time: u64) -> ServerReactions {
    (In(time), Silent)
}

/// A case: what the servers do with questions of before, and with the one that counts; what is sent.
type TimedCase<'c> = (&'c [&'c [ServerReactions]], &'c [ServerReactions], &'c str);

async fn check(effort: ExchangeEffort, cases: &[TimedCase<'_>]) {
    let mut wrong = Vec::new();
    for (number, (before, now, expected)) in cases.iter().enumerate() {
        let servers = TimedServers::new(now.len());
        for reactions in *before {
            servers.ask(reactions, ExchangeEffort::Whole, false).await;
        }
        let found = servers.ask(now, effort, false).await;
        if found != *expected {
            wrong.push(format!("case {number}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_only_server_is_asked_three_times_and_over_a_stream() {
    let cases: &[TimedCase<'_>] = &[
        // Nothing is known of its speed, so that it is waited for longer.
        (&[], &[SILENT], "0 1, 400 1, 1200 1, 1200 tcp 1; 3800 Silence"),
        (&[], &[by_udp(2500)], "0 1, 400 1, 1200 1, 1200 tcp 1; 3700 answer of second 3"),
        (&[], &[BY_TCP], "0 1, 400 1, 1200 1, 1200 tcp 1; 1230 answer of second 1"),
        (&[&[by_udp(20)]], &[SILENT], "0 1, 250 1, 500 1, 500 tcp 1; 3100 Silence"),
        (&[&[by_udp(240)]], &[SILENT], "0 1, 480 1, 960 1, 960 tcp 1; 3560 Silence"),
        // One that is slow is asked over a stream beside the second datagram.
        (&[&[by_udp(300)]], &[SILENT], "0 1, 600 1, 600 tcp 1, 1200 1; 3200 Silence"),
        (&[&[by_udp(600)]], &[SILENT], "0 1, 1200 1, 1200 tcp 1, 2400 1; 3800 Silence"),
        (&[&[by_udp(1900)]], &[SILENT], "0 1, 2370 1, 2370 tcp 1, 4750 1; 5000 Silence"),
        // It is known to answer over a stream alone, until that fails too.
        (&[&[BY_TCP][..]; 3], &[BY_TCP], "0 1, 0 tcp 1; 30 answer of second 0"),
        (&[&[BY_TCP][..]; 3], &[SILENT], "0 1, 0 tcp 1, 400 1, 1200 1; 3800 Silence"),
        (
            &[&[BY_TCP], &[BY_TCP], &[BY_TCP], &[SILENT]],
            &[BY_TCP],
            "0 1, 400 1, 1200 1, 1200 tcp 1; 1230 answer of second 1",
        ),
        (&[&[SILENT][..]; 3], &[SILENT], "0 1, 400 1, 1200 1, 1200 tcp 1; 3800 Silence"),
        // Where nothing listens it is asked once more, a moment later, and over a stream.
        (&[], &[CLOSED], "0 1, 260 1, 270 tcp 1; 280 Silence"),
        (&[], &[(Closed, In(30))], "0 1, 260 1, 270 tcp 1; 300 answer of second 0"),
        // What is suspicious is asked for over a stream.
        (&[], &[(Garbled, Silent)], "0 1, 400 tcp 1, 1900 1; 4500 Unusable(Malformed)"),
        (&[], &[(Garbled, Closed)], "0 1, 400 tcp 1, 410 1; 3010 Unusable(Malformed)"),
        (&[], &[(Forged, Silent)], "0 1, 10 tcp 1, 1510 1, 1520 tcp 1; 4110 Untrusted(WrongId)"),
        (&[], &[(Forged, Closed)], "0 1, 10 tcp 1, 20 1, 30 tcp 1; 40 Untrusted(WrongId)"),
    ];
    check(ExchangeEffort::Whole, cases).await;
}

#[tokio::test(start_paused = true)]
async fn several_servers_are_asked_in_turn() {
    let cases: &[TimedCase<'_>] = &[
        (&[], &[SILENT; 2], "0 1, 400 2, 800 1, 800 tcp 1, 1200 2, 1200 tcp 2; 3800 Silence"),
        (
            &[],
            &[SILENT; 3],
            "0 1, 400 2, 800 3, 1200 1, 1200 tcp 1, 1600 2, 1600 tcp 2, 2000 3; 4600 Silence",
        ),
        (&[], &[SILENT, by_udp(50)], "0 1, 400 2; 450 answer of second 0"),
        (&[], &[BY_TCP; 2], "0 1, 400 2, 800 1, 800 tcp 1; 830 answer of second 0"),
        (
            &[&[by_udp(20), SILENT]],
            &[SILENT; 2],
            "0 1, 250 2, 650 1, 650 tcp 1, 900 2, 900 tcp 2; 3500 Silence",
        ),
        (
            &[&[by_udp(600), SILENT]],
            &[SILENT; 2],
            "0 1, 1200 2, 1600 1, 1600 tcp 1, 2800 2, 2800 tcp 2; 5000 Silence",
        ),
        (&[], &[CLOSED; 2], "0 1, 10 2, 260 1, 260 tcp 1, 270 2, 270 tcp 2; 280 Silence"),
        (&[], &[CLOSED, SILENT], "0 1, 10 2, 410 1, 410 tcp 1, 420 2, 420 tcp 2; 3020 Silence"),
        (&[], &[CLOSED, by_udp(50)], "0 1, 10 2; 60 answer of second 0"),
    ];
    check(ExchangeEffort::Whole, cases).await;
}

/// Where others may be found, one gets two datagrams and little time.
#[tokio::test(start_paused = true)]
async fn a_server_that_others_may_be_found_beside_is_asked_briefly() {
    let cases: &[TimedCase<'_>] = &[
        (&[], &[SILENT], "0 1, 400 1; 1200 Silence"),
        (&[], &[by_udp(2500)], "0 1, 400 1; 1200 Silence"),
        (&[&[by_udp(20)]], &[SILENT], "0 1, 250 1; 1050 Silence"),
        (&[&[by_udp(600)]], &[SILENT], "0 1, 1200 1; 2400 Silence"),
        (&[&[BY_TCP][..]; 3], &[BY_TCP], "0 1, 400 1; 1200 Silence"),
    ];
    check(ExchangeEffort::Brief, cases).await;
}

/// Answers that do not fit a datagram.
#[tokio::test(start_paused = true)]
async fn what_does_not_fit_comes_over_a_stream_or_not_at_all() {
    let ask = async |reacts| TimedServers::new(1).ask(&[reacts], ExchangeEffort::Whole, true).await;
    assert_eq!(ask((In(10), In(10))).await, "0 1, 10 tcp 1; 20 answer of second 0");
    assert_eq!(ask((In(10), Silent)).await, "0 1, 10 tcp 1, 1510 tcp 1; 3510 NoStream");
}

/// One that answers over a stream, however late, is never taken to be silent.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_heard_by_stream_is_not_silent() {
    for (reacts, silent) in [((Silent, In(600)), false), (SILENT, true)] {
        let servers = TimedServers::new(1);
        for _ in 0..12 {
            servers.ask(&[reacts], ExchangeEffort::Whole, false).await;
        }
        assert_eq!((servers.0[0].is_down(), servers.0[0].is_silent()), (true, silent));
    }
}

/// The fastest of those that are up says how long it takes as a rule.
#[tokio::test(start_paused = true)]
async fn how_long_servers_need_as_a_rule() {
    let servers = TimedServers::new(2);
    assert_eq!(usual_time(&servers.0), Duration::ZERO);
    let [slow, fast] = &servers.0[..] else { panic!("two servers") };
    let (slow, fast) = (TimedServers(vec![Arc::clone(slow)]), TimedServers(vec![Arc::clone(fast)]));
    let usual = || tens(usual_time(&servers.0));
    slow.ask(&[by_udp(300)], ExchangeEffort::Whole, false).await;
    assert_eq!(usual(), 300);
    fast.ask(&[SILENT, by_udp(50)], ExchangeEffort::Whole, false).await;
    assert_eq!(usual(), 50);
    fast.ask(&[SILENT, SILENT], ExchangeEffort::Whole, false).await;
    assert!(servers.0[1].is_down());
    assert_eq!(usual(), 300);
    // One whose datagrams are lost is heard by TCP, before it is known to be down and after.
    let stream = TimedServers::new(1);
    for _ in 0..4 {
        stream.ask(&[(Silent, In(600))], ExchangeEffort::Whole, false).await;
        assert_eq!(tens(usual_time(&stream.0)), 600);
    }
}
