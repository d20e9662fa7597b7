//! The client's side of TLS: which server is meant, what its certificate is judged by, and handshakes with it.

mod client_configs;
mod server_verifier;
mod tls_failure;
mod tls_server;
mod trusted_roots;

pub use tls_failure::TlsFailure;
pub use tls_server::{ServerTrust, TlsServer};
pub use trusted_roots::{RootsError, check_roots};

pub(crate) use client_configs::{ClientConfigs, open_session};
