//! How queries come in: listeners, the threads of UDP, the connections of TCP.

mod admission;
mod answer;
mod answer_batch;
mod certificates;
mod client_authorities;
mod descriptors;
mod designated_as;
mod designations;
mod exchange;
mod following;
mod handshakes;
mod https;
pub mod listener_key;
pub mod listeners;
mod notes;
mod open_listener;
mod openers;
mod paced_log;
mod quic;
mod self_signed;
pub mod stream;
mod tcp;
mod tls;
mod trusted_proxies;
mod udp;
mod wanted;

pub use admission::ClientAdmission;
pub use certificates::{CertificateState, check_certificates};
pub use designated_as::designated_as;
pub use following::follow_addresses;
pub use listeners::OpenListeners;
pub use open_listener::BoundListener;
pub use stream::ListenerServices;
