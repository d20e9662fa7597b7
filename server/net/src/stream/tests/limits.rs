//! Time limits.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_first_message_must_be_whole_in_time() {
    for trickle in [false, true] {
        let (mut stream, mut far) = messages(100);
        let start = Instant::now();
        let sender = tokio::spawn(async move {
            while trickle && far.write_all(b"\x01").await.is_ok() {
                sleep(Duration::from_millis(900)).await;
            }
            sleep(Duration::from_mins(1)).await;
        });
        assert!(matches!(stream.next().await, Err(StreamError::First)));
        assert_eq!(start.elapsed().as_secs(), 3, "trickle: {trickle}");
        sender.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn later_messages_may_not_trickle() {
    let (mut stream, mut far) = messages(100);
    let sender = tokio::spawn(async move {
        far.write_all(&framed(b"first")).await.unwrap();
        sleep(Duration::from_secs(8)).await;
        while far.write_all(b"\x01").await.is_ok() {
            sleep(Duration::from_secs(2)).await;
        }
    });
    assert_eq!(next(&mut stream).await, b"first");
    let start = Instant::now();
    assert!(matches!(stream.next().await, Err(StreamError::Slow)));
    assert_eq!(start.elapsed().as_secs(), 13, "8 of idling, 5 of trickling");
    sender.abort();
}

#[tokio::test(start_paused = true)]
async fn a_part_that_came_with_whole_messages_has_its_time_from_then_on() {
    let (mut stream, mut far) = messages(100);
    far.write_all(&[framed(b"one"), b"\0\x09par".to_vec()].concat()).await.unwrap();
    let start = Instant::now();
    assert_eq!(next(&mut stream).await, b"one");
    sleep(Duration::from_secs(2)).await;
    assert!(matches!(stream.next().await, Err(StreamError::Slow)));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn idle_time_counts_from_the_last_message_or_answer() {
    let (mut stream, mut far) = messages(100);
    far.write_all(&framed(b"first")).await.unwrap();
    next(&mut stream).await;
    let start = Instant::now();
    assert!(timeout(Duration::from_secs(6), stream.next()).await.is_err());
    stream.push(b"answer").unwrap();
    stream.send().await.unwrap();
    assert!(matches!(stream.next().await, Err(StreamError::Idle)));
    assert_eq!(start.elapsed().as_secs(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_for_answers_is_not_idle() {
    let (mut stream, mut far) = messages(100);
    far.write_all(&framed(b"first")).await.unwrap();
    next(&mut stream).await;
    for expect in [ReadExpectation::Answers, ReadExpectation::Nothing] {
        let late = poll_fn(|cx| {
            let _ = stream.poll_answer(cx, |_, _| true);
            stream.poll_late(cx, expect)
        });
        assert!(timeout(Duration::from_hours(1), late).await.is_err(), "{expect:?}");
    }
    far.write_all(b"\0").await.unwrap();
    let start = Instant::now();
    let late = poll_fn(|cx| {
        let _ = stream.poll_answer(cx, |_, _| true);
        stream.poll_late(cx, ReadExpectation::Answers)
    });
    assert!(matches!(late.await, StreamError::Slow));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn cancelling_loses_neither_bytes_nor_time() {
    let (mut stream, mut far) = messages(100);
    far.write_all(&framed(b"first")).await.unwrap();
    next(&mut stream).await;
    far.write_all(b"\0\x04ab").await.unwrap();
    let start = Instant::now();
    for _ in 0..40 {
        assert!(timeout(Duration::from_millis(100), stream.next()).await.is_err());
    }
    far.write_all(b"cd").await.unwrap();
    assert_eq!(next(&mut stream).await, b"abcd");
    far.write_all(b"\0").await.unwrap();
    let error = loop {
        if let Ok(ended) = timeout(Duration::from_millis(100), stream.next()).await {
            break ended.unwrap_err();
        }
    };
    assert!(matches!(error, StreamError::Slow), "{error}");
    assert_eq!(start.elapsed().as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_held_after_an_hour_of_messages() {
    let (mut stream, mut far) = messages(1000);
    for _ in 0..1800 {
        far.write_all(&framed(b"again")).await.unwrap();
        assert_eq!(next(&mut stream).await, b"again");
        assert!(timeout(Duration::from_secs(2), stream.next()).await.is_err());
    }
    let start = Instant::now();
    assert!(matches!(stream.next().await, Err(StreamError::Idle)));
    assert_eq!(start.elapsed().as_secs(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_cut_off() {
    let (mut stream, _far) = messages(1000);
    stream.push(&[0; 5000]).unwrap();
    let start = Instant::now();
    assert!(matches!(stream.send().await, Err(StreamError::Unread)));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_too_little_is_cut_off() {
    for (bytes, seconds_later, fine) in [(1, 1, false), (1000, 1, false), (2000, 1, true)] {
        let (mut stream, mut far) = messages(100);
        stream.push(&vec![0; 60_000]).unwrap();
        let slow = tokio::spawn(async move {
            let mut taken = vec![0; bytes];
            while far.read_exact(&mut taken).await.is_ok() {
                sleep(Duration::from_secs(seconds_later)).await;
            }
        });
        // Cancelled now and then, as by a select, with no more time for it.
        let ended = loop {
            if let Ok(ended) = timeout(Duration::from_millis(700), stream.send()).await {
                break ended;
            }
        };
        assert_eq!(ended.is_ok(), fine, "{bytes} bytes each {seconds_later} s");
        slow.abort();
    }
}
