//! Zones of other servers: looked after by the times of their SOA (RFC 1035 section 3.3.13), and whenever a primary says that there
//! is a new version (RFC 1996).
//!
//! One task says which zone is looked at when (`schedule`); each look is a task of its own (`look`), which asks one primary after the
//! other (`primary`).

mod clock_anchor;
mod connection;
mod datagram;
mod exchange;
mod failure;
mod line;
mod look;
mod pace;
mod primary;
mod schedule;
mod signed_zone;
mod task;
mod timers;

pub use task::refresh_zones;
