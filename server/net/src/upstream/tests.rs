//! Servers on loopback that answer, lie, or are not there.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::Instant;

use super::*;
use crate::stream::StreamError;

fn soon(milliseconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds)
}

/// A server that sends these datagrams back to whoever asks, each time.
async fn server(ip: &str, answers: &'static [&'static [u8]]) -> SocketAddr {
    let socket = UdpSocket::bind((ip, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((_, peer)) = socket.recv_from(&mut buffer).await {
            for answer in answers {
                socket.send_to(answer, peer).await.unwrap();
            }
        }
    });
    address
}

#[tokio::test]
async fn the_caller_judges_what_comes() {
    for ip in ["127.0.9.40", "::1"] {
        let to = server(ip, &[b"wrong", b"worse", b"right", b"late"]).await;
        let sockets = QuerySockets::default();
        let mut seen = Vec::new();
        let judge = |bytes: &[u8]| {
            seen.push(bytes.to_vec());
            if bytes == b"right" { ReceiveVerdict::Accept } else { ReceiveVerdict::Ignore }
        };
        let length = sockets.exchange(to, None, b"query", soon(3000), judge).await.unwrap();
        assert_eq!((length, seen), (5, [b"wrong", b"worse", b"right"].map(|bytes| bytes.to_vec()).into()));
        let mut seen = 0;
        let judge = |_: &[u8]| {
            seen += 1;
            ReceiveVerdict::Stop
        };
        let error = sockets.exchange(to, None, b"query", soon(3000), judge).await.unwrap_err();
        assert!(matches!(error, QueryExchangeError::Stopped), "{error}");
        assert_eq!(seen, 1);
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let to = server("127.0.9.41", &[]).await;
    let start = Instant::now();
    let error = QuerySockets::default()
        .exchange(to, None, b"query", soon(100), |_| ReceiveVerdict::Accept)
        .await
        .unwrap_err();
    assert!(matches!(error, QueryExchangeError::Timeout), "{error}");
    assert!((90..1000).contains(&start.elapsed().as_millis()));
    // Endless wrong answers do not keep it alive either.
    let to = server("127.0.9.41", &[b"wrong", b"wrong", b"wrong"]).await;
    let error = QuerySockets::default()
        .exchange(to, None, b"query", soon(100), |_| ReceiveVerdict::Ignore)
        .await
        .unwrap_err();
    assert!(matches!(error, QueryExchangeError::Timeout), "{error}");
}

#[tokio::test]
async fn where_nobody_listens_it_ends_at_once() {
    let gone = UdpSocket::bind("127.0.9.42:0").await.unwrap().local_addr().unwrap();
    let error = QuerySockets::default()
        .exchange(gone, None, b"query", soon(3000), |_| ReceiveVerdict::Accept)
        .await
        .unwrap_err();
    let QueryExchangeError::Io(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn an_address_without_a_route_fails_when_opened() {
    assert!(QuerySocket::open("[fe80::1]:53".parse().unwrap(), None).is_err());
    assert!(QuerySocket::open("255.255.255.255:53".parse().unwrap(), None).is_err());
}

#[tokio::test]
async fn each_query_has_a_port_of_its_own() {
    let mut ports = HashSet::new();
    for _ in 0..300 {
        let socket = QuerySocket::open("127.0.9.43:53".parse().unwrap(), None).unwrap();
        ports.insert(socket.address().unwrap().port());
    }
    // The expected number of pairs among 64 512 ports is 0.7.
    assert!(ports.len() > 290, "{}", ports.len());
    assert!(ports.iter().any(|port| *port < 32_768) && ports.iter().any(|port| *port > 60_999));
}

#[tokio::test]
async fn only_the_server_asked_is_heard() {
    let server = UdpSocket::bind("127.0.9.44:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let other = UdpSocket::bind(("127.0.9.45", port)).await.unwrap();
    let asked = QuerySocket::open(server.local_addr().unwrap(), None).unwrap();
    let from = asked.address().unwrap();
    other.send_to(b"false", from).await.unwrap();
    UdpSocket::bind("127.0.9.44:0").await.unwrap().send_to(b"port", from).await.unwrap();
    server.send_to(b"true", from).await.unwrap();
    let mut buffer = [0; 16];
    let length = asked.recv(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..length], b"true");
}

#[tokio::test]
async fn messages_over_a_connection() {
    let listener = TcpListener::bind("127.0.9.46:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut query = [0; 7];
        stream.read_exact(&mut query).await.unwrap();
        assert_eq!(&query, b"\0\x05query");
        stream.write_all(b"\0\x03one\0\x03").await.unwrap();
        stream.write_all(b"two\0\x09thr").await.unwrap();
    });
    let mut connection = UpstreamConnection::connect(address, None, Duration::from_secs(3)).await.unwrap();
    connection.send(b"query").await.unwrap();
    assert_eq!(connection.recv().await.unwrap().unwrap(), b"one");
    assert_eq!(connection.recv().await.unwrap().unwrap(), b"two");
    assert!(matches!(connection.recv().await, Err(StreamError::Cut)));
    assert!(matches!(connection.send(&[]).await, Err(StreamSendError::Push(_))));
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing() {
    let listener = TcpListener::bind("127.0.9.47:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut connection =
        UpstreamConnection::connect(address, None, Duration::from_millis(100)).await.unwrap();
    assert!(matches!(connection.recv().await, Err(StreamError::First)));
    drop(listener);
    let error = UpstreamConnection::connect(address, None, Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn queries_leave_from_the_address_that_is_given() {
    let source: IpAddr = "127.0.9.45".parse().unwrap();
    let socket = QuerySocket::open("127.0.9.44:53".parse().unwrap(), Some(source)).unwrap();
    assert_eq!(socket.address().unwrap().ip(), source);
    assert!(QuerySocket::open("127.0.9.44:53".parse().unwrap(), Some("192.0.2.1".parse().unwrap())).is_err());
    let listener = TcpListener::bind("127.0.9.44:0").await.unwrap();
    let (to, limit) = (listener.local_addr().unwrap(), Duration::from_secs(3));
    let _connection = UpstreamConnection::connect(to, Some(source), limit).await.unwrap();
    assert_eq!(listener.accept().await.unwrap().1.ip(), source);
}

/// Sockets take the places of those before them, whose late replies wake nobody.
#[tokio::test]
async fn many_at_a_time_get_each_their_own_reply() {
    let echo = UdpSocket::bind("127.0.9.48:0").await.unwrap();
    let to = echo.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, peer)) = echo.recv_from(&mut buffer).await {
            for _ in 0..2 {
                // The second may find the socket closed.
                let _ = echo.send_to(&buffer[..length], peer).await;
            }
        }
    });
    let sockets = std::sync::Arc::new(QuerySockets::default());
    let ask = |number: u32| {
        let sockets = std::sync::Arc::clone(&sockets);
        async move {
            for round in 0..20 {
                let query = format!("{number} {round}");
                let judge = |bytes: &[u8]| {
                    assert_eq!(bytes, query.as_bytes());
                    ReceiveVerdict::Accept
                };
                sockets.exchange(to, None, query.as_bytes(), soon(10_000), judge).await.unwrap();
            }
        }
    };
    let mut tasks = tokio::task::JoinSet::new();
    (0..100).for_each(|number| drop(tasks.spawn(ask(number))));
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// What was begun on one runtime goes on by another one's.
#[test]
fn the_end_of_a_runtime_is_not_that_of_the_watch() {
    let sockets = QuerySockets::default();
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let to = server("127.0.9.49", &[b"right"]).await;
            let accept = |_: &[u8]| ReceiveVerdict::Accept;
            sockets.exchange(to, None, b"query", soon(10_000), accept).await.unwrap();
        });
    }
}
