//! Where an answer comes from when neither a zone nor the cache holds it: decisions, without sockets.
//!
//! Everything that is sent goes through [`Network`], which the server implements over its sockets and tests over a
//! script with a paused clock.

pub mod forward;
pub mod network;
pub mod question;

pub use forward::{Answer, Failure, Observe, Policy, Pool, Registry, Upstream, forward};
pub use network::{ExchangeError, Network, Verdict, Why};
pub use question::Question;
