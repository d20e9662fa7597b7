//! The driver: one task that joins equal questions, starts a look-up for each, and answers everybody who waits for it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rhumb_wire::Rcode;
use rhumb_wire::edns::ExtendedError;
use tokio::sync::{mpsc, watch};

use super::lookup::{Event, FlightKey, Found, Lookup};
use super::{Explained, Inside, ReplyTo, UpstreamNetwork, Waiting};
use crate::metrics::DropReason;
use crate::query::{Purpose, answer_waiting, fail_waiting, truncate};
use crate::snapshot::ServerState;
use crate::test_hooks::{PanicPoint, inject_panic};

/// Look-ups under way at a time.
const FLIGHTS: usize = 4096;
/// Clients that wait for one question.
const WAITERS: usize = 1000;
/// Queries of one client, or one IPv6 /56, that wait at a time.
const EACH: u32 = 1000;
/// From so many waiting queries of a client on, its late UDP answers are dropped: it may be the target of a burst (CVE-2024-33655).
const CROWD: u32 = 100;
/// How late such an answer is.
const LATE: Duration = Duration::from_millis(1900);
/// How long look-ups have once the server stops; it leaves their clients' connections some of the five seconds of the end.
const LAST: Duration = Duration::from_millis(4500);

#[derive(Debug, Default)]
struct Flight {
    waiting: Vec<Waiting>,
}

struct Driver {
    live: Arc<ServerState>,
    network: Arc<UpstreamNetwork>,
    flights: HashMap<FlightKey, Flight>,
    clients: HashMap<IpAddr, u32>,
    events: mpsc::UnboundedSender<Event>,
    out: Vec<u8>,
}

/// Runs until `stop` is true and nobody waits any more, or the door is gone. Who still waits some seconds after `stop` is
/// told that it failed.
pub async fn run(inside: Inside, mut stop: watch::Receiver<bool>) {
    let Inside { mut jobs, live } = inside;
    // Bounded by the number of flights: each sends two events at most.
    let (events, mut arrivals) = mpsc::unbounded_channel();
    let mut driver = Driver {
        live,
        network: Arc::new(UpstreamNetwork),
        flights: HashMap::new(),
        clients: HashMap::new(),
        events,
        out: vec![0; 65_535],
    };
    let mut stopping = false;
    let mut last = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
    while !(stopping && driver.flights.is_empty() && jobs.is_empty()) {
        tokio::select! {
            Some(event) = arrivals.recv() => driver.land(event),
            job = jobs.recv() => match job {
                Some(waiting) => driver.join(waiting),
                None => return,
            },
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                last.as_mut().reset(tokio::time::Instant::now() + LAST);
            }
            () = &mut last, if stopping => {
                while let Ok(waiting) = jobs.try_recv() {
                    driver.join(waiting);
                }
                return driver.give_up();
            }
        }
    }
}

impl Driver {
    fn join(&mut self, waiting: Waiting) {
        inject_panic(PanicPoint::ResolveTask);
        let job = &waiting.job;
        let counted = network(job.peer.ip());
        if job.purpose == Purpose::Answer && *self.clients.get(&counted).unwrap_or(&0) >= EACH {
            self.drop_counted(DropReason::QueueFull);
            return;
        }
        let key = FlightKey {
            question: job.key.clone(),
            route: job.route.id(),
            upstreams: job.route.state().serial,
            bits: (job.question.dnssec_ok, job.question.checking_disabled),
        };
        let flying = self.flights.contains_key(&key);
        if !flying && self.flights.len() >= FLIGHTS {
            self.fail(waiting, "too many questions wait");
            return;
        }
        if !flying {
            self.take_off(&key, &waiting);
        }
        let flight = self.flights.entry(key).or_default();
        if flight.waiting.len() >= WAITERS {
            self.fail(waiting, "too many clients wait for this question");
        } else if waiting.job.purpose == Purpose::Answer {
            *self.clients.entry(counted).or_insert(0) += 1;
            flight.waiting.push(waiting);
        }
    }

