//! Handshakes of a listener.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::server::danger::ClientCertVerifier;
use rustls::{ALL_VERSIONS, HandshakeKind};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::certificate_pair::CertificatePair;
use super::client_verifier::{ClientAuthorities, ClientVerifier};
use super::current_certificates::CurrentCertificates;
use super::handshake_error::HandshakeError;
use super::server_config::server_config;
use super::session_stream::ServerTlsStream;
use super::session_terms::{KeyExchange, TlsVersion};
use super::tickets::TlsTickets;

/// Does the handshakes of a listener, with the certificate of the moment.
pub struct TlsAcceptor {
    certificates: Arc<CurrentCertificates>,
    verifier: Arc<ClientVerifier>,
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
    /// The version of TLS.
    pub version: TlsVersion,
    /// How the keys were exchanged.
    pub group: KeyExchange,
    /// The DNS names of the certificate that the client showed, where it was asked for one.
    pub client_names: Vec<String>,
}

impl TlsAcceptor {
    /// Takes clients that offer one of `protocols` (ALPN, RFC 7301; the best first), and those that offer none; not those that
    /// offer others alone. They are asked for certificates of `authorities`, where there are any, and may have none.
    ///
    /// Errors: the library lacks what it should have.
    pub fn new(
        certificates: &[CertificatePair],
        protocols: &[&[u8]],
        tickets: &TlsTickets,
        authorities: Option<ClientAuthorities>,
    ) -> io::Result<Self> {
        let certificates = CurrentCertificates::new(certificates);
        let verifier = ClientVerifier::new(authorities);
        let shared: Arc<dyn ClientCertVerifier> = Arc::<ClientVerifier>::clone(&verifier);
        let config = server_config(&certificates, protocols, tickets.produced(), ALL_VERSIONS, shared)?;
        Ok(Self { certificates, verifier, acceptor: Arc::new(config).into() })
    }

    /// Later handshakes ask for certificates of these, or for none.
    pub fn set_authorities(&self, authorities: Option<ClientAuthorities>) {
        self.verifier.set(authorities);
    }

    /// Later handshakes show these certificates, the first one unless another is for the name that a client asks for. Sessions that were begun go on.
    pub fn set_certificates(&self, certificates: &[CertificatePair]) {
        self.certificates.set(certificates);
    }

    /// Does the handshake with a client. Errors: why there is no session; the client was told where it can be.
    pub async fn accept(
        &self,
        stream: TcpStream,
        deadline: Instant,
    ) -> Result<AcceptedSession, HandshakeError> {
        let accepted = timeout_at(deadline, self.acceptor.accept(stream)).await;
        let stream = accepted.map_err(|_| HandshakeError::Timeout)?.map_err(HandshakeError::of)?;
        let session = stream.get_ref().1;
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let (version, group) = (TlsVersion::of(session), KeyExchange::of(session));
        let client_names =
            session.peer_certificates().map(|chain| self.verifier.names(chain)).unwrap_or_default();
        let stream = ServerTlsStream::new(stream);
        Ok(AcceptedSession { stream, resumed, version, group, client_names })
    }
}
