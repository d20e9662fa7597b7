//! Streams in memory, with a clock that jumps when everyone waits.

use super::*;
use proptest::prelude::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, advance, sleep};

const TIMES: Timeouts = Timeouts {
    first: Duration::from_secs(3),
    idle: Duration::from_secs(10),
    message: Duration::from_secs(5),
};

fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn reader(room: usize) -> (Reader<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(room);
    (Reader::new(near, TIMES), far)
}

async fn next(reader: &mut Reader<DuplexStream>) -> Vec<u8> {
    reader.next().await.unwrap().unwrap().to_vec()
}

#[tokio::test]
async fn several_messages_out_of_one_read() {
    let (mut reader, mut far) = reader(1 << 20);
    far.write_all(&[framed(b"one"), framed(b"two"), framed(&[7; 300])].concat()).await.unwrap();
    assert!(reader.buffered().unwrap().is_none(), "nothing is read yet");
    assert_eq!(next(&mut reader).await, b"one");
    assert_eq!(reader.buffered().unwrap().unwrap().bytes(), b"two");
    assert_eq!(reader.buffered().unwrap().unwrap().bytes(), [7; 300]);
    assert!(reader.buffered().unwrap().is_none());
    drop(far);
    assert!(reader.next().await.unwrap().is_none());
}

#[tokio::test]
async fn the_longest_message_and_then_small_ones() {
    let (mut reader, mut far) = reader(1 << 20);
    far.write_all(&[framed(&vec![1; 65_535]), framed(b"x")].concat()).await.unwrap();
    assert_eq!(next(&mut reader).await, vec![1; 65_535]);
    assert!(reader.held() <= LONGEST + KEPT);
    assert_eq!(next(&mut reader).await, b"x");
    let quiet = tokio::time::timeout(Duration::from_millis(20), reader.next()).await;
    assert!(quiet.is_err());
    assert_eq!(reader.held(), KEPT, "a quiet connection gives its memory back");
}

#[tokio::test]
async fn an_announced_length_costs_nothing() {
    let (mut reader, mut far) = reader(1 << 20);
    far.write_all(b"\xff\xff123").await.unwrap();
    let quiet = tokio::time::timeout(Duration::from_millis(20), reader.next()).await;
    assert!(quiet.is_err());
    assert_eq!(reader.held(), KEPT);
}

