//! Frames without requests, and the end of connections (RFC 9113, sections 6.3 to 6.8).

use super::client::{Event, Lab, assert_fails, frame, get, setting};
use crate::Http2ErrorCode as Code;
use crate::frame::{flag, kind};

#[test]
fn settings_are_acknowledged() {
    let mut lab = Lab::new();
    lab.send(&setting(0x1234, 7));
    let frames = lab.frames();
    assert_eq!((frames.len(), frames[0].kind, frames[0].flags), (1, kind::SETTINGS, flag::ACK));
    assert!(frames[0].content.is_empty());
    assert_fails(&[], &frame(kind::SETTINGS, 0, 1, &[]), Code::Protocol);
    assert_fails(&[], &frame(kind::SETTINGS, 0, 0, &[0; 5]), Code::FrameSize);
    assert_fails(&[], &frame(kind::SETTINGS, flag::ACK, 0, &[0; 6]), Code::FrameSize);
    assert_fails(&[], &setting(2, 2), Code::Protocol);
    assert_fails(&[], &setting(4, 1 << 31), Code::FlowControl);
    assert_fails(&[], &setting(5, 100), Code::Protocol);
}

#[test]
fn a_client_that_remembers_no_fields_is_told_all() {
    let mut lab = Lab::with_settings(&setting(1, 0));
    lab.send(&[get(1), get(3)].concat());
    lab.answer(1, b"x");
    lab.answer(3, b"y");
    let frames = lab.frames();
    assert_eq!(frames[0].content[0], 0x20);
    for head in frames.iter().filter(|frame| frame.kind == kind::HEADERS) {
        assert_eq!(lab.fields(head), [":status: 200", "content-length: 1"]);
    }
}

#[test]
fn pings_are_answered() {
    let mut lab = Lab::new();
    lab.send(&frame(kind::PING, 0, 0, b"12345678"));
    let frames = lab.frames();
    assert_eq!((frames[0].flags, &frames[0].content[..]), (flag::ACK, &b"12345678"[..]));
    lab.send(&frame(kind::PING, flag::ACK, 0, b"12345678"));
    assert_eq!((lab.frames().len(), lab.failed), (0, None));
    assert_fails(&[], &frame(kind::PING, 0, 1, &[0; 8]), Code::Protocol);
    assert_fails(&[], &frame(kind::PING, 0, 0, &[0; 7]), Code::FrameSize);
}

#[test]
fn priorities_and_unknown_frames_are_passed_over() {
    let mut lab = Lab::new();
    lab.send(&frame(kind::PRIORITY, 0, 5, &[0; 5]));
    lab.send(&frame(kind::PRIORITY, 0, 2, &[0; 5]));
    lab.send(&frame(0x10, 0xff, 0, b"whatever"));
    lab.send(&frame(0xff, 0xff, 9, b""));
    assert_eq!((lab.failed, lab.frames().len()), (None, 0));
    assert_eq!(lab.send(&get(1)), [Event::Head(1, true)]);
    assert_fails(&[], &frame(kind::PRIORITY, 0, 0, &[0; 5]), Code::Protocol);
    assert_fails(&[], &frame(kind::PRIORITY, 0, 1, &[0; 4]), Code::FrameSize);
    assert_fails(&[], &frame(kind::PUSH_PROMISE, flag::END_HEADERS, 1, &[0; 8]), Code::Protocol);
    assert_fails(&[], &frame(kind::DATA, 0, 1, &vec![0; 16_385]), Code::FrameSize);
    // Its length alone says so.
    assert_fails(&[], &frame(kind::DATA, 0, 1, &vec![0; 16_385])[..9], Code::FrameSize);
}

#[test]
fn the_end_of_the_server_lets_requests_on_their_way_arrive() {
    let mut lab = Lab::new();
    lab.send(&get(1));
    lab.shut_down();
    lab.shut_down();
    let frames = lab.frames();
    assert_eq!((frames.len(), frames[0].kind, frames[1].kind), (2, kind::GOAWAY, kind::PING));
    assert_eq!(frames[0].content, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    assert_eq!(lab.send(&get(3)), [Event::Head(3, true)]);
    assert!(!lab.connection.is_closing());
    // Another answer is none.
    lab.send(&frame(kind::PING, flag::ACK, 0, &[0; 8]));
    assert!(!lab.connection.is_closing());
    lab.send(&frame(kind::PING, flag::ACK, 0, &frames[1].content));
    assert!(lab.connection.is_closing());
    assert_eq!(lab.frames()[0].content, [0, 0, 0, 3, 0, 0, 0, 0]);
    assert_eq!(lab.send(&get(5)), []);
    assert_eq!(lab.resets(), [(5, Code::RefusedStream as u32)]);
    lab.answer(1, b"x");
    lab.answer(3, b"x");
    assert_eq!((lab.frames().len(), lab.connection.open_streams()), (4, 0));
}

#[test]
fn a_client_may_leave() {
    let mut lab = Lab::new();
    lab.send(&get(1));
    lab.send(&frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0, b'b', b'y', b'e']));
    assert!(lab.connection.is_closing());
    lab.answer(1, b"x");
    assert_eq!((lab.frames().len(), lab.connection.open_streams()), (2, 0));
    assert_fails(&[], &frame(kind::GOAWAY, 0, 1, &[0; 8]), Code::Protocol);
    assert_fails(&[], &frame(kind::GOAWAY, 0, 0, &[0; 7]), Code::FrameSize);
}
