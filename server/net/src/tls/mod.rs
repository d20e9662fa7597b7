//! TLS: certificates with their keys and handshakes with clients; handshakes with servers ([`client`]).
//!
//! TLS 1.3 and 1.2 by rustls and aws-lc-rs. Tickets for clients are stateless: nothing is kept of a connection that has ended. Early
//! data is neither accepted nor sent (RFC 8446, section 8: it may be replayed).

mod acceptor;
mod certificate_details;
mod certificate_error;
mod certificate_pair;
pub mod client;
mod client_verifier;
mod crypto_provider;
mod current_certificates;
mod handshake_error;
mod server_config;
mod server_hello;
mod session_stream;
mod session_terms;
mod ticket_keys;
mod tickets;

pub use acceptor::{AcceptedSession, TlsAcceptor};
pub use certificate_details::{CertificateDetails, is_name_for};
pub use certificate_error::CertificateError;
pub use certificate_pair::CertificatePair;
pub use client_verifier::ClientAuthorities;
pub use handshake_error::HandshakeError;
pub use session_stream::ServerTlsStream;
pub use session_terms::{KeyExchange, TlsVersion};
pub use tickets::{TicketSecret, TlsTickets};

pub(crate) use current_certificates::CurrentCertificates;
pub(crate) use server_config::server_config;
pub(crate) use server_hello::ServerHello;

#[cfg(test)]
mod tests;
