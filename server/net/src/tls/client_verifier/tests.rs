//! Handshakes in memory with clients of the same library that show certificates.

use std::io;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection, HandshakeKind};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::*;
use crate::tls::current_certificates::CurrentCertificates;
use crate::tls::server_config::server_config;
use crate::tls::{CertificatePair, HandshakeError, TlsTickets};

type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn read(&self) -> ClientAuthorities {
        ClientAuthorities::from_pem(self.pem.as_bytes()).unwrap()
    }

    fn issue(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Shown {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }
}

/// A server, and what its clients trust.
struct Server {
    verifier: Arc<ClientVerifier>,
    config: Arc<ServerConfig>,
    pair: CertificatePair,
}

impl Server {
    fn new(authorities: Option<ClientAuthorities>) -> Self {
        let pair = CertificatePair::self_signed(vec!["dns.example".to_owned()]).unwrap();
        let certificates = CurrentCertificates::new(std::slice::from_ref(&pair));
        let verifier = ClientVerifier::new(authorities);
        let shared: Arc<dyn ClientCertVerifier> = Arc::<ClientVerifier>::clone(&verifier);
        let tickets = TlsTickets::new().unwrap().produced();
        let config = server_config(&certificates, &[], tickets, ALL_VERSIONS, shared).unwrap();
        Self { verifier, config: Arc::new(config), pair }
    }

    fn client(&self, version: &'static SupportedProtocolVersion, shown: Option<Shown>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.pair.key.cert[0].clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(&[version]).unwrap().with_root_certificates(roots);
        Arc::new(match shown {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        })
    }

    /// Whether an earlier session was resumed, and the names of the client; none where it is refused.
    fn session(&self, client: &Arc<ClientConfig>) -> Option<(bool, Vec<String>)> {
        let name = ServerName::try_from("dns.example").unwrap();
        let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::clone(&self.config)).unwrap();
        // The last of them bring tickets.
        for _ in 0..6 {
            let mut bytes = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut bytes).unwrap();
            }
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                server.read_tls(&mut rest).unwrap();
                if let Err(error) = server.process_new_packets() {
                    let cause = HandshakeError::of(io::Error::other(error));
                    assert!(matches!(cause, HandshakeError::ClientCertificate(_)), "{cause:?}");
                    return None;
                }
            }
            bytes.clear();
            while server.wants_write() {
                server.write_tls(&mut bytes).unwrap();
            }
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                client.read_tls(&mut rest).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        assert!(!server.is_handshaking());
        let resumed = server.handshake_kind() == Some(HandshakeKind::Resumed);
        let chain = server.peer_certificates();
        Some((resumed, chain.map(|chain| self.verifier.names(chain)).unwrap_or_default()))
    }
}

#[test]
fn names_are_those_of_a_certificate_that_is_verified() {
    let (ours, others) = (Authority::new(), Authority::new());
    let server = Server::new(Some(ours.read()));
    let as_it_is = |_: &mut CertificateParams| {};
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    for version in [&TLS13, &TLS12] {
        let found = |shown: Option<Shown>| server.session(&server.client(version, shown));
        let named = |names: &[&str]| Some((false, names.iter().map(ToString::to_string).collect()));
        let names = ["a.example", "*.b.example", "192.0.2.1"];
        assert_eq!(found(Some(ours.issue(&names, as_it_is))), named(&["a.example", "*.b.example"]));
        assert_eq!(found(Some(ours.issue(&["2001:db8::1"], as_it_is))), named(&[]));
        assert_eq!(found(Some(ours.issue(&[], as_it_is))), named(&[]));
        let odd = ["\\097.example", "a\\.example", "a .example", "a\0.example", "(a.example", "_a-1.example"];
        assert_eq!(found(Some(ours.issue(&odd, as_it_is))), named(&["_a-1.example"]));
        assert_eq!(found(None), named(&[]));
        assert_eq!(found(Some(others.issue(&["a.example"], as_it_is))), None);
        assert_eq!(found(Some(ours.issue(&["a.example"], expired))), None);
    }
}

#[test]
fn issuers_may_change() {
    let (ours, others) = (Authority::new(), Authority::new());
    let server = Server::new(None);
    for version in [&TLS13, &TLS12] {
        server.verifier.set(None);
        let shown = ours.issue(&["a.example"], |_| {});
        let client = || server.client(version, Some((shown.0.clone(), shown.1.clone_key())));
        assert_eq!(server.session(&client()), Some((false, vec![])), "nobody is asked");
        server.verifier.set(Some(ours.read()));
        let kept = client();
        for resumed in [false, true, true] {
            assert_eq!(server.session(&kept), Some((resumed, vec!["a.example".to_owned()])), "{version:?}");
        }
        server.verifier.set(Some(others.read()));
        assert_eq!(server.session(&kept), Some((true, vec![])), "a session of before");
        assert_eq!(server.session(&client()), None);
    }
}

#[test]
fn long_chains_are_refused() {
    let (ours, others) = (Authority::new(), Authority::new());
    let server = Server::new(Some(ours.read()));
    let more = read_chain(others.pem.as_bytes()).unwrap().remove(0);
    for version in [&TLS13, &TLS12] {
        let (mut chain, key) = ours.issue(&["a.example"], |_| {});
        let room = (MOST_BYTES - chain[0].len()) / more.len();
        chain.extend(std::iter::repeat_n(more.clone(), room));
        let client = server.client(version, Some((chain.clone(), key.clone_key())));
        for resumed in [false, true] {
            assert_eq!(server.session(&client), Some((resumed, vec!["a.example".to_owned()])), "{version:?}");
        }
        chain.push(more.clone());
        assert_eq!(server.session(&server.client(version, Some((chain, key)))), None, "{version:?}");
    }
}

#[test]
fn files_of_issuers() {
    let (one, other) = (Authority::new(), Authority::new());
    let both = ClientAuthorities::from_pem((one.pem.clone() + &other.pem).as_bytes()).unwrap();
    assert!(one.read() == one.read() && one.read() != other.read() && both != one.read());
    let server = Server::new(Some(both));
    for authority in [one, other] {
        let shown = authority.issue(&["a.example"], |_| {});
        let found = server.session(&server.client(&TLS13, Some(shown)));
        assert_eq!(found, Some((false, vec!["a.example".to_owned()])));
    }
    for (pem, words) in [
        (String::new(), "no certificate in PEM"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            "certificate 1 cannot be read",
        ),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned(), "no PEM"),
    ] {
        let error = ClientAuthorities::from_pem(pem.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}
