//! What handshakes with servers are done with, and their sessions for later ones.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::{ALL_VERSIONS, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::server_verifier::ServerVerifier;
use super::tls_failure::TlsFailure;
use super::tls_server::TlsServer;
use super::trusted_roots::TrustedRoots;
use crate::tls::crypto_provider::crypto_provider;

/// Servers whose sessions are remembered.
const SERVERS: usize = 1024;

/// What handshakes are done with, by server: one that is asked again resumes its session.
#[derive(Debug, Default)]
pub(crate) struct ClientConfigs(Mutex<KnownServers>);

#[derive(Debug, Default)]
struct KnownServers {
    roots: TrustedRoots,
    servers: HashMap<(SocketAddr, TlsServer), ServerConfig>,
}

/// What handshakes with one server are done with.
#[derive(Clone)]
pub(crate) struct ServerConfig {
    pub(crate) config: Arc<ClientConfig>,
    verifier: Arc<ServerVerifier>,
    /// What it was made of; where that changes, no earlier session counts.
    roots: Option<Arc<RootCertStore>>,
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl ServerConfig {
    /// Why the server's last certificate was refused; none if it was taken.
    pub(crate) fn last_refusal(&self) -> Option<TlsFailure> {
        self.verifier.last_refusal()
    }
}

impl ClientConfigs {
    /// What a handshake with this server is done with. Errors: [`TlsFailure::NoRoots`], or the library lacks what it should have.
    pub(crate) fn of(&self, address: SocketAddr, server: &TlsServer) -> Result<ServerConfig, TlsFailure> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let roots = if server.checks_chain() {
            let authorities = server.trust.authorities.as_deref();
            Some(known.roots.current(authorities).map_err(|_| TlsFailure::NoRoots)?)
        } else {
            None
        };
        let key = (address, server.clone());
        if let Some(found) = known.servers.get(&key)
            && same(found.roots.as_ref(), roots.as_ref())
        {
            return Ok(found.clone());
        }
        let made = made(server, roots)?;
        if known.servers.len() >= SERVERS {
            known.servers.clear();
        }
        known.servers.insert(key, made.clone());
        Ok(made)
    }
}

fn same(one: Option<&Arc<RootCertStore>>, other: Option<&Arc<RootCertStore>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

fn made(server: &TlsServer, roots: Option<Arc<RootCertStore>>) -> Result<ServerConfig, TlsFailure> {
    let provider = Arc::new(crypto_provider());
    let chain = match &roots {
        None => None,
        Some(roots) => {
            let builder =
                WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&provider));
            Some(builder.build().map_err(|_| TlsFailure::NoRoots)?)
        }
    };
    let pins = if server.trust.verified { Arc::clone(&server.trust.pins) } else { Arc::default() };
    let verifier = Arc::new(ServerVerifier::new(chain, pins, provider.signature_verification_algorithms));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(ALL_VERSIONS)
        .map_err(|_| TlsFailure::Incompatible)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
        .with_no_client_auth();
    config.alpn_protocols = vec![server.protocol.to_vec()];
    Ok(ServerConfig { config: Arc::new(config), verifier, roots })
}

/// Does the handshake with a server over a connection to it. Errors: why there is no session.
pub(crate) async fn open_session(
    configs: &ClientConfigs,
    server: &TlsServer,
    (address, stream): (SocketAddr, TcpStream),
) -> Result<TlsStream<TcpStream>, TlsFailure> {
    let config = configs.of(address, server)?.config;
    let subject = server.subject(IpAddr::to_canonical(&address.ip()))?;
    let session = TlsConnector::from(config).connect(subject, stream).await;
    session.map_err(|error| TlsFailure::of(&error))
}
