//! Forwarding: one question to a list of upstreams.
//!
//! What an upstream says is scrubbed of all that was not asked for. Whatever upstreams do, a question takes at most
//! [`limits::DEADLINE`] and [`limits::SENDS`] messages.

mod forwarder;
pub mod limits;
mod outcome;
mod pool;
mod rebinding;
pub mod scrub;

pub use outcome::{FailureReason, ForwardAnswer, ForwardFailure};
pub use pool::{UpstreamPolicy, UpstreamPool};
pub use rebinding::holds_private_address;

use crate::exchange::AttemptObserver;
use crate::network::UpstreamTransport;
use crate::question::OutboundQuestion;

/// Asks the upstreams of `pool`, one after the other, until one has a good answer.
///
/// A response code other than NOERROR and NXDOMAIN makes the next upstream be asked, as does silence; the last such code
/// is what a failure says. The future may be dropped at any time.
///
/// Errors: [`ForwardFailure`], after at most [`limits::DEADLINE`] and [`limits::SENDS`] messages.
pub async fn forward<'a>(
    net: &'a impl UpstreamTransport,
    pool: &UpstreamPool,
    question: &'a OutboundQuestion,
    observer: &'a mut AttemptObserver<'a>,
) -> Result<ForwardAnswer, ForwardFailure> {
    forwarder::ForwardingCourse::new(net, pool, question, observer).run().await
}

#[cfg(test)]
mod tests;
