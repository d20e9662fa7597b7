//! Requests, whole and broken (RFC 9113, sections 5.1, 6.1, 6.2, 6.10 and 8.1).

use super::client::{Event, GET, Lab, assert_fails, frame, get, last, post, window};
use crate::Http2ErrorCode as Code;
use crate::frame::{flag, kind};

const WHOLE: u8 = flag::END_HEADERS | flag::END_STREAM;

#[test]
fn a_connection_begins_with_preface_and_settings() {
    let mut lab = Lab::silent();
    let greeting = lab.frames();
    assert_eq!((greeting.len(), greeting[0].kind, greeting[0].flags), (1, kind::SETTINGS, 0));
    let settings: [[u8; 6]; 3] = [[0, 3, 0, 0, 0, 100], [0, 4, 0, 0, 16, 0], [0, 6, 0, 0, 32, 0]];
    assert_eq!(greeting[0].content, settings.concat());
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for byte in preface {
        assert_eq!(lab.send(&[*byte]), []);
    }
    assert_eq!(lab.send(&frame(kind::SETTINGS, 0, 0, &[])), []);
    assert_eq!(lab.frames()[0].flags, flag::ACK);
    assert_eq!(lab.send(&get(1)), [Event::Head(1, true)]);
    assert_eq!((lab.head.method(), lab.head.target()), (&b"GET"[..], &b"/get"[..]));

    for wrong in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"] {
        let mut lab = Lab::silent();
        lab.send(wrong);
        lab.assert_failed(Code::Protocol);
    }
    for first in [get(1), frame(kind::SETTINGS, flag::ACK, 0, &[]), frame(kind::PING, 0, 0, &[0; 8])] {
        let mut lab = Lab::silent();
        lab.send(&[&preface[..], &first].concat());
        lab.assert_failed(Code::Protocol);
    }
}

#[test]
fn heads_may_be_padded_prioritised_and_continued() {
    let padded = [&[3][..], GET, &[0; 3]].concat();
    let prioritised = [&[0x80, 0, 0, 1, 9][..], GET].concat();
    let both = [&[2, 0, 0, 0, 0, 9][..], GET, &[0; 2]].concat();
    for (flags, content) in
        [(flag::PADDED, &padded), (flag::PRIORITY, &prioritised), (flag::PADDED | flag::PRIORITY, &both)]
    {
        let mut lab = Lab::new();
        assert_eq!(lab.send(&frame(kind::HEADERS, WHOLE | flags, 1, content)), [Event::Head(1, true)]);
        assert_eq!(lab.head.target(), b"/get");
    }
    let (first, second) = GET.split_at(5);
    let mut lab = Lab::new();
    assert_eq!(lab.send(&frame(kind::HEADERS, flag::END_STREAM, 1, first)), []);
    assert_eq!(lab.send(&frame(kind::CONTINUATION, 0, 1, &[])), []);
    assert_eq!(lab.send(&frame(kind::CONTINUATION, flag::END_HEADERS, 1, second)), [Event::Head(1, true)]);
    assert_eq!(lab.head.target(), b"/get");
}

#[test]
fn nothing_comes_between_the_parts_of_a_head() {
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, GET);
    for wrong in
        [get(3), frame(kind::PING, 0, 0, &[0; 8]), frame(kind::CONTINUATION, 4, 3, &[]), last(1, b"")]
    {
        assert_fails(&begun, &wrong, Code::Protocol);
    }
    assert_fails(&[], &frame(kind::CONTINUATION, flag::END_HEADERS, 1, GET), Code::Protocol);
    assert_fails(&get(1), &frame(kind::CONTINUATION, flag::END_HEADERS, 1, GET), Code::Protocol);
}

#[test]
fn streams_have_numbers_of_clients_that_rise() {
    for stream in [0, 2] {
        assert_fails(&[], &frame(kind::HEADERS, WHOLE, stream, GET), Code::Protocol);
    }
    let mut lab = Lab::new();
    assert_eq!(lab.send(&get(5)), [Event::Head(5, true)]);
    lab.answer(5, b"x");
    // One that was left out counts as closed, as does one that has ended.
    for stream in [3, 5] {
        let mut before = get(5);
        before.extend_from_slice(&frame(kind::RST_STREAM, 0, 5, &[0; 4]));
        assert_fails(&before, &get(stream), Code::StreamClosed);
    }
}

