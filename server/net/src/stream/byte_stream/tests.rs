//! Lines, told apart by this test.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers each line with itself, twice; says whether the stream goes on.
async fn echo(stream: &mut ByteStream<DuplexStream>) -> bool {
    poll_fn(|cx| {
        ready!(stream.poll_send(cx)).unwrap();
        let outcome = ready!(stream.poll_exchange(cx, |rest, output| {
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let (line, behind) = rest.split_at(end + 1);
                output.extend_from_slice(line);
                output.extend_from_slice(line);
                *rest = behind;
                if is_long_output(output) {
                    return true;
                }
            }
            false
        }));
        Poll::Ready(outcome.unwrap() == ReadOutcome::Messages)
    })
    .await
}

#[tokio::test]
async fn parts_are_kept_until_they_are_whole() {
    let (near, mut far) = duplex(1 << 20);
    let mut stream = ByteStream::new(near, TIMEOUT);
    for part in [&b"on"[..], b"e\ntwo\nthr", b"ee", b"\n"] {
        far.write_all(part).await.unwrap();
        assert!(echo(&mut stream).await);
    }
    let mut got = [0; 28];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"one\none\ntwo\ntwo\nthree\nthree\n");
    assert!(stream.kept.capacity() <= KEPT);
    drop(far);
    assert!(!echo(&mut stream).await);
}

#[tokio::test]
async fn answers_beyond_what_the_peer_takes_stop_the_reading() {
    let (near, far) = duplex(4 * READ);
    let mut stream = ByteStream::new(near, TIMEOUT);
    let line = [[b'x'; 999].as_slice(), b"\n"].concat();
    let server = tokio::spawn(async move {
        while echo(&mut stream).await {
            assert!(stream.kept.len() <= LONGEST_PART + READ);
        }
        stream
    });
    let sender = tokio::spawn(async move {
        let (mut from, mut to) = tokio::io::split(far);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            from.read_to_end(&mut all).await.unwrap();
            all
        });
        for _ in 0..1000 {
            to.write_all(&line).await.unwrap();
        }
        to.shutdown().await.unwrap();
        (reading, line)
    });
    let stream = server.await.unwrap();
    assert!(stream.is_sent());
    drop(stream);
    let (reading, line) = sender.await.unwrap();
    assert_eq!(reading.await.unwrap(), line.repeat(2000));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_late() {
    let (near, mut far) = duplex(100);
    let mut stream = ByteStream::new(near, TIMEOUT);
    let begun = Instant::now();
    far.write_all(&[[b'x'; 90].as_slice(), b"\n"].concat()).await.unwrap();
    assert!(echo(&mut stream).await);
    assert!(!stream.is_sent());
    let due = begun + Duration::from_mins(1);
    let late = poll_fn(|cx| stream.poll_late(cx, due)).await;
    assert!(matches!(late, StreamError::Unread));
    assert_eq!(begun.elapsed(), TIMEOUT);
    far.read_exact(&mut [0; 100]).await.unwrap();
    poll_fn(|cx| stream.poll_send(cx)).await.unwrap();
    let late = poll_fn(|cx| stream.poll_late(cx, due)).await;
    assert!(matches!(late, StreamError::Idle));
    assert_eq!(begun.elapsed(), Duration::from_mins(1));
}
