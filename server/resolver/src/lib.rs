//! Where an answer comes from when neither a zone nor the cache holds it: decisions, without sockets.
//!
//! [`exchange`] asks one question of one server. Two stand on it: [`forward()`], which of a list of upstreams are asked and what of
//! their answers is passed on, and [`iterate`], from the root down to the servers of a name. Everything that is sent goes through [`UpstreamTransport`], which the server implements over
//! its sockets and tests over a script with a paused clock.

pub mod exchange;
pub mod forward;
pub mod identity;
pub mod iterate;
pub mod network;
pub mod question;
mod seeded_map;
mod session_failure;
pub mod validate;

pub use exchange::{AttemptOutcome, AttemptReport, ExtendedReason, RemoteServer, ServerStore, UnusableReply};
pub use forward::{
    FailureReason, ForwardAnswer, ForwardFailure, UpstreamPolicy, UpstreamPool, forward,
    holds_private_address,
};
pub use identity::{CertificateTrust, ServerIdentity};
pub use iterate::{
    ForwardZone, IterationSettings, NameMinimisation, NameServer, ResolutionScope, ResolverState, StubZone,
    WorkLimits,
};
pub use network::{DatagramVerdict, ExchangeError, SpoofSignal, UpstreamTransport};
pub use question::OutboundQuestion;
pub use session_failure::SessionFailure;
pub use validate::{SignatureCheck, TrustAnchor, TrustSettings};