#[test]
fn content_comes_in_parts_and_ends() {
    let mut lab = Lab::new();
    assert_eq!(lab.send(&post(1, Some(5))), [Event::Head(1, false)]);
    assert_eq!(lab.send(&frame(kind::DATA, 0, 1, b"ab")), [Event::Data(1, b"ab".to_vec(), false)]);
    let padded = frame(kind::DATA, flag::PADDED | flag::END_STREAM, 1, b"\x02cde\0\0");
    assert_eq!(lab.send(&padded), [Event::Data(1, b"cde".to_vec(), true)]);
    assert_eq!(lab.send(&post(3, None)), [Event::Head(3, false)]);
    assert_eq!(lab.send(&last(3, b"")), [Event::Data(3, Vec::new(), true)]);
    // All of it padding.
    assert_eq!(lab.send(&post(5, None)), [Event::Head(5, false)]);
    let padding = frame(kind::DATA, flag::PADDED | flag::END_STREAM, 5, &[3, 0, 0, 0]);
    assert_eq!(lab.send(&padding), [Event::Data(5, Vec::new(), true)]);
    for wrong in [&[][..], &[1], &[200, 0, 0]] {
        assert_fails(&post(1, None), &frame(kind::DATA, flag::PADDED, 1, wrong), Code::Protocol);
    }
}

#[test]
fn trailers_end_the_content() {
    let trailers = frame(kind::HEADERS, WHOLE, 1, b"\0\x01a\x01b");
    let mut lab = Lab::new();
    lab.send(&post(1, Some(2)));
    lab.send(&frame(kind::DATA, 0, 1, b"ab"));
    assert_eq!(lab.send(&trailers), [Event::Data(1, Vec::new(), true)]);
    for (length, wrong) in [
        (2, frame(kind::HEADERS, flag::END_HEADERS, 1, b"\0\x01a\x01b")),
        (2, frame(kind::HEADERS, WHOLE, 1, GET)),
        (2, frame(kind::HEADERS, WHOLE, 1, b"\0\x01A\x01b")),
        (3, trailers),
    ] {
        let mut lab = Lab::new();
        lab.send(&[post(1, Some(length)), frame(kind::DATA, 0, 1, b"ab")].concat());
        assert_eq!(lab.send(&wrong), [Event::Reset(1)]);
        assert_eq!(lab.resets(), [(1, Code::Protocol as u32)]);
    }
}

#[test]
fn content_has_the_length_that_was_said() {
    for content in [last(1, b"abc"), last(1, b"a"), last(1, b""), frame(kind::DATA, 0, 1, b"abc")] {
        let mut lab = Lab::new();
        lab.send(&post(1, Some(2)));
        assert_eq!(lab.send(&content), [Event::Reset(1)]);
        assert_eq!(lab.resets(), [(1, Code::Protocol as u32)]);
    }
    let mut lab = Lab::new();
    let none = b"\x83\x87\x04\x04/get\x01\x01a\x0f\x0d\x010";
    assert_eq!(lab.send(&frame(kind::HEADERS, WHOLE, 1, none)), [Event::Head(1, true)]);
    let some = b"\x83\x87\x04\x04/get\x01\x01a\x0f\x0d\x011";
    assert_eq!(lab.send(&frame(kind::HEADERS, WHOLE, 3, some)), []);
    assert_eq!(lab.resets(), [(3, Code::Protocol as u32)]);
}

#[test]
fn malformed_heads_reset_their_stream_alone() {
    let mut lab = Lab::new();
    for (number, block) in [
        &b"\x82\x87\x01\x01a"[..],
        b"\x82\x87\x04\x04/get\0\x0aconnection\x05close",
        b"\x82\x87\x04\x04/get\0\x01A\x01b",
        b"\x82\x87\x04\x04/get\0\x02te\x04gzip",
        b"\x82\x82\x87\x04\x04/get",
        b"\x82\x87\x04\x04/get\x88",
        b"\x82\x87\x04\x00",
    ]
    .iter()
    .enumerate()
    {
        let stream = 2 * number as u32 + 1;
        assert_eq!(lab.send(&frame(kind::HEADERS, WHOLE, stream, block)), []);
        assert_eq!(lab.resets(), [(stream, Code::Protocol as u32)], "{block:?}");
    }
    assert_eq!(lab.send(&get(101)), [Event::Head(101, true)]);
}

