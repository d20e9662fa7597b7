//! Handshakes with a client of the same library, over loopback.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::*;

fn pair(names: &[&str]) -> CertificatePair {
    CertificatePair::self_signed(names.iter().map(ToString::to_string).collect()).unwrap()
}

/// A client that trusts this certificate alone.
fn client(
    trusted: &CertificatePair,
    protocols: &[&[u8]],
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.key.cert[0].clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

/// One connection: whether the server resumed a session, or why there is none; and what protocol was agreed on.
async fn connect(
    acceptor: &TlsAcceptor,
    client: &Arc<ClientConfig>,
) -> Result<(bool, Option<Vec<u8>>), HandshakeError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = tokio_rustls::TlsConnector::from(Arc::clone(client));
    let asked = tokio::spawn(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("dns.example").unwrap();
        let Ok(mut stream) = client.connect(name, stream).await else { return };
        // Reads what the server says last, and its tickets with it.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let (stream, _) = listener.accept().await.unwrap();
    let accepted = acceptor.accept(stream, Instant::now() + Duration::from_secs(20)).await;
    let told = match accepted {
        Ok(mut session) => {
            let protocol = session.stream.protocol().map(<[u8]>::to_vec);
            session.stream.shutdown().await.unwrap();
            drop(session.stream);
            Ok((session.resumed, protocol))
        }
        Err(error) => Err(error),
    };
    asked.await.unwrap();
    told
}

#[tokio::test]
async fn sessions_are_resumed_also_at_another_acceptor() {
    let (pair, tickets) = (pair(&["dns.example"]), TlsTickets::new().unwrap());
    let acceptors =
        [(); 2].map(|()| TlsAcceptor::new(std::slice::from_ref(&pair), &[b"dot"], &tickets, None).unwrap());
    for version in [&TLS13, &TLS12] {
        let client = client(&pair, &[b"dot"], version);
        let first = connect(&acceptors[0], &client).await.unwrap();
        assert_eq!(first, (false, Some(b"dot".to_vec())), "{version:?}");
        assert!(connect(&acceptors[1], &client).await.unwrap().0, "{version:?}");
    }
    let foreign =
        TlsAcceptor::new(std::slice::from_ref(&pair), &[b"dot"], &TlsTickets::new().unwrap(), None).unwrap();
    let client = client(&pair, &[], &TLS13);
    assert_eq!(connect(&acceptors[0], &client).await.unwrap(), (false, None));
    assert!(!connect(&foreign, &client).await.unwrap().0, "a ticket of another process");
}

#[tokio::test]
async fn another_certificate_serves_the_next_handshake() {
    let (old, new) = (pair(&["dns.example"]), pair(&["dns.example", "192.0.2.1"]));
    let acceptor =
        TlsAcceptor::new(std::slice::from_ref(&old), &[b"dot"], &TlsTickets::new().unwrap(), None).unwrap();
    assert!(connect(&acceptor, &client(&old, &[], &TLS13)).await.is_ok());
    acceptor.set_certificates(std::slice::from_ref(&new));
    assert!(connect(&acceptor, &client(&new, &[], &TLS13)).await.is_ok());
    let distrusted = connect(&acceptor, &client(&old, &[], &TLS13)).await;
    assert!(matches!(distrusted, Err(HandshakeError::Alert(_))), "{distrusted:?}");
}

#[tokio::test]
async fn the_name_that_is_asked_for_chooses_the_certificate() {
    let (first, named, wildcard) = (pair(&["other.example"]), pair(&["dns.example"]), pair(&["*.example"]));
    let tickets = TlsTickets::new().unwrap();
    // The client asks for dns.example, and trusts the second alone.
    for (shown, trusted) in [
        (vec![first.clone(), named.clone(), wildcard.clone()], &named),
        (vec![first.clone(), named.clone()], &named),
        (vec![named.clone(), first.clone()], &named),
    ] {
        let acceptor = TlsAcceptor::new(&shown, &[b"dot"], &tickets, None).unwrap();
        connect(&acceptor, &client(trusted, &[b"dot"], &TLS13)).await.unwrap();
        acceptor.set_certificates(std::slice::from_ref(&first));
        assert!(connect(&acceptor, &client(trusted, &[b"dot"], &TLS12)).await.is_err());
    }
    for (host, matches) in
        [("a.example", true), ("A.EXAMPLE", true), (".example", false), ("a.b.example", false)]
    {
        assert_eq!(wildcard.details().is_for(host), matches, "{host}");
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let pair = pair(&["dns.example"]);
    let acceptor =
        TlsAcceptor::new(std::slice::from_ref(&pair), &[b"dot"], &TlsTickets::new().unwrap(), None).unwrap();
    let http = connect(&acceptor, &client(&pair, &[b"h2", b"http/1.1"], &TLS13)).await;
    assert!(matches!(http, Err(HandshakeError::Protocol)), "{http:?}");
    let sends = |bytes: &'static [u8], stays: bool, time| {
        let acceptor = &acceptor;
        async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            peer.write_all(bytes).await.unwrap();
            let stream = listener.accept().await.unwrap().0;
            let held = stays.then_some(peer);
            let failed = acceptor.accept(stream, Instant::now() + time).await.unwrap_err();
            drop(held);
            failed
        }
    };
    let (long, short) = (Duration::from_secs(20), Duration::from_millis(50));
    let plain = sends(b"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00", true, long).await;
    assert!(matches!(plain, HandshakeError::NotTls(_)), "{plain:?}");
    let gone = sends(b"", false, long).await;
    assert!(matches!(gone, HandshakeError::Closed), "{gone:?}");
    for begun in [&b""[..], b"\x16\x03\x01"] {
        let silent = sends(begun, true, short).await;
        assert!(matches!(silent, HandshakeError::Timeout), "{silent:?}");
    }
    // Of version 1.1, and with no extension that says more.
    let mut hello = b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x02".to_vec();
    hello.extend([7; 32]);
    hello.extend(b"\x00\x00\x02\x00\x2f\x01\x00");
    let old = sends(Box::leak(hello.into_boxed_slice()), true, long).await;
    assert!(matches!(old, HandshakeError::Version(_)), "{old:?}");
}

