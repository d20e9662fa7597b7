//! How queries come in: listeners, the threads of UDP, the connections of TCP.

mod answer;
pub mod listeners;
pub mod stream;
pub mod udp;

pub use listeners::{ListenerServices, Listeners};