#[test]
fn a_head_that_cannot_be_read_ends_the_connection() {
    assert_fails(&[], &frame(kind::HEADERS, WHOLE, 1, &[0xbe]), Code::Compression);
    assert_fails(&[], &frame(kind::HEADERS, WHOLE, 1, &[0x82, 0x04]), Code::Compression);
    // Those of streams that are over are read all the same.
    let abandoned = frame(kind::HEADERS, WHOLE, 1, b"\x82");
    assert_fails(&abandoned, &frame(kind::HEADERS, WHOLE, 1, &[0xbe]), Code::Compression);
}

#[test]
fn a_head_that_is_too_long_is_answered() {
    let mut lab = Lab::new();
    let block = [GET, b"\0\x01a\x7f\x81\x46", &[b'x'; 9088]].concat();
    assert_eq!(lab.send(&frame(kind::HEADERS, WHOLE, 1, &block)), []);
    let frames = lab.frames();
    assert_eq!((frames.len(), frames[0].kind, frames[0].flags), (1, kind::HEADERS, WHOLE));
    assert_eq!(lab.fields(&frames[0]), [":status: 431"]);
    // With content, which is thrown away.
    assert_eq!(lab.send(&frame(kind::HEADERS, flag::END_HEADERS, 3, &block)), []);
    assert_eq!(lab.resets(), [(3, Code::NoError as u32)]);
    assert_eq!(lab.send(&last(3, b"abc")), []);
    assert_eq!(lab.send(&get(5)), [Event::Head(5, true)]);
    assert_eq!((lab.failed, lab.connection.open_streams()), (None, 1));
}

#[test]
fn frames_of_streams_that_are_over_are_errors() {
    let mut lab = Lab::new();
    lab.send(&get(1));
    assert_eq!(lab.send(&last(1, b"x")), [Event::Reset(1)]);
    assert_eq!(lab.resets(), [(1, Code::StreamClosed as u32)]);
    lab.send(&get(3));
    assert_eq!(lab.send(&frame(kind::HEADERS, WHOLE, 3, b"\0\x01a\x01b")), [Event::Reset(3)]);
    assert_eq!(lab.resets(), [(3, Code::StreamClosed as u32)]);
    let reset = [get(1), frame(kind::RST_STREAM, 0, 1, &[0; 4])].concat();
    assert_fails(&reset, &last(1, b"x"), Code::StreamClosed);
    assert_fails(&[], &last(1, b"x"), Code::Protocol);
    assert_fails(&[], &last(0, b"x"), Code::Protocol);
}

#[test]
fn frames_of_streams_that_this_side_has_ended_are_passed_over() {
    let mut lab = Lab::new();
    lab.send(&post(1, None));
    lab.answer(1, b"early");
    assert_eq!(lab.resets(), [(1, Code::NoError as u32)]);
    let more = [
        frame(kind::DATA, 0, 1, &[0; 100]),
        frame(kind::HEADERS, WHOLE, 1, b"\x40\x01a\x01b"),
        window(1, 5),
        frame(kind::RST_STREAM, 0, 1, &[0; 4]),
    ];
    assert_eq!(lab.send(&more.concat()), []);
    assert_eq!((lab.failed, lab.frames().len()), (None, 0));
    // What trailers had to be remembered counts.
    assert_eq!(lab.send(&frame(kind::HEADERS, WHOLE, 3, &[GET, b"\xbe"].concat())), [Event::Head(3, true)]);
}

#[test]
fn more_streams_than_allowed_are_refused() {
    let mut lab = Lab::new();
    for number in 0..100 {
        assert_eq!(lab.send(&get(2 * number + 1)).len(), 1);
    }
    assert_eq!(lab.send(&[get(201), post(203, None), last(203, b"x")].concat()), []);
    let refused = Code::RefusedStream as u32;
    assert_eq!(lab.resets(), [(201, refused), (203, refused)]);
    lab.answer(1, b"x");
    assert_eq!(lab.send(&get(205)), [Event::Head(205, true)]);
}

#[test]
fn a_client_may_give_its_request_up() {
    let mut lab = Lab::new();
    lab.send(&[get(1), get(3)].concat());
    assert_eq!(lab.send(&frame(kind::RST_STREAM, 0, 1, &[0, 0, 0, 8])), [Event::Reset(1)]);
    assert_eq!(lab.connection.open_streams(), 1);
    lab.answer(1, b"late");
    assert_eq!(lab.frames(), []);
    assert_fails(&[], &frame(kind::RST_STREAM, 0, 1, &[0; 4]), Code::Protocol);
    assert_fails(&[], &frame(kind::RST_STREAM, 0, 0, &[0; 4]), Code::Protocol);
    assert_fails(&get(1), &frame(kind::RST_STREAM, 0, 1, &[0; 3]), Code::FrameSize);
}

