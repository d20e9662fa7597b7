//! Connections that one user has for himself, to servers on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::WebPkiClientVerifier;
use rustls::{ALL_VERSIONS, SupportedProtocolVersion, version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::encrypted_tests::{NAME, pair, trust};
use super::server_stream::{ServerConnectError, ServerConnector};
use crate::tls::client::{ServerTrust, TlsFailure, TlsServer};
use crate::tls::{CertificatePair, CurrentCertificates, TlsTickets, server_config};

const LIMIT: Duration = Duration::from_secs(20);

/// Sends each message back.
async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut message = vec![0; usize::from(length)];
        stream.read_exact(&mut message).await?;
        stream.write_all(&[&length.to_be_bytes(), message.as_slice()].concat()).await?;
        stream.flush().await?;
    }
}

/// A server that takes these protocols in these versions of TLS; over TCP alone where no certificate is given.
async fn serve(
    pair: Option<&CertificatePair>,
    protocols: &[&[u8]],
    versions: &[&'static SupportedProtocolVersion],
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.9.81:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = pair.map(|pair| {
        let certificates = CurrentCertificates::new(std::slice::from_ref(pair));
        let tickets = TlsTickets::new().unwrap().produced();
        let config = server_config(
            &certificates,
            protocols,
            tickets,
            versions,
            WebPkiClientVerifier::no_client_auth(),
        )
        .unwrap();
        tokio_rustls::TlsAcceptor::from(Arc::new(config))
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                match acceptor {
                    None => echo(stream).await,
                    Some(acceptor) => echo(acceptor.accept(stream).await?).await,
                }
            });
        }
    });
    address
}

fn dot(name: Option<&str>, trust: ServerTrust) -> TlsServer {
    TlsServer { name: name.map(Into::into), protocol: b"dot", trust }
}

async fn exchange(to: SocketAddr, tls: Option<&TlsServer>) -> Result<(), ServerConnectError> {
    let connector = ServerConnector::default();
    for _ in 0..2 {
        let mut connection = connector.connect(to, None, tls, LIMIT).await?;
        for message in [&b"first"[..], &[7; 12_000]] {
            connection.send(message).await.unwrap();
            assert_eq!(connection.recv().await.unwrap().as_deref(), Some(message));
        }
    }
    Ok(())
}

#[tokio::test]
async fn messages_go_both_ways_with_and_without_tls() {
    let pair = pair();
    let encrypted = serve(Some(&pair), &[b"dot"], ALL_VERSIONS).await;
    exchange(encrypted, Some(&dot(Some(NAME), trust(&pair)))).await.unwrap();
    exchange(serve(None, &[], &[]).await, None).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_told() {
    let pair = pair();
    let good = || trust(&pair);
    let session = |error: ServerConnectError| match error {
        ServerConnectError::Session(failure) => failure,
        ServerConnectError::Connect(error) => panic!("{error}"),
    };
    let server = serve(Some(&pair), &[b"dot"], ALL_VERSIONS).await;
    for (server, tls, expected) in [
        (server, dot(Some("other.test"), good()), TlsFailure::WrongName),
        (server, dot(Some(NAME), trust(&self::pair())), TlsFailure::UnknownIssuer),
        (
            server,
            dot(None, ServerTrust { pins: [[0; 32]].as_slice().into(), ..ServerTrust::default() }),
            TlsFailure::PinMismatch,
        ),
        (serve(Some(&pair), &[], ALL_VERSIONS).await, dot(Some(NAME), good()), TlsFailure::Incompatible),
        (serve(Some(&pair), &[b"h2"], ALL_VERSIONS).await, dot(Some(NAME), good()), TlsFailure::Ended),
        (
            serve(Some(&pair), &[b"dot"], &[&version::TLS12]).await,
            dot(Some(NAME), good()),
            TlsFailure::Incompatible,
        ),
    ] {
        let failure = session(exchange(server, Some(&tls)).await.unwrap_err());
        assert_eq!(failure, expected, "{tls:?}");
    }
    let unused = std::net::TcpListener::bind("127.0.9.81:0").unwrap();
    let nobody = unused.local_addr().unwrap();
    drop(unused);
    let error = exchange(nobody, None).await.unwrap_err();
    assert!(matches!(error, ServerConnectError::Connect(_)), "{error}");
}
