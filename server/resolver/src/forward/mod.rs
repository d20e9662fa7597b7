//! Forwarding: one question to a list of upstreams.
//!
//! An upstream's reply is taken only if it comes to the socket its query left from, with the query's id and question, in
//! the very case the question was sent in (RFC 5452 section 9; draft-vixie-dnsext-dns0x20). What it says is cleaned of
//! all that was not asked for. Whatever upstreams do, a question takes at most eight seconds and twelve messages.

pub mod clean;
mod counters;
mod driver;
mod health;
mod judge;
mod landing;
pub mod limits;
mod outcome;
mod pool;
mod query;
mod quirks;
mod race;
mod registry;
mod rtt;
mod slot;
mod upstream;

pub use counters::{Counts, RCODE_CLASSES, rcode_class};
pub use outcome::{Answer, Attempt, Failure, Observe, Outcome, Reason};
pub use pool::{Policy, Pool};
pub use registry::Registry;
pub use upstream::{Transport, Upstream};

use crate::network::Network;
use crate::question::Question;

/// Asks the upstreams of `pool`, one after the other, until one has a good answer.
///
/// A response code other than NOERROR and NXDOMAIN makes the next upstream be asked, as does silence; the last such code
/// is what a failure tells. The future may be dropped at any time.
///
/// Errors: [`Failure`], after at most [`limits::DEADLINE`] and [`limits::SENDS`] messages.
pub async fn forward(
    net: &impl Network,
    pool: &Pool,
    question: &Question,
    observer: &mut (impl Observe + ?Sized),
) -> Result<Answer, Failure> {
    driver::Driver::new(net, pool, question, observer).run().await
}

#[cfg(test)]
mod tests;
