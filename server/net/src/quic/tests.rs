//! Clients on loopback.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;

use super::*;
use crate::tls::{CertificatePair, HandshakeError, KeyExchange, TicketSecret, TlsTickets};
use crate::udp::SocketOptions;

fn endpoint(address: &str, pair: &CertificatePair) -> (QuicEndpoint, u16) {
    endpoint_with(address, pair, &TlsTickets::new().unwrap())
}

fn endpoint_with(address: &str, pair: &CertificatePair, tickets: &TlsTickets) -> (QuicEndpoint, u16) {
    let options = SocketOptions { address: address.parse().unwrap(), v6only: false, receive_buffer: 1 << 16 };
    let socket = bind(&options).unwrap();
    let port = socket.local_addr().unwrap().port();
    (QuicEndpoint::open(socket, std::slice::from_ref(pair), &[b"doq"], tickets).unwrap(), port)
}

fn client(own: &str, pair: &CertificatePair, protocol: &[u8]) -> quinn::Endpoint {
    let mut roots = RootCertStore::empty();
    roots.add(pair.key.cert[0].clone()).unwrap();
    let mut tls = ClientConfig::builder_with_provider(std::sync::Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![protocol.to_vec()];
    let tls = QuicClientConfig::try_from(tls).unwrap();
    let mut client = quinn::Endpoint::client(own.parse().unwrap()).unwrap();
    client.set_default_client_config(quinn::ClientConfig::new(std::sync::Arc::new(tls)));
    client
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

#[tokio::test]
async fn answers_leave_from_the_address_that_was_asked() {
    let pair = CertificatePair::self_signed(vec!["localhost".to_owned()]).unwrap();
    let (server, port) = endpoint("[::]:0", &pair);
    for (own, asked) in [
        ("127.0.9.41:0", SocketAddr::from((Ipv4Addr::new(127, 1, 2, 3), port))),
        ("[::1]:0", SocketAddr::from((Ipv6Addr::LOCALHOST, port))),
    ] {
        let client = client(own, &pair, b"doq");
        let answered = async {
            let connection = server.accept().await.unwrap().accept(soon()).await.unwrap();
            assert_eq!(connection.local().ip, asked.ip());
            assert_eq!(connection.peer().ip(), own.parse::<SocketAddr>().unwrap().ip());
            let mut stream = connection.accept_stream().await.unwrap();
            let mut bytes = Vec::new();
            assert_eq!(stream.read_on(&mut bytes, 100).await, Ok(true));
            let rest = bytes.split_off(2);
            stream.write(bytes.try_into().unwrap(), rest).await.unwrap();
            stream.finish().unwrap();
            stream.stopped().await;
        };
        let asking = async {
            // A client takes packets from the address alone that it has asked.
            let connection = client.connect(asked, "localhost").unwrap().await.unwrap();
            let (mut send, mut receive) = connection.open_bi().await.unwrap();
            send.write_all(b"question").await.unwrap();
            send.finish().unwrap();
            assert_eq!(receive.read_to_end(100).await.unwrap(), b"question");
        };
        tokio::join!(answered, asking);
    }
}

#[tokio::test]
async fn other_protocols_are_turned_away() {
    let pair = CertificatePair::self_signed(vec!["localhost".to_owned()]).unwrap();
    let (server, port) = endpoint("127.0.0.1:0", &pair);
    let client = client("127.0.0.1:0", &pair, b"h3");
    let refused = async { server.accept().await.unwrap().accept(soon()).await.unwrap_err() };
    let asking =
        async { client.connect((Ipv4Addr::LOCALHOST, port).into(), "localhost").unwrap().await.unwrap_err() };
    let (error, _) = tokio::join!(refused, asking);
    assert!(matches!(error, HandshakeError::Protocol), "{error:?}");
}

#[tokio::test]
async fn clients_that_do_not_trust_the_certificate_are_told_apart() {
    let [pair, other] =
        [(), ()].map(|()| CertificatePair::self_signed(vec!["localhost".to_owned()]).unwrap());
    let (server, port) = endpoint("127.0.0.1:0", &pair);
    let client = client("127.0.0.1:0", &other, b"doq");
    let refused = async { server.accept().await.unwrap().accept(soon()).await.unwrap_err() };
    let asking =
        async { client.connect((Ipv4Addr::LOCALHOST, port).into(), "localhost").unwrap().await.unwrap_err() };
    let (error, _) = tokio::join!(refused, asking);
    assert!(matches!(error, HandshakeError::Alert(_)), "{error:?}");
}

#[tokio::test]
async fn a_retry_shows_that_an_address_is_its_own() {
    let pair = CertificatePair::self_signed(vec!["localhost".to_owned()]).unwrap();
    let (server, port) = endpoint("127.0.0.1:0", &pair);
    let client = client("127.0.0.1:0", &pair, b"doq");
    let accepted = async {
        let first = server.accept().await.unwrap();
        assert!(first.may_retry());
        first.retry();
        let second = server.accept().await.unwrap();
        assert!(!second.may_retry());
        let connection = second.accept(soon()).await.unwrap();
        connection.close(7, "enough");
    };
    let asking = async {
        let connection =
            client.connect((Ipv4Addr::LOCALHOST, port).into(), "localhost").unwrap().await.unwrap();
        let closed = connection.closed().await;
        assert!(closed.to_string().contains("enough"), "{closed}");
    };
    tokio::join!(accepted, asking);
}

#[tokio::test]
async fn streams_have_bounds() {
    let pair = CertificatePair::self_signed(vec!["localhost".to_owned()]).unwrap();
    let (server, port) = endpoint("127.0.0.1:0", &pair);
    let client = client("127.0.0.1:0", &pair, b"doq");
    let read = async {
        let connection = server.accept().await.unwrap().accept(soon()).await.unwrap();
        let mut stream = connection.accept_stream().await.unwrap();
        let mut bytes = Vec::new();
        assert_eq!(stream.read_on(&mut bytes, 50).await, Ok(false));
        assert_eq!(bytes.len(), 51);
        assert_eq!(stream.read_on(&mut bytes, 100).await, Ok(false));
        assert_eq!(bytes.len(), 101);
        let mut stream = connection.accept_stream().await.unwrap();
        assert_eq!(stream.read_on(&mut Vec::new(), 100).await, Err(StreamClosed));
        connection.close(0, "");
    };
    let sent = async {
        let connection =
            client.connect((Ipv4Addr::LOCALHOST, port).into(), "localhost").unwrap().await.unwrap();
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        send.write_all(&[0; 101]).await.unwrap();
        send.finish().unwrap();
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        send.write_all(&[0; 10]).await.unwrap();
        send.reset(3_u32.into()).unwrap();
        let opened = tokio::time::timeout(Duration::from_millis(100), connection.open_uni()).await;
        assert!(!matches!(opened, Ok(Ok(_))), "a stream of one direction");
        connection.closed().await;
    };
    tokio::join!(read, sent);
}

#[tokio::test]
async fn the_group_is_known_and_whether_a_session_was_resumed() {
    let pair = CertificatePair::self_signed(vec!["localhost".to_owned()]).unwrap();
    let (server, port) = endpoint("127.0.0.1:0", &pair);
    let client = client("127.0.0.1:0", &pair, b"doq");
    for resumed in [false, true] {
        let accepted = async {
            let connection = server.accept().await.unwrap().accept(soon()).await.unwrap();
            assert_eq!((connection.resumed(), connection.group()), (resumed, KeyExchange::X25519MlKem768));
            connection.closed().await;
        };
        let asking = async {
            let connection =
                client.connect((Ipv4Addr::LOCALHOST, port).into(), "localhost").unwrap().await.unwrap();
            // Until its ticket is there.
            tokio::time::sleep(Duration::from_millis(100)).await;
            connection.close(0_u32.into(), b"");
        };
        tokio::join!(accepted, asking);
    }
}

/// Ends a server as `kill -9` does, with connections open, and serves their clients by another one. What those make of it.
async fn restarted(before: &TlsTickets, after: &TlsTickets) -> Option<quinn::ConnectionError> {
    let pair = CertificatePair::self_signed(vec!["localhost".to_owned()]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, port) = {
        let _inside = runtime.enter();
        endpoint_with("127.0.0.1:0", &pair, before)
    };
    let client = client("127.0.0.1:0", &pair, b"doq");
    let accepted = runtime.spawn(async move {
        let connection = server.accept().await.unwrap().accept(soon()).await.unwrap();
        connection.accept_stream().await.unwrap();
        (server, connection)
    });
    let asked = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connection = client.connect(asked, "localhost").unwrap().await.unwrap();
    connection.open_bi().await.unwrap().0.write_all(b"question").await.unwrap();
    let open = accepted.await.unwrap();
    // Before the connection goes, so that nothing tells the client.
    runtime.shutdown_background();
    drop(open);
    let again = format!("127.0.0.1:{port}");
    while let Err(error) = std::net::UdpSocket::bind(&again) {
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        tokio::task::yield_now().await;
    }
    let (_server, _) = endpoint_with(&again, &pair, after);
    connection.open_bi().await.unwrap().0.write_all(b"question").await.unwrap();
    tokio::time::timeout(Duration::from_secs(2), connection.closed()).await.ok()
}

#[tokio::test]
async fn clients_learn_that_their_connection_has_gone_with_the_process_before() {
    let with = |secrets: &[TicketSecret<'_>]| {
        let tickets = TlsTickets::new().unwrap();
        tickets.set_secrets(secrets, "host").unwrap();
        tickets
    };
    let (first, second) = ([1; 32], [2; 32]);
    let (first, second) = (TicketSecret(&first), TicketSecret(&second));
    for (before, after, is_reset) in [
        (&[first][..], &[first][..], true),
        (&[first, second], &[first], true),
        (&[first], &[second, first], false),
        (&[], &[], false),
    ] {
        let end = restarted(&with(before), &with(after)).await;
        assert_eq!(end == Some(quinn::ConnectionError::Reset), is_reset, "{end:?}");
    }
}
