//! Servers on loopback that keep connections, close them, or are not there.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connection_failure::ConnectionFailure;
use super::kept_streams::KeptStreams;
use super::stream_server::StreamServer;

fn tcp(to: SocketAddr) -> StreamServer {
    StreamServer::tcp(to, None)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

/// The next message of a client.
async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    stream.write_all(&[&(message.len() as u16).to_be_bytes(), message].concat()).await
}

/// A server that collects `batch` queries on a connection, replies to them the last one first with what they are, and closes the
/// connection after so many batches; and how many connections it has taken.
async fn server(ip: &str, batch: usize, batches: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Relaxed);
            tokio::spawn(async move {
                for _ in 0..batches {
                    let mut messages = Vec::new();
                    for _ in 0..batch {
                        messages.push(read(&mut stream).await?);
                    }
                    for message in messages.iter().rev() {
                        write(&mut stream, message).await?;
                    }
                }
                stream.shutdown().await
            });
        }
    });
    (address, taken)
}

fn query(number: u16) -> Vec<u8> {
    [&[0xab, 0xcd], &number.to_be_bytes()[..]].concat()
}

/// Sends so many queries at once, all with one id: how many get their own reply.
async fn ask_at_once(streams: &Arc<KeptStreams>, to: SocketAddr, count: u16) -> usize {
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let streams = Arc::clone(streams);
        tasks.spawn(async move {
            streams.exchange(&tcp(to), &query(number), soon()).await.ok() == Some(query(number))
        });
    }
    tasks.join_all().await.into_iter().filter(|own| *own).count()
}

#[tokio::test]
async fn many_queries_wait_on_one_connection() {
    let (to, taken) = server("127.0.9.60", 20, 1000).await;
    let streams = Arc::new(KeptStreams::new());
    for _ in 0..5 {
        assert_eq!(ask_at_once(&streams, to, 20).await, 20);
    }
    assert_eq!(taken.load(Relaxed), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_closes_is_opened_again() {
    let (to, taken) = server("127.0.9.61", 1, 3).await;
    let streams = Arc::new(KeptStreams::new());
    for number in 0..30 {
        assert_eq!(streams.exchange(&tcp(to), &query(number), soon()).await.unwrap(), query(number));
    }
    assert!((10..=20).contains(&taken.load(Relaxed)), "{taken:?}");
}

#[tokio::test]
async fn of_those_that_wait_when_the_server_closes_none_is_lost() {
    for batches in [1, 2, 7] {
        let (to, _) = server("127.0.9.62", 1, batches).await;
        let streams = Arc::new(KeptStreams::new());
        for _ in 0..3 {
            assert_eq!(ask_at_once(&streams, to, 30).await, 30, "{batches}");
        }
    }
}

#[tokio::test]
async fn more_than_a_connection_takes_go_on_others() {
    let (to, taken) = server("127.0.9.63", 1, 10_000).await;
    let streams = Arc::new(KeptStreams::new());
    assert_eq!(ask_at_once(&streams, to, 600).await, 600);
    assert!(taken.load(Relaxed) > 1);
}

#[tokio::test]
async fn errors_come_at_once() {
    let streams = KeptStreams::new();
    let listener = TcpListener::bind("127.0.9.64:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = read(&mut stream).await;
        }
    });
    let error = streams.exchange(&tcp(to), &query(1), soon()).await.unwrap_err();
    let reset = ConnectionFailure::System(io::ErrorKind::ConnectionReset);
    assert!(error.cause == ConnectionFailure::Closed || error.cause == reset, "{error}");
    let gone = TcpListener::bind("127.0.9.65:0").await.unwrap().local_addr().unwrap();
    for _ in 0..3 {
        let error = streams.exchange(&tcp(gone), &query(1), soon()).await.unwrap_err();
        assert_eq!(error.cause, ConnectionFailure::System(io::ErrorKind::ConnectionRefused));
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_a_late_reply_goes_to_nobody_else() {
    let listener = TcpListener::bind("127.0.9.66:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let (first, second) = (read(&mut stream).await?, read(&mut stream).await?);
        write(&mut stream, &first).await?;
        write(&mut stream, &second).await?;
        io::Result::Ok(())
    });
    let streams = KeptStreams::new();
    let short = Instant::now() + Duration::from_millis(50);
    let error = streams.exchange(&tcp(to), &query(1), short).await.unwrap_err();
    assert_eq!(error.cause, ConnectionFailure::Timeout);
    assert_eq!(streams.exchange(&tcp(to), &query(2), soon()).await.unwrap(), query(2));
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reply_of_another_id_goes_to_the_only_query_and_shows_that() {
    let listener = TcpListener::bind("127.0.9.67:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut message = read(&mut stream).await?;
        message[0] ^= 1;
        write(&mut stream, &message).await?;
        stream.read_u8().await
    });
    let reply = KeptStreams::new().exchange(&tcp(to), &query(7), soon()).await.unwrap();
    assert_ne!(reply[..2], query(7)[..2]);
    assert_eq!(reply[2..], query(7)[2..]);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let listener = TcpListener::bind("127.0.9.68:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let message = read(&mut stream).await?;
        write(&mut stream, &message).await?;
        stream.read_u8().await
    });
    let streams = KeptStreams::new();
    streams.exchange(&tcp(to), &query(1), soon()).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    assert_eq!(served.await.unwrap().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}