#[tokio::test]
async fn one_read_takes_all_records_and_then_the_end() {
    let pair = pair(&["dns.example"]);
    let acceptor =
        TlsAcceptor::new(std::slice::from_ref(&pair), &[], &TlsTickets::new().unwrap(), None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = tokio_rustls::TlsConnector::from(client(&pair, &[], &TLS13));
    let (told, gone) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = client.connect(ServerName::try_from("dns.example").unwrap(), stream).await.unwrap();
        // Records that wait in the session until all are flushed.
        let session = stream.get_mut().1;
        for number in 0..50 {
            std::io::Write::write_all(&mut session.writer(), &[number; 20]).unwrap();
        }
        session.send_close_notify();
        stream.flush().await.unwrap();
        told.send(stream).unwrap();
    });
    let (stream, _) = listener.accept().await.unwrap();
    let session = acceptor.accept(stream, Instant::now() + Duration::from_secs(20)).await.unwrap();
    let (mut stream, _client) = (session.stream, gone.await.unwrap());
    let mut taken = [0xff; 1200];
    assert_eq!(stream.read(&mut taken[..30]).await.unwrap(), 30);
    assert_eq!(stream.read(&mut taken[30..]).await.unwrap(), 970);
    assert!(taken[..1000].chunks(20).zip(0..).all(|(record, number)| record == [number; 20]));
    assert_eq!(stream.read(&mut taken).await.unwrap(), 0);
}

#[test]
fn pairs_are_read_and_their_faults_named() {
    let made = [(); 2].map(|()| {
        rcgen::generate_simple_self_signed(vec!["dns.example".to_owned(), "2001:db8::1".to_owned()]).unwrap()
    });
    let (chain, key) = (made[0].cert.pem(), made[0].signing_key.serialize_pem());
    let read = CertificatePair::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(read.details().names, ["dns.example", "2001:db8::1"]);
    assert_eq!(read.details().invalid_at(std::time::SystemTime::now()), None);
    assert_eq!(
        read.details().invalid_at(read.details().not_after + Duration::from_secs(1)),
        Some("has expired")
    );
    let twice = format!(
        "{chain}{}",
        rcgen::CertificateParams::new(vec![])
            .map(|mut params| {
                params.distinguished_name.push(rcgen::DnType::CommonName, "another");
                params.self_signed(&made[1].signing_key).unwrap().pem()
            })
            .unwrap()
    );
    let misplaced = CertificatePair::from_pem(twice.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!((read.details().misplaced, misplaced.details().misplaced), (None, Some(2)));
    let other = made[1].signing_key.serialize_pem();
    for (chain, key, words) in [
        (&chain, &other, "not that of the certificate"),
        (&chain, &chain, "no private key"),
        (&key, &key, "no certificate in PEM"),
        (&String::new(), &key, "no certificate in PEM"),
        (&chain.replace("MII", "MIJ"), &key, "certificate 1 cannot be read"),
        (&chain.replace("-----END", "----END"), &key, "no PEM"),
        (&chain, &key.get(..60).unwrap().to_owned(), "private key"),
        (&chain.repeat(17), &key, "more than 16"),
    ] {
        let error = CertificatePair::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn no_byte_of_a_file_panics() {
    let made = rcgen::generate_simple_self_signed(vec!["dns.example".to_owned()]).unwrap();
    let der = made.cert.der().to_vec();
    for index in 0..der.len() {
        for flip in [1, 0x80, 0xff] {
            let mut broken = der.clone();
            broken[index] ^= flip;
            let _ = CertificateDetails::of_chain(&[broken.into()]);
        }
        let _ = CertificateDetails::of_chain(&[der[..index].to_vec().into()]);
    }
}
