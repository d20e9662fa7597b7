//! How queries come in: listeners, the threads of UDP, the connections of TCP.

mod answer;
mod certificates;
mod descriptors;
mod following;
pub mod listener_key;
pub mod listeners;
mod notes;
pub mod stream;
mod tls;
pub mod udp;
mod wanted;

pub use certificates::{CertificateState, check_certificates};
pub use following::follow_addresses;
pub use listeners::{ListenerServices, Listeners};
