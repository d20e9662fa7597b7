//! Work that waits for others: through one bounded door, joined where the question is the same, answered to each client by
//! itself.

mod driver;
mod lookup;
mod prober;
mod upstream_network;

use std::sync::Arc;
use std::time::Instant;

use rhumb_net::udp::DatagramSocket;
use tokio::sync::{mpsc, oneshot};

use crate::metrics::Held;
use crate::query::Job;
use crate::snapshot::ServerState;

pub use driver::run;
pub use lookup::Tried;
pub use prober::probe_upstreams;
pub use upstream_network::UpstreamNetwork;

/// Jobs that may stand before the door; beyond, queries are answered SERVFAIL.
const DOOR: usize = 8192;

/// Where the answer of a job goes.
#[derive(Debug)]
pub enum ReplyTo {
    /// Out of the socket it came in by, from the address that was asked.
    Datagram(Arc<DatagramSocket>),
    /// To the connection it came by.
    Stream(mpsc::Sender<Vec<u8>>),
    /// To whoever wants it explained.
    Explain(oneshot::Sender<Explained>),
    /// Nobody waits: the cache is renewed.
    Nobody,
}

/// The answer to a job, and what was tried to find it.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The message as a client would get it.
    pub message: Vec<u8>,
    /// Each attempt, in order.
    pub tried: Arc<[Tried]>,
}

/// A job on its way, counted as waiting as long as it lives.
#[derive(Debug)]
struct Waiting {
    job: Box<Job>,
    reply: ReplyTo,
    since: Instant,
    _held: Held,
}

/// The door of the driver.
#[derive(Debug, Clone)]
pub struct Door {
    jobs: mpsc::Sender<Waiting>,
    live: Arc<ServerState>,
}

/// The other side of the door, for [`run`].
#[derive(Debug)]
pub struct Inside {
    jobs: mpsc::Receiver<Waiting>,
    live: Arc<ServerState>,
}

/// Makes the door.
pub fn door(live: &Arc<ServerState>) -> (Door, Inside) {
    let (sender, receiver) = mpsc::channel(DOOR);
    (Door { jobs: sender, live: Arc::clone(live) }, Inside { jobs: receiver, live: Arc::clone(live) })
}

impl Door {
    /// Passes a job in; gives it back where there is no room. Never waits.
    pub fn enter(&self, job: Box<Job>, reply: ReplyTo) -> Result<(), Box<Job>> {
        let waiting = Waiting { job, reply, since: Instant::now(), _held: self.live.metrics.waiting() };
        self.jobs.try_send(waiting).map_err(|error| error.into_inner().job)
    }
}
