//! Streams in memory, with a clock that jumps when everyone waits.

use super::*;
use proptest::prelude::*;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

mod answers;
mod limits;

const TIMES: StreamTimeouts = StreamTimeouts {
    first: Duration::from_secs(3),
    idle: Duration::from_secs(10),
    message: Duration::from_secs(5),
    write: Duration::from_secs(10),
};

fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn messages(room: usize) -> (MessageStream<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(room);
    (MessageStream::new(near, TIMES), far)
}

async fn next(messages: &mut MessageStream<DuplexStream>) -> Vec<u8> {
    messages.next().await.unwrap().unwrap()
}

/// All messages that one call gives out; waits for nothing.
async fn at_hand(messages: &mut MessageStream<DuplexStream>) -> Option<Vec<Vec<u8>>> {
    poll_fn(|cx| {
        let mut all = Vec::new();
        let taken = messages.poll_answer(cx, |message, _| {
            all.push(message.to_vec());
            true
        });
        Poll::Ready(match taken {
            Poll::Ready(taken) => (taken.unwrap() == ReadOutcome::Messages).then_some(all),
            Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn several_messages_out_of_one_read() {
    let (mut stream, mut far) = messages(1 << 20);
    far.write_all(&[framed(b"one"), framed(b"two"), framed(&[7; 300]), b"\0\x02r".to_vec()].concat())
        .await
        .unwrap();
    let all = at_hand(&mut stream).await.unwrap();
    assert_eq!(all, [b"one".to_vec(), b"two".to_vec(), vec![7; 300]]);
    assert!(at_hand(&mut stream).await.is_none());
    far.write_all(b"e").await.unwrap();
    assert_eq!(next(&mut stream).await, b"re");
    drop(far);
    assert!(stream.next().await.unwrap().is_none());
}

#[tokio::test]
async fn messages_that_are_not_wanted_now_are_given_out_later_in_order() {
    let (mut stream, mut far) = messages(1 << 20);
    let all: Vec<Vec<u8>> = (0..50).map(|n| vec![n; 200]).collect();
    far.write_all(&all.iter().flat_map(|message| framed(message)).collect::<Vec<_>>()).await.unwrap();
    for wanted in &all {
        assert_eq!(next(&mut stream).await, *wanted);
    }
    assert!(stream.held().0 <= 512, "{:?}", stream.held());
}

#[tokio::test]
async fn the_longest_message_and_then_small_ones() {
    let (mut stream, mut far) = messages(1 << 20);
    for _ in 0..3 {
        far.write_all(&[framed(&vec![1; 65_535]), framed(b"x")].concat()).await.unwrap();
        assert_eq!(next(&mut stream).await, vec![1; 65_535]);
        assert!(stream.held().0 <= receive_buffer::ROOM);
        assert_eq!(next(&mut stream).await, b"x");
        assert!(timeout(Duration::from_millis(20), stream.next()).await.is_err());
        assert!(stream.held().0 <= 512, "a quiet connection gives its memory back");
    }
}

#[tokio::test]
async fn a_long_message_in_single_bytes() {
    let (mut stream, mut far) = messages(1);
    let long: Vec<u8> = (0..20_000_u32).map(|n| n as u8).collect();
    let sent = framed(&long);
    let sender = tokio::spawn(async move {
        far.write_all(&sent).await.unwrap();
        far
    });
    assert_eq!(next(&mut stream).await, long);
    drop(sender);
}

#[tokio::test]
async fn an_announced_length_costs_nothing() {
    let (mut stream, mut far) = messages(1 << 20);
    far.write_all(b"\xff\xff123").await.unwrap();
    assert!(timeout(Duration::from_millis(20), stream.next()).await.is_err());
    assert!(stream.held().0 <= 512);
}

#[tokio::test]
async fn empty_and_cut_messages_are_errors() {
    let (mut empty, mut far) = messages(100);
    far.write_all(b"\0\x01x\0\0").await.unwrap();
    assert_eq!(next(&mut empty).await, b"x");
    assert!(matches!(empty.next().await, Err(StreamError::Empty)));
    for cut in [&b"\0"[..], b"\0\x05", b"\0\x05four"] {
        let (mut stream, mut far) = messages(100);
        far.write_all(cut).await.unwrap();
        drop(far);
        assert!(matches!(stream.next().await, Err(StreamError::Cut)), "{cut:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn boundaries_do_not_matter(
        lengths in proptest::collection::vec(1..9000_usize, 1..20),
        cuts in proptest::collection::vec(1..5000_usize, 1..40),
    ) {
        let wanted: Vec<Vec<u8>> =
            lengths.iter().enumerate().map(|(n, length)| vec![n as u8; *length]).collect();
        let all: Vec<u8> = wanted.iter().flat_map(|message| framed(message)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let got = runtime.block_on(async {
            let (mut stream, mut far) = messages(4096);
            let sender = tokio::spawn(async move {
                let mut rest = &all[..];
                for cut in cuts.iter().cycle() {
                    let (now, later) = rest.split_at((*cut).min(rest.len()));
                    far.write_all(now).await.unwrap();
                    tokio::task::yield_now().await;
                    rest = later;
                    if rest.is_empty() {
                        break;
                    }
                }
                far.shutdown().await.unwrap();
                far
            });
            let mut got = Vec::new();
            while let Some(message) = stream.next().await.unwrap() {
                got.push(message);
            }
            sender.await.unwrap();
            got
        });
        prop_assert_eq!(got, wanted);
    }
}
