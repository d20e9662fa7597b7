//! Frames that bring no answered query end the connection (row 51 of the table of attacks).

use std::time::Duration;

use super::client::{Event, GET, Lab, frame, get, last, post, setting, window};
use crate::Http2ErrorCode as Code;
use crate::connection::PREFACE;
use crate::frame::{flag, kind};

/// More than any bound.
const MANY: usize = 1000;

/// How many of these the client can send, the answers to requests among them being what `answer` says.
fn survives(begin: &[u8], mut each: impl FnMut(u32) -> Vec<u8>) -> usize {
    let mut lab = Lab::new();
    lab.send(begin);
    for number in 0..MANY {
        if lab.failed.is_some() {
            lab.assert_failed(Code::EnhanceYourCalm);
            return number;
        }
        lab.send(&each(2 * number as u32 + 11));
    }
    MANY
}

#[test]
fn floods_end_after_a_hundred_frames_at_the_most() {
    let reset = |stream| frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    let post_begun = post(1, Some(60_000));
    let head_begun = frame(kind::HEADERS, 0, 1, GET);
    for (name, most, got) in [
        ("rapid reset", 51, survives(&[], |stream| [get(stream), reset(stream)].concat())),
        ("made to reset", 51, survives(&[], |stream| [get(stream), window(stream, 0)].concat())),
        ("malformed", 51, survives(&[], |stream| frame(kind::HEADERS, 5, stream, b"\x82"))),
        ("settings", 51, survives(&[], |_| setting(4, 100))),
        ("acknowledgements", 51, survives(&[], |_| frame(kind::SETTINGS, flag::ACK, 0, &[]))),
        ("ping", 51, survives(&[], |_| frame(kind::PING, 0, 0, &[0; 8]))),
        ("priority", 51, survives(&[], |_| frame(kind::PRIORITY, 0, 1, &[0; 5]))),
        ("unknown", 51, survives(&[], |_| frame(99, 0, 1, &[0; 5]))),
        ("windows", 51, survives(&[], |_| window(0, 1))),
        ("empty data", 55, survives(&post_begun, |_| frame(kind::DATA, 0, 1, &[]))),
        ("small data", 55, survives(&post_begun, |_| frame(kind::DATA, 0, 1, &[0]))),
        ("continuation", 51, survives(&head_begun, |_| frame(kind::CONTINUATION, 0, 1, &[]))),
        ("long head", 3, survives(&head_begun, |_| frame(kind::CONTINUATION, 0, 1, &[0x82; 16_384]))),
    ] {
        assert!(got <= most, "{name}: {got}");
    }
}

#[test]
fn requests_without_a_query_are_few() {
    let mut lab = Lab::new();
    for number in 0..50 {
        assert_eq!(lab.send(&get(2 * number + 1)).len(), 1);
        lab.respond(2 * number + 1, b"no", false);
    }
    lab.send(&[]);
    lab.assert_failed(Code::EnhanceYourCalm);
}

#[test]
fn clients_that_ask_are_served_for_as_long_as_they_like() {
    let mut lab = Lab::new();
    for number in 0..5000 {
        let stream = 2 * number + 1;
        assert_eq!(lab.send(&get(stream)).len(), 1, "{number}");
        lab.answer(stream, &[0; 100]);
        let reset = frame(kind::RST_STREAM, 0, stream, &[0; 4]);
        lab.send(&[window(0, 100), window(stream, 100), frame(kind::PING, 0, 0, &[0; 8]), reset].concat());
    }
    assert_eq!(lab.failed, None);
    // The room for all of a hundred answers is given afterwards.
    for number in 5000..5100 {
        lab.send(&get(2 * number + 1));
        lab.answer(2 * number + 1, &[0; 100]);
    }
    for number in 5000..5100 {
        lab.send(&[window(0, 100), window(2 * number + 1, 100)].concat());
    }
    assert_eq!(lab.failed, None);
}

#[test]
fn requests_that_wait_for_their_answers_have_their_frames() {
    // As httpcore sends them: room, and the end apart from the content.
    let mut lab = Lab::new();
    for number in 0..100 {
        let stream = 2 * number + 1;
        let content = frame(kind::DATA, 0, stream, &[0; 40]);
        lab.send(&[post(stream, Some(40)), window(stream, 1 << 24), content, last(stream, &[])].concat());
        assert_eq!(lab.failed, None, "{number}");
    }
    // What they do not need ends.
    for _ in 0..300 {
        lab.send(&window(0, 1));
    }
    lab.assert_failed(Code::EnhanceYourCalm);
}

#[test]
fn requests_beyond_a_limit_that_is_not_known_yet_are_no_fault() {
    let mut lab = Lab::silent();
    lab.send(PREFACE);
    lab.send(&frame(kind::SETTINGS, 0, 0, &[]));
    for number in 0..100 {
        assert_eq!(lab.send(&get(2 * number + 1)).len(), 1);
    }
    let of_one = |stream| if stream % 4 == 1 { get(stream) } else { post(stream, None) };
    let (first, last_one) = (201, 201 + 2 * 399);
    for stream in (first..=last_one).step_by(2) {
        assert_eq!(lab.send(&of_one(stream)), [], "{stream}");
    }
    for stream in (first..=last_one).step_by(2).filter(|stream| stream % 4 == 3) {
        lab.send(&last(stream, b"x"));
    }
    assert_eq!((lab.failed, lab.resets().len()), (None, 400));
    lab.answer(1, b"x");
    assert_eq!(lab.send(&get(1001)), [Event::Head(1001, true)]);
    // Further ones are.
    (0..50).for_each(|number| drop(lab.send(&get(1003 + 2 * number))));
    lab.send(&[]);
    lab.assert_failed(Code::EnhanceYourCalm);
}

#[test]
fn signs_of_life_are_no_flood() {
    let mut lab = Lab::new();
    for _ in 0..1000 {
        lab.now += Duration::from_secs(15);
        lab.send(&frame(kind::PING, 0, 0, &[0; 8]));
    }
    assert_eq!(lab.failed, None);
}

#[test]
fn a_block_that_refers_to_long_fields_costs_little() {
    // A field of four thousand bytes, and then as often as one block can name it.
    let long = [&b"\x40\x01a\x7f\xa1\x1e"[..], &[b'x'; 4000]].concat();
    let mut lab = Lab::new();
    lab.send(&frame(kind::HEADERS, 5, 1, &[GET, &long].concat()));
    let bomb = [GET, &[0xbe; 16_000]].concat();
    assert_eq!(lab.send(&frame(kind::HEADERS, 5, 3, &bomb)), []);
    let frames = lab.frames();
    let head = frames.iter().find(|frame| frame.stream == 3).unwrap();
    assert_eq!(lab.fields(head), [":status: 431"]);
}