#[tokio::test]
async fn empty_and_cut_messages_are_errors() {
    let (mut empty, mut far) = reader(100);
    far.write_all(b"\0\x01x\0\0").await.unwrap();
    assert_eq!(next(&mut empty).await, b"x");
    assert!(matches!(empty.next().await, Err(ReadError::Empty)));
    for cut in [&b"\0"[..], b"\0\x05", b"\0\x05four"] {
        let (mut reader, mut far) = reader(100);
        far.write_all(cut).await.unwrap();
        drop(far);
        assert!(matches!(reader.next().await, Err(ReadError::Cut)), "{cut:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_message_must_be_whole_in_time() {
    for trickle in [false, true] {
        let (mut reader, mut far) = reader(100);
        let start = Instant::now();
        let sender = tokio::spawn(async move {
            while trickle && far.write_all(b"\x01").await.is_ok() {
                sleep(Duration::from_millis(900)).await;
            }
            sleep(Duration::from_mins(1)).await;
        });
        assert!(matches!(reader.next().await, Err(ReadError::First)));
        assert_eq!(start.elapsed().as_secs(), 3, "trickle: {trickle}");
        sender.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn later_messages_may_not_trickle() {
    let (mut reader, mut far) = reader(100);
    let sender = tokio::spawn(async move {
        far.write_all(&framed(b"first")).await.unwrap();
        sleep(Duration::from_secs(8)).await;
        while far.write_all(b"\x01").await.is_ok() {
            sleep(Duration::from_secs(2)).await;
        }
    });
    assert_eq!(next(&mut reader).await, b"first");
    let start = Instant::now();
    assert!(matches!(reader.next().await, Err(ReadError::Slow)));
    assert_eq!(start.elapsed().as_secs(), 13, "8 of idling, 5 of trickling");
    sender.abort();
}

#[tokio::test(start_paused = true)]
async fn idle_time_counts_from_the_last_message_or_answer() {
    let (mut reader, mut far) = reader(100);
    far.write_all(&framed(b"first")).await.unwrap();
    next(&mut reader).await;
    advance(Duration::from_secs(6)).await;
    reader.restart_idle();
    let start = Instant::now();
    assert!(matches!(reader.next().await, Err(ReadError::Idle)));
    assert_eq!(start.elapsed().as_secs(), 10);
    reader.set_timeouts(Timeouts { idle: Duration::from_secs(30), ..TIMES });
    assert!(matches!(reader.next().await, Err(ReadError::Idle)));
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn cancelling_loses_neither_bytes_nor_time() {
    let (mut reader, mut far) = reader(100);
    far.write_all(&framed(b"first")).await.unwrap();
    next(&mut reader).await;
    far.write_all(b"\0\x04ab").await.unwrap();
    let start = Instant::now();
    for _ in 0..40 {
        assert!(tokio::time::timeout(Duration::from_millis(100), reader.next()).await.is_err());
    }
    far.write_all(b"cd").await.unwrap();
    assert_eq!(next(&mut reader).await, b"abcd");
    far.write_all(b"\0").await.unwrap();
    let error = loop {
        if let Ok(ended) = tokio::time::timeout(Duration::from_millis(100), reader.next()).await {
            break ended.unwrap_err();
        }
    };
    assert!(matches!(error, ReadError::Slow), "{error}");
    assert_eq!(start.elapsed().as_secs(), 9);
}

#[tokio::test]
async fn queued_messages_leave_in_one_write() {
    let (near, mut far) = duplex(1 << 20);
    let mut writer = Writer::new(near, TIMES.idle);
    for message in [&b"one"[..], b"two", &[5; 1000]] {
        writer.push(message).unwrap();
    }
    assert_eq!(writer.waiting(), 5 + 5 + 1002);
    writer.flush().await.unwrap();
    assert!(writer.is_empty() && writer.held() <= KEPT);
    let mut got = vec![0; 2000];
    let count = far.read(&mut got).await.unwrap();
    assert_eq!(got[..count], [framed(b"one"), framed(b"two"), framed(&[5; 1000])].concat());
    assert_eq!(writer.push(&vec![0; 65_536]), Err(PushError::Length(65_536)));
    assert_eq!(writer.push(&[]), Err(PushError::Length(0)));
    writer.finish().await.unwrap();
    assert_eq!(far.read(&mut got).await.unwrap(), 0);
}

#[tokio::test]
async fn a_full_queue_takes_no_more_and_is_bounded() {
    let (near, mut far) = duplex(1 << 20);
    let mut writer = Writer::new(near, TIMES.idle);
    let mut count = 0;
    while writer.push(&[1; 1000]).is_ok() {
        count += 1;
    }
    assert_eq!((count, writer.is_full()), (66, true));
    writer.flush().await.unwrap();
    while !writer.is_full() {
        writer.push(&vec![1; 65_535]).unwrap();
        writer.push(&[1; 100]).unwrap_or_default();
    }
    assert!(writer.waiting() <= 2 * 65_537 && writer.held() <= 3 * 65_537);
    let mut got = vec![0; 66 * 1002];
    far.read_exact(&mut got).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_cut_off() {
    let (near, _far) = duplex(1000);
    let mut writer = Writer::new(near, Duration::from_secs(10));
    writer.push(&[0; 5000]).unwrap();
    let start = Instant::now();
    assert!(matches!(writer.flush().await, Err(WriteError::Slow)));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_too_little_is_cut_off() {
    for (bytes, seconds_later, fine) in [(1, 1, false), (1000, 1, false), (2000, 1, true)] {
        let (near, mut far) = duplex(100);
        let mut writer = Writer::new(near, Duration::from_secs(10));
        writer.push(&vec![0; 60_000]).unwrap();
        let slow = tokio::spawn(async move {
            let mut taken = vec![0; bytes];
            while far.read_exact(&mut taken).await.is_ok() {
                sleep(Duration::from_secs(seconds_later)).await;
            }
        });
        // Cancelled now and then, as by a select, with no more time for it.
        let ended = loop {
            if let Ok(ended) = tokio::time::timeout(Duration::from_millis(700), writer.flush()).await {
                break ended;
            }
        };
        assert_eq!(ended.is_ok(), fine, "{bytes} bytes each {seconds_later} s");
        slow.abort();
    }
}

#[tokio::test]
async fn a_closed_peer_is_an_error() {
    let (near, far) = duplex(100);
    drop(far);
    let mut writer = Writer::new(near, TIMES.idle);
    writer.push(b"x").unwrap();
    assert!(matches!(writer.flush().await, Err(WriteError::Io(_))));
}

#[tokio::test]
async fn many_messages_at_once_leave_others_their_turn() {
    let (mut reader, mut far) = reader(1 << 20);
    far.write_all(&framed(b"x").repeat(1300)).await.unwrap();
    let other = tokio::spawn(async {});
    let mut before = 0;
    while !other.is_finished() {
        next(&mut reader).await;
        before += 1;
    }
    assert!(before < 1000, "{before}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn boundaries_do_not_matter(
        lengths in proptest::collection::vec(1..3000_usize, 1..20),
        cuts in proptest::collection::vec(1..5000_usize, 1..40),
    ) {
        let messages: Vec<Vec<u8>> =
            lengths.iter().enumerate().map(|(n, length)| vec![n as u8; *length]).collect();
        let all: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let got = runtime.block_on(async {
            let (mut reader, mut far) = reader(4096);
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
            });
            let mut got = Vec::new();
            while let Some(frame) = reader.next().await.unwrap() {
                got.push(frame.to_vec());
            }
            sender.await.unwrap();
            got
        });
        prop_assert_eq!(got, messages);
    }
}
