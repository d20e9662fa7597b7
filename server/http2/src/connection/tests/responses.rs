//! Responses, and the room that clients have for them (RFC 9113, sections 5.2 and 6.9).

use super::client::{Event, Frame, Lab, assert_fails, frame, get, post, setting, window};
use crate::Http2ErrorCode as Code;
use crate::frame::{flag, kind};

const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX: u32 = 0x7fff_ffff;

/// The content that came for a stream, and whether it ended.
fn content(frames: &[Frame], stream: u32) -> (Vec<u8>, bool) {
    let of_stream = frames.iter().filter(|frame| frame.stream == stream && frame.kind == kind::DATA);
    let ended = of_stream.clone().any(|frame| frame.flags & flag::END_STREAM != 0);
    (of_stream.flat_map(|frame| frame.content.clone()).collect(), ended)
}

#[test]
fn a_response_has_a_head_and_content() {
    let mut lab = Lab::new();
    lab.send(&get(1));
    lab.answer(1, b"answer");
    let frames = lab.frames();
    assert_eq!((frames[0].kind, frames[0].flags), (kind::HEADERS, flag::END_HEADERS));
    assert_eq!(lab.fields(&frames[0]), [":status: 200", "content-length: 6"]);
    assert_eq!(content(&frames, 1), (b"answer".to_vec(), true));
    assert_eq!((frames.len(), lab.connection.open_streams()), (2, 0));
    // Without content the head ends it.
    lab.send(&get(3));
    lab.answer(3, b"");
    let frames = lab.frames();
    assert_eq!((frames.len(), frames[0].flags), (1, flag::END_HEADERS | flag::END_STREAM));
}

#[test]
fn long_content_comes_in_frames_that_everybody_takes() {
    let mut lab = Lab::new();
    lab.send(&get(1));
    let long: Vec<u8> = (0..60_000_u32).map(|number| number as u8).collect();
    lab.answer(1, &long);
    let frames = lab.frames();
    assert!(frames.iter().all(|frame| frame.content.len() <= 16_384));
    assert_eq!(content(&frames, 1), (long, true));
}

#[test]
fn what_is_sent_takes_no_memory() {
    let mut lab = Lab::with_settings(&setting(INITIAL_WINDOW_SIZE, 0));
    lab.send(&get(1));
    lab.answer(1, &vec![7; 60_000]);
    for left in [50_000_usize, 30_000, 20_000, 9000, 1] {
        let more = lab.connection.unsent() - left;
        lab.send(&window(1, more as u32));
        let kept: usize = lab.connection.streams.all_mut().map(|open| open.unsent.capacity()).sum();
        assert!(lab.connection.unsent() == left && kept <= 2 * left, "{kept} for {left}");
    }
    lab.send(&window(1, 1));
    assert_eq!(content(&lab.frames(), 1), (vec![7; 60_000], true));
}

#[test]
fn content_waits_for_room_on_the_stream() {
    let mut lab = Lab::with_settings(&setting(INITIAL_WINDOW_SIZE, 0));
    lab.send(&get(1));
    lab.answer(1, b"0123456789");
    let frames = lab.frames();
    assert_eq!((frames.len(), frames[0].flags), (1, flag::END_HEADERS));
    assert_eq!(lab.connection.unsent(), 10);
    for (more, expected) in [(1, &b"0"[..]), (3, b"123"), (100, b"456789")] {
        lab.send(&window(1, more));
        let last = more == 100;
        assert_eq!(content(&lab.frames(), 1), (expected.to_vec(), last));
    }
    assert_eq!((lab.connection.unsent(), lab.connection.open_streams()), (0, 0));
}