#[test]
fn clients_send_no_more_than_there_is_room_for() {
    // Until it knows the settings, a client takes the window of the standard for its own.
    let mut lab = Lab::silent();
    lab.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    lab.send(
        &[frame(kind::SETTINGS, 0, 0, &[]), post(1, None), frame(kind::DATA, 0, 1, &[0; 5000])].concat(),
    );
    assert_eq!(lab.resets(), []);
    lab.send(&frame(kind::SETTINGS, flag::ACK, 0, &[]));
    assert_eq!(lab.send(&frame(kind::DATA, 0, 1, b"x")), [Event::Reset(1)]);
    assert_eq!(lab.resets(), [(1, Code::FlowControl as u32)]);

    let mut lab = Lab::new();
    lab.send(&[post(1, None), frame(kind::DATA, 0, 1, &[0; 4096])].concat());
    assert_eq!(lab.frames(), []);
    lab.allow(1, 1000);
    assert_eq!(lab.frames()[0].content, 1000_u32.to_be_bytes());
    lab.send(&frame(kind::DATA, 0, 1, &[0; 1000]));
    assert_eq!(lab.send(&frame(kind::DATA, 0, 1, b"x")), [Event::Reset(1)]);
    assert_eq!(lab.resets(), [(1, Code::FlowControl as u32)]);
}

#[test]
fn padding_takes_no_room_from_the_content() {
    let mut lab = Lab::new();
    lab.send(&post(1, None));
    let padded = [&[255][..], &[1; 1000], &[0; 255]].concat();
    for _ in 0..3 {
        assert_eq!(lab.send(&frame(kind::DATA, flag::PADDED, 1, &padded)).len(), 1);
        let frames = lab.frames();
        assert_eq!((frames.len(), frames[0].kind, frames[0].stream), (1, kind::WINDOW_UPDATE, 1));
        assert_eq!(frames[0].content, 256_u32.to_be_bytes());
    }
    let rest = vec![1; 1096];
    assert_eq!(lab.send(&last(1, &rest)), [Event::Data(1, rest, true)]);
}

#[test]
fn a_connection_gets_new_room_for_what_was_taken() {
    let mut lab = Lab::new();
    let mut given = 0;
    for number in 0..100 {
        let stream = 2 * number + 1;
        lab.send(&[post(stream, None), last(stream, &[0; 4000])].concat());
        lab.answer(stream, b"x");
        let updates = lab.frames().into_iter().filter(|frame| frame.kind == kind::WINDOW_UPDATE);
        for update in updates {
            assert_eq!(update.stream, 0);
            given += u32::from_be_bytes(update.content.try_into().unwrap());
        }
    }
    assert_eq!(lab.failed, None);
    assert!((400_000 - 32_768..=400_000).contains(&given), "{given}");
}

#[test]
fn content_without_leave_takes_the_room_of_the_connection() {
    let mut lab = Lab::silent();
    lab.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    lab.send(&frame(kind::SETTINGS, 0, 0, &[]));
    for stream in [1, 3, 5, 7] {
        lab.send(&post(stream, None));
        lab.send(&frame(kind::DATA, 0, stream, &[0; 16_000]));
    }
    lab.frames();
    lab.send(&frame(kind::DATA, 0, 1, &[0; 1000]));
    assert_eq!((lab.failed, lab.frames().len()), (None, 0));
    // It comes back with leave, and where the stream ends.
    lab.allow(1, 1);
    lab.send(&frame(kind::RST_STREAM, 0, 3, &[0; 4]));
    lab.answer(5, b"x");
    let frames = lab.frames();
    let updates = frames.iter().filter(|frame| frame.kind == kind::WINDOW_UPDATE && frame.stream == 0);
    let given: u32 = updates.map(|frame| u32::from_be_bytes(frame.content.clone().try_into().unwrap())).sum();
    assert!(given >= 33_000, "{given}");
    let mut lab = Lab::new();
    lab.send(&[post(1, None), post(3, None)].concat());
    for _ in 0..2 {
        lab.allow(1, 60_000);
    }
    for _ in 0..4 {
        lab.send(&frame(kind::DATA, 0, 1, &[0; 16_384]));
    }
    assert_eq!(lab.failed, None);
}
