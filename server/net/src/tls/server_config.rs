//! What handshakes of TLS and of QUIC have in common.

use std::io;
use std::sync::Arc;

use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::crypto_provider::crypto_provider;
use super::current_certificates::CurrentCertificates;

/// Handshakes that show one of `certificates` to clients that offer one of `protocols` (ALPN, RFC 7301; the best first), or none. Nothing is kept
/// of a session, and early data is not taken. What clients show is for `verifier`.
///
/// Errors: the library lacks what it should have.
pub(crate) fn server_config(
    certificates: &Arc<CurrentCertificates>,
    protocols: &[&[u8]],
    tickets: Arc<dyn ProducesTickets>,
    versions: &[&'static SupportedProtocolVersion],
    verifier: Arc<dyn ClientCertVerifier>,
) -> io::Result<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(crypto_provider()))
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(certificates) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = tickets;
    config.max_early_data_size = 0;
    // A client uses each but once, and gets another one for it.
    config.send_tls13_tickets = 1;
    // Most clients would take a suite that costs more.
    config.ignore_client_order = true;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};
    use rustls::pki_types::ServerName;
    use rustls::server::WebPkiClientVerifier;
    use rustls::version::{TLS12, TLS13};
    use rustls::{CipherSuite, ClientConfig, ClientConnection, RootCertStore, ServerConnection};

    use super::*;
    use crate::tls::{CertificatePair, TlsTickets};

    /// The suite that is agreed on with a client of these.
    fn agreed(version: &'static SupportedProtocolVersion, fits: impl Fn(CipherSuite) -> bool) -> CipherSuite {
        let pair = CertificatePair::self_signed(vec!["dns.example".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(pair.key.cert[0].clone()).unwrap();
        let mut provider: CryptoProvider = aws_lc_rs::default_provider();
        provider.cipher_suites.retain(|suite| fits(suite.suite()));
        let provider = Arc::new(provider);
        let client =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());
        let mut client = ClientConnection::new(client, ServerName::try_from("dns.example").unwrap()).unwrap();
        let (certificates, tickets) = (CurrentCertificates::new(&[pair]), TlsTickets::new().unwrap());
        let verifier = WebPkiClientVerifier::no_client_auth();
        let server =
            server_config(&certificates, &[], tickets.produced(), rustls::ALL_VERSIONS, verifier).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut bytes.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            bytes.clear();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets().unwrap();
        }
        client.negotiated_cipher_suite().unwrap().suite()
    }

    #[test]
    fn the_cheaper_hash_is_taken_whatever_the_client_likes_best() {
        use CipherSuite as Suite;
        assert_eq!(agreed(&TLS13, |_| true), Suite::TLS13_AES_128_GCM_SHA256);
        assert_eq!(agreed(&TLS12, |_| true), Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256);
        let strong = |suite| suite == Suite::TLS13_AES_256_GCM_SHA384;
        assert_eq!(agreed(&TLS13, strong), Suite::TLS13_AES_256_GCM_SHA384);
        let other = |suite| suite == Suite::TLS13_CHACHA20_POLY1305_SHA256;
        assert_eq!(agreed(&TLS13, other), Suite::TLS13_CHACHA20_POLY1305_SHA256);
    }
}
