//! What handshakes of TLS and of QUIC have in common.

use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::server::{NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::current_certificates::CurrentCertificates;

/// What session tickets are made and read with: a key of the process, another one every six hours, each good for twelve. With the
/// same one, all acceptors take the tickets of each other.
#[derive(Debug, Clone)]
pub struct TlsTickets(Arc<dyn ProducesTickets>);

impl TlsTickets {
    /// Errors: the system gives no random bytes.
    pub fn new() -> io::Result<Self> {
        Ticketer::new().map(Self).map_err(io::Error::other)
    }
}

/// Handshakes that show one of `certificates` to clients that offer one of `protocols` (ALPN, RFC 7301; the best first), or none. Nothing is kept
/// of a session, and early data is not taken.
///
/// Errors: the library lacks what it should have.
pub(crate) fn server_config(
    certificates: &Arc<CurrentCertificates>,
    protocols: &[&[u8]],
    tickets: &TlsTickets,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(certificates) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Arc::clone(&tickets.0);
    config.max_early_data_size = 0;
    Ok(config)
}