    fn take_off(&self, key: &FlightKey, waiting: &Waiting) {
        let job = &waiting.job;
        let lookup = Lookup {
            live: Arc::clone(&self.live),
            network: Arc::clone(&self.network),
            route: Arc::clone(&job.route),
            question: job.question.clone(),
            cache_key: job.key.clone(),
        };
        let (key, events) = (key.clone(), self.events.clone());
        tokio::spawn(lookup.run(key, events));
    }

    fn land(&mut self, event: Event) {
        let (flight, found) = match event {
            Event::Stale(key, found) => (self.flights.get_mut(&key).map(std::mem::take), found),
            Event::Landed(key, found) => (self.flights.remove(&key), found),
        };
        let Some(flight) = flight else { return };
        for waiting in flight.waiting {
            self.answer(waiting, &found);
        }
    }

    fn answer(&mut self, waiting: Waiting, found: &Found) {
        let crowd = self.leave(waiting.job.peer.ip());
        let late = waiting.since.elapsed() > LATE && crowd > CROWD;
        if late && matches!(waiting.reply, ReplyTo::Datagram(_)) {
            self.drop_counted(DropReason::TooOld);
            return;
        }
        let mut out = std::mem::take(&mut self.out);
        let length = match &found.outcome {
            Ok((message, hit)) => answer_waiting(&waiting.job, message, hit.as_ref(), &mut out),
            Err((rcode, error)) => fail_waiting(&waiting.job, *rcode, *error, &mut out),
        };
        if let Some(reply) = length.and_then(|length| out.get_mut(..length)) {
            self.send(waiting, reply, found);
        }
        self.out = out;
    }

    /// Tells everybody who waits that it failed.
    fn give_up(&mut self) {
        for (_, flight) in std::mem::take(&mut self.flights) {
            for waiting in flight.waiting {
                let outcome = Err((Rcode::SERVFAIL, (ExtendedError::Other, "the server is about to end")));
                self.answer(waiting, &Found { outcome, tried: Arc::default() });
            }
        }
    }

    fn fail(&mut self, waiting: Waiting, why: &'static str) {
        let outcome = Err((Rcode::SERVFAIL, (ExtendedError::Other, why)));
        *self.clients.entry(network(waiting.job.peer.ip())).or_insert(0) += 1;
        self.drop_counted(DropReason::QueueFull);
        self.answer(waiting, &Found { outcome, tried: Arc::default() });
    }

    fn send(&self, waiting: Waiting, reply: &mut [u8], found: &Found) {
        let metrics = &self.live.metrics;
        metrics.with_local(|block| {
            crate::query::count_message(block, reply);
            block.duration(waiting.job.transport, waiting.since.elapsed(), 1);
        });
        let job = &waiting.job;
        let failed = match waiting.reply {
            ReplyTo::Datagram(socket) => match socket.send(reply, job.peer, &job.local) {
                Ok(()) => None,
                Err(rhumb_net::udp::DatagramSendError::TooLarge) => {
                    let length = truncate(reply);
                    let reply = reply.get(..length).unwrap_or_default();
                    socket.send(reply, job.peer, &job.local).err().map(|_| DropReason::SendFailed)
                }
                Err(_) => Some(DropReason::SendFailed),
            },
            ReplyTo::Stream(connection) => {
                connection.try_send(reply.to_vec()).err().map(|_| DropReason::ClientGone)
            }
            ReplyTo::Explain(asker) => {
                let told = Explained { message: reply.to_vec(), tried: Arc::clone(&found.tried) };
                asker.send(told).err().map(|_| DropReason::ClientGone)
            }
            ReplyTo::Nobody => None,
        };
        if let Some(reason) = failed {
            self.drop_counted(reason);
        }
    }

    /// One query of this client fewer; gives how many there were.
    fn leave(&mut self, ip: IpAddr) -> u32 {
        let key = network(ip);
        let Some(count) = self.clients.get_mut(&key) else { return 0 };
        let before = *count;
        *count = before.saturating_sub(1);
        if *count == 0 {
            self.clients.remove(&key);
        }
        before
    }

    fn drop_counted(&self, reason: DropReason) {
        self.live.metrics.with_local(|block| block.dropped(reason));
    }
}

/// Who counts as one client: an IPv4 address, or an IPv6 /56.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !((1 << 72) - 1)).into()),
    }
}
