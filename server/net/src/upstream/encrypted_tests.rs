//! Servers on loopback that speak TLS, HTTP/2 and QUIC.

use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::IntoRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::sys::memfd::{MFdFlags, memfd_create};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connection_failure::ConnectionFailure;
use super::kept_streams::KeptStreams;
use super::stream_server::{StreamCarriage, StreamFailure, StreamServer};
use crate::quic::QuicEndpoint;
use crate::tls::client::{ServerTrust, TlsFailure, TlsServer};
use crate::tls::{CertificatePair, TlsAcceptor, TlsTickets};

pub(super) const NAME: &str = "dns.test";
/// The pause before a reply, so that queries wait at a time.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn query(number: u16) -> Vec<u8> {
    [&[0xab, 0xcd], &number.to_be_bytes()[..], &[7; 300]].concat()
}

/// What a server replies: the same message, the other way round behind its id.
fn reply(message: &[u8]) -> Vec<u8> {
    let (id, rest) = message.split_at(2);
    [id, &rest.iter().rev().copied().collect::<Vec<_>>()].concat()
}

/// What servers show.
pub(super) fn pair() -> CertificatePair {
    CertificatePair::self_signed(vec![NAME.to_owned(), "127.0.9.80".to_owned()]).unwrap()
}

/// What a client needs to believe it.
pub(super) fn trust(pair: &CertificatePair) -> ServerTrust {
    let der = pair.key.cert.first().unwrap().clone();
    let text = der.chunks(48).map(|part| data(part) + "\n").collect::<String>();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n");
    // A file without a place, so that none is left behind.
    let file = memfd_create("roots", MFdFlags::empty()).unwrap();
    File::from(file.try_clone().unwrap()).write_all(pem.as_bytes()).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.into_raw_fd()));
    ServerTrust { authorities: Some(path.into()), ..ServerTrust::default() }
}

/// Base64.
fn data(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= group.len() { letter } else { '=' });
        }
    }
    text
}

/// The kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tls,
    Https,
    Quic,
}

const KINDS: [Kind; 3] = [Kind::Tls, Kind::Https, Kind::Quic];

impl Kind {
    const fn protocol(self) -> &'static [u8] {
        match self {
            Self::Tls => b"dot",
            Self::Https => b"h2",
            Self::Quic => b"doq",
        }
    }

    fn server(self, address: SocketAddr, name: Option<&str>, trust: ServerTrust) -> StreamServer {
        let tls = TlsServer { name: name.map(Into::into), protocol: self.protocol(), trust };
        let carriage = match self {
            Self::Tls => StreamCarriage::Tls(tls),
            Self::Https => StreamCarriage::Https(tls, "/dns-query".into()),
            Self::Quic => StreamCarriage::Quic(tls),
        };
        StreamServer { address, source: None, carriage }
    }
}

/// A server that ends each connection after so many replies: where it is, and how many connections it has taken.
async fn serve(kind: Kind, pair: &CertificatePair, replies: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let tickets = TlsTickets::new().unwrap();
    if kind == Kind::Quic {
        let socket = std::net::UdpSocket::bind("127.0.9.80:0").unwrap();
        let address = socket.local_addr().unwrap();
        socket.set_nonblocking(true).unwrap();
        let endpoint =
            QuicEndpoint::open(socket, std::slice::from_ref(pair), &[kind.protocol()], &tickets).unwrap();
        tokio::spawn(async move {
            while let Some(incoming) = endpoint.accept().await {
                count.fetch_add(1, Relaxed);
                tokio::spawn(quic_connection(incoming, replies));
            }
        });
        return (address, taken);
    }
    let acceptor = TlsAcceptor::new(std::slice::from_ref(pair), &[kind.protocol()], &tickets, None).unwrap();
    let listener = TcpListener::bind("127.0.9.80:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = Arc::new(acceptor);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Relaxed);
            let acceptor = Arc::clone(&acceptor);
            tokio::spawn(async move {
                let Ok(session) = acceptor.accept(stream, soon()).await else { return };
                let _ = match kind {
                    Kind::Https => http_connection(session.stream, replies).await,
                    _ => framed_connection(session.stream, replies).await,
                };
            });
        }
    });
    (address, taken)
}

async fn framed_connection(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    replies: usize,
) -> io::Result<()> {
    for _ in 0..replies {
        let length = stream.read_u16().await?;
        let mut message = vec![0; usize::from(length)];
        stream.read_exact(&mut message).await?;
        let message = reply(&message);
        stream.write_all(&[&(message.len() as u16).to_be_bytes(), message.as_slice()].concat()).await?;
        stream.flush().await?;
    }
    stream.shutdown().await
}

