//! Handshakes of a listener.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{HandshakeKind, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::server::TlsStream;

use super::certificate_pair::CertificatePair;
use super::handshake_error::HandshakeError;

/// A connection whose bytes are encrypted.
pub type ServerTlsStream = TlsStream<TcpStream>;

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

/// Does the handshakes of a listener, with the certificate of the moment.
pub struct TlsAcceptor {
    certificate: Arc<CurrentCertificate>,
    acceptor: tokio_rustls::TlsAcceptor,
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor").finish_non_exhaustive()
    }
}

/// A session that began.
#[derive(Debug)]
pub struct AcceptedSession {
    /// The connection.
    pub stream: ServerTlsStream,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
}

impl TlsAcceptor {
    /// Takes clients that offer one of `protocols` (ALPN, RFC 7301; the best first), and those that offer none; not those that
    /// offer others alone.
    ///
    /// Errors: the library lacks what it should have.
    pub fn new(certificate: &CertificatePair, protocols: &[&[u8]], tickets: &TlsTickets) -> io::Result<Self> {
        let certificate = Arc::new(CurrentCertificate(RwLock::new(Arc::clone(&certificate.key))));
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Arc::clone(&tickets.0);
        config.max_early_data_size = 0;
        Ok(Self { certificate, acceptor: Arc::new(config).into() })
    }

    /// Later handshakes show this certificate. Sessions that were begun go on.
    pub fn set_certificate(&self, certificate: &CertificatePair) {
        *self.certificate.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&certificate.key);
    }

    /// Does the handshake with a client. Errors: why there is no session; the client was told where it can be.
    pub async fn accept(
        &self,
        stream: TcpStream,
        deadline: Instant,
    ) -> Result<AcceptedSession, HandshakeError> {
        let accepted = timeout_at(deadline, self.acceptor.accept(stream)).await;
        let stream = accepted.map_err(|_| HandshakeError::Timeout)?.map_err(HandshakeError::of)?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        Ok(AcceptedSession { stream, resumed })
    }
}

/// The certificate that is shown now.
#[derive(Debug)]
struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}
