//! Answers: together where they can be, bounded where the peer does not take them.

use super::*;

/// Answers each message at hand with `answer`, and says how many there were.
async fn answer(messages: &mut MessageStream<DuplexStream>, answer: &[u8]) -> usize {
    poll_fn(|cx| {
        let mut count = 0;
        let taken = messages.poll_answer(cx, |_, outgoing| {
            count += 1;
            outgoing.put(|place| {
                assert_eq!(place.len(), 65_535);
                place[..answer.len()].copy_from_slice(answer);
                Some(answer.len())
            });
            true
        });
        assert!(!matches!(taken, Poll::Ready(Err(_))), "{taken:?}");
        Poll::Ready(count)
    })
    .await
}

#[tokio::test]
async fn answers_leave_in_one_write_and_nothing_is_kept() {
    let (mut stream, mut far) = messages(1 << 20);
    far.write_all(&framed(b"question").repeat(300)).await.unwrap();
    assert_eq!(answer(&mut stream, &[5; 100]).await, 300);
    assert!(stream.is_sent());
    assert_eq!(stream.held(), (0, 0));
    let mut got = vec![0; 1 << 20];
    let count = far.read(&mut got).await.unwrap();
    assert_eq!(got[..count], framed(&[5; 100]).repeat(300));
}

#[tokio::test]
async fn nothing_is_sent_where_there_is_no_answer() {
    let (mut stream, mut far) = messages(1000);
    far.write_all(&framed(b"question").repeat(3)).await.unwrap();
    let mut verdicts = [None, Some(0), Some(1)].into_iter();
    poll_fn(|cx| {
        let _ = stream.poll_answer(cx, |_, outgoing| {
            outgoing.put(|place| {
                place[0] = 7;
                verdicts.next().unwrap()
            });
            true
        });
        Poll::Ready(())
    })
    .await;
    let mut got = [0; 100];
    assert_eq!(far.read(&mut got).await.unwrap(), 3);
    assert_eq!(got[..3], [0, 1, 7]);
}

#[tokio::test]
async fn queued_messages_leave_in_order_and_the_end_is_told() {
    let (mut stream, mut far) = messages(1 << 20);
    for message in [&b"one"[..], b"two", &[5; 1000]] {
        stream.push(message).unwrap();
    }
    assert_eq!(stream.waiting(), 5 + 5 + 1002);
    stream.send().await.unwrap();
    assert!(stream.is_sent() && stream.held().1 <= 512);
    let mut got = vec![0; 2000];
    let count = far.read(&mut got).await.unwrap();
    assert_eq!(got[..count], [framed(b"one"), framed(b"two"), framed(&[5; 1000])].concat());
    assert_eq!(stream.push(&vec![0; 65_536]), Err(PushError::Length(65_536)));
    assert_eq!(stream.push(&[]), Err(PushError::Length(0)));
    stream.finish().await.unwrap();
    assert_eq!(far.read(&mut got).await.unwrap(), 0);
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_not_read_from() {
    let (mut stream, mut far) = messages(4000);
    let mut answered = 0;
    let sender = tokio::spawn(async move {
        let _ = far.write_all(&framed(b"question").repeat(100_000)).await;
    });
    while !stream.is_full() {
        answered += answer(&mut stream, &[1; 1000]).await;
        tokio::task::yield_now().await;
    }
    assert!((60..=80).contains(&answered), "{answered}");
    assert!(stream.waiting() <= 65_536 + 1002, "{}", stream.waiting());
    assert!(stream.held().0 <= 16_384 && stream.held().1 <= 150_000, "{:?}", stream.held());
    assert_eq!(stream.push(b"more"), Err(PushError::Full));
    sender.abort();
}

#[tokio::test]
async fn what_the_peer_did_not_take_comes_first() {
    let (mut stream, mut far) = messages(2000);
    let sender = |from: u16| (from..from + 50).flat_map(|n| framed(&n.to_be_bytes())).collect::<Vec<_>>();
    let echo = |message: &[u8], outgoing: &mut OutgoingMessages| {
        outgoing.put(|place| {
            place[..message.len()].copy_from_slice(message);
            Some(300)
        });
        true
    };
    let mut seen = Vec::new();
    for round in 0..4 {
        far.write_all(&sender(round * 50)).await.unwrap();
        poll_fn(|cx| {
            let _ = stream.poll_answer(cx, echo);
            Poll::Ready(())
        })
        .await;
        assert!(!stream.is_sent());
    }
    stream.push(&[0xff; 300]).unwrap();
    let reader = tokio::spawn(async move {
        let mut got = [0; 302];
        for _ in 0..201 {
            far.read_exact(&mut got).await.unwrap();
            seen.push(u16::from_be_bytes([got[2], got[3]]));
        }
        seen
    });
    stream.send().await.unwrap();
    assert_eq!(reader.await.unwrap(), (0..200).chain([0xffff]).collect::<Vec<u16>>());
}

#[tokio::test]
async fn large_answers_to_many_messages_are_all_sent() {
    let (mut stream, mut far) = messages(1 << 24);
    far.write_all(&framed(b"question").repeat(100)).await.unwrap();
    assert_eq!(answer(&mut stream, &vec![9; 65_535]).await, 100);
    assert!(stream.is_sent());
    let mut got = vec![0; 100 * 65_537];
    far.read_exact(&mut got).await.unwrap();
    assert!(got.chunks(65_537).all(|one| one[..2] == [0xff, 0xff] && one[2..].iter().all(|byte| *byte == 9)));
}

#[tokio::test]
async fn a_panic_leaves_nothing_for_the_next_stream() {
    let (mut one, mut far) = messages(1000);
    far.write_all(&framed(b"question").repeat(2)).await.unwrap();
    let mut count = 0;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        one.poll_answer(&mut cx, |_, outgoing| {
            outgoing.put(|_| Some(5));
            count += 1;
            assert!(count < 2);
            true
        })
    }));
    assert!(panicked.is_err());
    let (mut other, mut far) = messages(1000);
    far.write_all(&framed(b"question")).await.unwrap();
    assert_eq!(answer(&mut other, b"x").await, 1);
    let mut got = [0; 100];
    assert_eq!(far.read(&mut got).await.unwrap(), 3);
}

#[tokio::test]
async fn a_closed_peer_is_an_error() {
    let (mut stream, far) = messages(100);
    drop(far);
    stream.push(b"x").unwrap();
    assert!(matches!(stream.send().await, Err(StreamError::Io(_))));
}