async fn http_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    replies: usize,
) -> io::Result<()> {
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let service = service_fn(move |request: Request<Incoming>| {
        let counted = Arc::clone(&counted);
        async move {
            assert_eq!(request.uri().path(), "/dns-query");
            assert_eq!(request.headers()[CONTENT_TYPE], "application/dns-message");
            let message = request.into_body().collect().await?.to_bytes();
            assert_eq!(message[..2], [0, 0]);
            tokio::time::sleep(PAUSE).await;
            counted.fetch_add(1, Relaxed);
            let response = Response::new(Full::new(Bytes::from(reply(&message))));
            let (mut head, body) = response.into_parts();
            head.headers.insert(CONTENT_TYPE, "application/dns-message".parse().unwrap());
            Ok::<_, hyper::Error>(Response::from_parts(head, body))
        }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    loop {
        tokio::select! {
            ended = &mut connection => return ended.map_err(io::Error::other),
            () = tokio::time::sleep(PAUSE / 2) => if served.load(Relaxed) >= replies {
                // Not gracefully: what is under way is cut.
                return Ok(());
            },
        }
    }
}

async fn quic_connection(incoming: crate::quic::IncomingQuic, replies: usize) {
    let Ok(connection) = incoming.accept(soon()).await else { return };
    let connection = Arc::new(connection);
    let mut requests = JoinSet::new();
    for _ in 0..replies {
        let Some(mut stream) = connection.accept_stream().await else { return };
        requests.spawn(async move {
            let mut message = Vec::new();
            if stream.read_on(&mut message, 65_537).await.is_err() {
                return;
            }
            assert_eq!(message[2..4], [0, 0]);
            let message = reply(&message[2..]);
            tokio::time::sleep(PAUSE).await;
            let length = (message.len() as u16).to_be_bytes();
            let _ = stream.write(length, message).await;
            let _ = stream.finish();
            stream.stopped().await;
        });
    }
    requests.join_all().await;
    connection.close(0, "");
}

/// Sends so many queries at once, all with one id: how many get their own reply.
async fn ask_at_once(streams: &Arc<KeptStreams>, server: &StreamServer, count: u16) -> usize {
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (streams, server) = (Arc::clone(streams), server.clone());
        tasks.spawn(async move {
            let given = streams.exchange(&server, &query(number), soon()).await;
            given.is_ok_and(|given| given == reply(&query(number)))
        });
    }
    tasks.join_all().await.into_iter().filter(|own| *own).count()
}

async fn failure(kind: Kind, address: SocketAddr, name: Option<&str>, trust: ServerTrust) -> StreamFailure {
    let server = kind.server(address, name, trust);
    KeptStreams::new().exchange(&server, &query(1), soon()).await.unwrap_err()
}

#[tokio::test]
async fn many_queries_share_a_connection_that_is_counted() {
    let pair = pair();
    let trust = trust(&pair);
    for kind in KINDS {
        let (address, taken) = serve(kind, &pair, usize::MAX).await;
        let streams = Arc::new(KeptStreams::new());
        for name in [Some(NAME), None] {
            let server = kind.server(address, name, trust.clone());
            for _ in 0..3 {
                assert_eq!(ask_at_once(&streams, &server, 50).await, 50, "{kind:?}");
            }
            assert_eq!(streams.open_connections()[&server.carriage.kind()], taken.load(Relaxed), "{kind:?}");
        }
        assert_eq!(taken.load(Relaxed), 2, "{kind:?}");
    }
}

#[tokio::test]
async fn of_those_that_wait_when_the_server_closes_none_is_lost() {
    let pair = pair();
    let trust = trust(&pair);
    for kind in KINDS {
        for replies in [1, 2, 10] {
            let (address, taken) = serve(kind, &pair, replies).await;
            let streams = Arc::new(KeptStreams::new());
            let server = kind.server(address, Some(NAME), trust.clone());
            assert_eq!(ask_at_once(&streams, &server, 30).await, 30, "{kind:?} {replies}");
            // HTTP/2 may have replied to all of them at once.
            assert!(kind == Kind::Https || taken.load(Relaxed) >= 2, "{kind:?} {replies} {taken:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_is_judged_by_name_issuer_and_pins() {
    let pair = pair();
    let trust = trust(&pair);
    let key = rustls::server::ParsedCertificate::try_from(pair.key.cert.first().unwrap()).unwrap();
    let pin: [u8; 32] = Sha256::digest(key.subject_public_key_info()).into();
    let pinned = |pin: [u8; 32], trust: &ServerTrust| ServerTrust { pins: Arc::new([pin]), ..trust.clone() };
    let other = self::trust(&self::pair());
    for kind in KINDS {
        let (address, _) = serve(kind, &pair, usize::MAX).await;
        let fails = async |name, trust| failure(kind, address, name, trust).await.cause;
        let session = ConnectionFailure::Session;
        assert_eq!(
            fails(Some("other.test"), trust.clone()).await,
            session(TlsFailure::WrongName),
            "{kind:?}"
        );
        assert_eq!(fails(Some(NAME), other.clone()).await, session(TlsFailure::UnknownIssuer), "{kind:?}");
        let wrong = pinned([1; 32], &trust);
        assert_eq!(fails(Some(NAME), wrong.clone()).await, session(TlsFailure::PinMismatch), "{kind:?}");
        assert_eq!(fails(None, wrong).await, session(TlsFailure::PinMismatch), "{kind:?}");
        let gone =
            ServerTrust { authorities: Some(std::path::Path::new("/nonexistent").into()), ..trust.clone() };
        assert_eq!(fails(Some(NAME), gone.clone()).await, session(TlsFailure::NoRoots), "{kind:?}");
        let named_by_pin = pinned(pin, &trust);
        let unverified = ServerTrust { verified: false, ..gone.clone() };
        for (name, trust) in
            [(Some(NAME), named_by_pin.clone()), (None, pinned(pin, &gone)), (Some("other.test"), unverified)]
        {
            let server = kind.server(address, name, trust);
            let given = KeptStreams::new().exchange(&server, &query(1), soon()).await;
            assert_eq!(given, Ok(reply(&query(1))), "{kind:?} {name:?}");
        }
        assert_eq!(fails(Some("other.test"), named_by_pin).await, session(TlsFailure::WrongName), "{kind:?}");
    }
}

#[tokio::test]
async fn those_who_share_a_failed_connection_are_told_of_one_failure() {
    let pair = pair();
    let trust = trust(&pair);
    for kind in KINDS {
        let (address, _) = serve(kind, &pair, usize::MAX).await;
        let streams = Arc::new(KeptStreams::new());
        let server = kind.server(address, Some("other.test"), trust.clone());
        let mut tasks = JoinSet::new();
        for number in 0..8 {
            let (streams, server) = (Arc::clone(&streams), server.clone());
            tasks.spawn(async move { streams.exchange(&server, &query(number), soon()).await.unwrap_err() });
        }
        let failures = tasks.join_all().await;
        assert_eq!(failures.iter().filter(|failure| !failure.shared).count(), 1, "{kind:?} {failures:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_is_seen() {
    let listener = TcpListener::bind("127.0.9.81:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let streams = Arc::new(KeptStreams::new());
    let server =
        Kind::Tls.server(address, Some(NAME), ServerTrust { verified: false, ..ServerTrust::default() });
    let asking = {
        let (streams, server) = (Arc::clone(&streams), server.clone());
        tokio::spawn(async move { streams.exchange(&server, &query(1), soon()).await })
    };
    let (stream, _) = listener.accept().await.unwrap();
    while !streams.is_in_handshake(&server) {
        tokio::time::sleep(PAUSE).await;
    }
    let failure = asking.await.unwrap().unwrap_err();
    assert_eq!(failure.cause, ConnectionFailure::Session(TlsFailure::Stalled));
    assert!(!streams.is_in_handshake(&server));
    drop(stream);
}

#[tokio::test]
async fn one_that_speaks_another_protocol_is_told() {
    let pair = pair();
    let trust = trust(&pair);
    let (address, _) = serve(Kind::Tls, &pair, usize::MAX).await;
    let failure = failure(Kind::Https, address, Some(NAME), trust).await;
    let wrong = [TlsFailure::Ended, TlsFailure::Incompatible].map(ConnectionFailure::Session);
    assert!(wrong.contains(&failure.cause), "{failure}");
}

#[test]
fn addresses_stand_for_names() {
    let tls = TlsServer { name: None, protocol: b"dot", trust: ServerTrust::default() };
    assert!(tls.subject(IpAddr::V4(Ipv4Addr::LOCALHOST)).is_ok());
    let odd = TlsServer { name: Some("a b".into()), ..tls };
    assert_eq!(odd.subject(IpAddr::V4(Ipv4Addr::LOCALHOST)), Err(TlsFailure::WrongName));
}