#[test]
fn content_waits_for_room_on_the_connection() {
    let mut lab = Lab::with_settings(&setting(INITIAL_WINDOW_SIZE, MAX));
    lab.send(&[get(1), get(3), get(5)].concat());
    for stream in [1, 3, 5] {
        lab.answer(stream, &vec![stream as u8; 40_000]);
    }
    let frames = lab.frames();
    assert_eq!(content(&frames, 1), (vec![1; 40_000], true));
    assert_eq!(content(&frames, 3), (vec![3; 25_535], false));
    assert_eq!(content(&frames, 5), (vec![], false));
    assert_eq!(lab.connection.unsent(), 54_465);
    lab.send(&window(0, 20_000));
    let frames = lab.frames();
    assert_eq!(content(&frames, 3), (vec![3; 14_465], true));
    assert_eq!(content(&frames, 5), (vec![5; 5535], false));
    // Room on a stream alone is of no use.
    lab.send(&window(5, 1));
    assert_eq!(lab.frames(), []);
    lab.send(&window(0, 34_465));
    assert_eq!(content(&lab.frames(), 5), (vec![5; 34_465], true));
    assert_eq!((lab.connection.unsent(), lab.connection.open_streams()), (0, 0));
}

#[test]
fn the_window_of_open_streams_follows_the_settings() {
    let mut lab = Lab::with_settings(&setting(INITIAL_WINDOW_SIZE, 6));
    lab.send(&get(1));
    lab.answer(1, b"0123456789");
    assert_eq!(content(&lab.frames(), 1).0, b"012345");
    // Six less than nothing, until four more than that.
    lab.send(&setting(INITIAL_WINDOW_SIZE, 0));
    lab.send(&window(1, 6));
    assert_eq!(content(&lab.frames(), 1).0, b"");
    lab.send(&setting(INITIAL_WINDOW_SIZE, 3));
    assert_eq!(content(&lab.frames(), 1), (b"678".to_vec(), false));
    lab.send(&setting(INITIAL_WINDOW_SIZE, 100));
    assert_eq!(content(&lab.frames(), 1), (b"9".to_vec(), true));
    // New ones begin with the last.
    lab.send(&get(3));
    lab.answer(3, &[3; 101]);
    assert_eq!(content(&lab.frames(), 3), (vec![3; 100], false));
}

#[test]
fn windows_do_not_overflow() {
    assert_fails(&[], &window(0, MAX), Code::FlowControl);
    assert_fails(&[], &window(0, 0), Code::Protocol);
    assert_fails(&[], &window(1, 1), Code::Protocol);
    assert_fails(&[], &window(2, 1), Code::Protocol);
    assert_fails(&[], &frame(kind::WINDOW_UPDATE, 0, 0, &[0; 3]), Code::FrameSize);
    for (wrong, code) in [(window(1, MAX), Code::FlowControl), (window(1, 0), Code::Protocol)] {
        let mut lab = Lab::new();
        lab.send(&get(1));
        assert_eq!(lab.send(&wrong), [Event::Reset(1)]);
        assert_eq!(lab.resets(), [(1, code as u32)]);
    }
    let before = [get(1), window(1, MAX - 65_535)].concat();
    assert_fails(&before, &setting(INITIAL_WINDOW_SIZE, 65_536), Code::FlowControl);
    let mut lab = Lab::new();
    lab.send(&window(0, MAX - 65_535));
    assert_eq!(lab.failed, None);
}

#[test]
fn a_client_that_gives_an_answered_request_up_frees_its_content() {
    let mut lab = Lab::with_settings(&setting(INITIAL_WINDOW_SIZE, 0));
    lab.send(&get(1));
    lab.answer(1, &[0; 1000]);
    assert_eq!(lab.connection.unsent(), 1000);
    assert_eq!(lab.send(&frame(kind::RST_STREAM, 0, 1, &[0, 0, 0, 8])), []);
    assert_eq!((lab.connection.unsent(), lab.connection.open_streams()), (0, 0));
}

#[test]
fn content_that_is_of_no_use_any_more_is_not_given_out() {
    let mut lab = Lab::with_settings(&setting(INITIAL_WINDOW_SIZE, 0));
    lab.send(&post(1, None));
    lab.answer(1, b"early");
    assert_eq!(lab.send(&frame(kind::DATA, 0, 1, &[0; 100])), []);
    lab.frames();
    lab.send(&window(1, 5));
    let frames = lab.frames();
    assert_eq!(content(&frames, 1), (b"early".to_vec(), true));
    assert_eq!(frames.last().unwrap().kind, kind::RST_STREAM);
}
