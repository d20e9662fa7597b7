//! What handshakes of TLS and of QUIC have in common.

use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::current_certificates::CurrentCertificates;

/// Handshakes that show one of `certificates` to clients that offer one of `protocols` (ALPN, RFC 7301; the best first), or none. Nothing is kept
/// of a session, and early data is not taken.
///
/// Errors: the library lacks what it should have.
pub(crate) fn server_config(
    certificates: &Arc<CurrentCertificates>,
    protocols: &[&[u8]],
    tickets: Arc<dyn ProducesTickets>,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(certificates) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = tickets;
    config.max_early_data_size = 0;
    Ok(config)
}
