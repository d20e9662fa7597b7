//! The handshakes that connections of a listener begin with.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rhumb_net::tls::{HandshakeError, KeyExchange, ServerTlsStream, TlsAcceptor, TlsVersion};
use rhumb_wire::{DomainName, Transport};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::open_listener::{ListenerTerms, TlsTerms};
use super::paced_log::PacedLog;
use super::stream::StreamServices;
use crate::metrics::{HandshakeResult, KeyExchangeLabel, ServerMetrics, TlsVersionLabel};

/// The handshakes of a listener.
#[derive(Debug)]
pub(super) struct ListenerHandshakes {
    acceptor: TlsAcceptor,
    log: HandshakeLog,
}

impl ListenerHandshakes {
    /// Errors: there is no certificate, or the library lacks what it should have.
    pub(super) fn new(transport: Transport, terms: &ListenerTerms<'_>) -> io::Result<Self> {
        let TlsTerms { certificates, tickets, authorities } = terms.needed_tls()?;
        let acceptor = TlsAcceptor::new(certificates, transport.protocols(), tickets, authorities.clone())?;
        Ok(Self { acceptor, log: HandshakeLog::new(transport) })
    }

    /// Later handshakes are done by these terms.
    pub(super) fn set_terms(&self, terms: &ListenerTerms<'_>) {
        if let Some(tls) = &terms.tls {
            self.acceptor.set_certificates(&tls.certificates);
            self.acceptor.set_authorities(tls.authorities.clone());
        }
    }

    /// Does the handshake of a connection that began at `begun`, within the time that the first query has. None: there is no
    /// session, which is counted. With the names of the client's certificate.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        client: SocketAddr,
        streams: &StreamServices,
        begun: Instant,
    ) -> Option<(ServerTlsStream, Arc<[DomainName]>)> {
        let within = streams.first_query_time();
        let metrics = &streams.live.metrics;
        match self.acceptor.accept(stream, begun + within).await {
            Ok(session) => {
                let result = if session.resumed { HandshakeResult::Resumed } else { HandshakeResult::Full };
                let transport = self.log.transport;
                metrics.clients().handshake(transport, result);
                metrics.clients().session(
                    transport,
                    label_of_version(session.version),
                    label_of_group(session.group),
                );
                let names = session.client_names.iter().filter_map(|name| name.parse().ok());
                Some((session.stream, names.collect()))
            }
            Err(error) => {
                self.log.failed(client, &error, metrics);
                None
            }
        }
    }
}

/// What is counted and logged of handshakes that fail, once a minute for each cause.
#[derive(Debug)]
pub(super) struct HandshakeLog {
    transport: Transport,
    paced: PacedLog<{ HandshakeResult::COUNT }>,
}

impl HandshakeLog {
    pub(super) fn new(transport: Transport) -> Self {
        Self { transport, paced: PacedLog::new() }
    }

    /// A handshake failed.
    pub(super) fn failed(&self, client: SocketAddr, error: &HandshakeError, metrics: &ServerMetrics) {
        let cause = cause_of(error);
        metrics.clients().handshake(self.transport, cause);
        if self.paced.is_due(cause.index()) {
            tracing::info!(%client, proto = self.transport.name(), "no TLS session: {error}");
        }
    }
}

const fn cause_of(error: &HandshakeError) -> HandshakeResult {
    match error {
        HandshakeError::Timeout => HandshakeResult::Timeout,
        HandshakeError::Closed => HandshakeResult::Closed,
        HandshakeError::NotTls(_) => HandshakeResult::NotTls,
        HandshakeError::Version(_) => HandshakeResult::Version,
        HandshakeError::Cipher(_) => HandshakeResult::Cipher,
        HandshakeError::Protocol => HandshakeResult::Protocol,
        HandshakeError::Alert(_) => HandshakeResult::Alert,
        HandshakeError::ClientCertificate(_) => HandshakeResult::ClientCertificate,
        HandshakeError::Other(_) => HandshakeResult::Other,
    }
}

const fn label_of_version(version: TlsVersion) -> TlsVersionLabel {
    match version {
        TlsVersion::V12 => TlsVersionLabel::V12,
        TlsVersion::V13 => TlsVersionLabel::V13,
    }
}

pub(super) const fn label_of_group(group: KeyExchange) -> KeyExchangeLabel {
    match group {
        KeyExchange::X25519MlKem768 => KeyExchangeLabel::X25519MlKem768,
        KeyExchange::X25519 => KeyExchangeLabel::X25519,
        KeyExchange::Secp256r1 => KeyExchangeLabel::Secp256r1,
        KeyExchange::Secp384r1 => KeyExchangeLabel::Secp384r1,
        KeyExchange::Nothing => KeyExchangeLabel::Nothing,
        KeyExchange::Other => KeyExchangeLabel::Unknown,
    }
}
