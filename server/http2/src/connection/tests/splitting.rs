//! Bytes in any parts, of clients that keep to the rules and of such that do not.

use proptest::prelude::*;

use super::client::{Event, Lab, frame, get, last, post, setting, window};
use crate::connection::PREFACE;
use crate::frame::{flag, kind};

/// One of the things that a client sends.
fn piece(choice: u8, stream: u32, bytes: &[u8]) -> Vec<u8> {
    match choice % 14 {
        0 => get(stream),
        1 => [post(stream, None), last(stream, bytes)].concat(),
        2 => post(stream, Some(bytes.len())),
        3 => last(stream, bytes),
        4 => frame(kind::DATA, choice & 0x9, stream, bytes),
        5 => window(stream.saturating_sub(1) / 4, bytes.len() as u32),
        6 => setting(u16::from(choice) % 7, bytes.len() as u32 * 999),
        7 => frame(kind::PING, choice & 1, 0, &[0; 8]),
        8 => frame(kind::RST_STREAM, 0, stream, &[0; 4]),
        9 => frame(kind::HEADERS, choice & 0x2d, stream, bytes),
        10 => frame(kind::CONTINUATION, choice & 4, stream, bytes),
        11 => frame(choice & 0xf, choice, stream, bytes),
        12 => frame(kind::PRIORITY, 0, stream, &[0; 5]),
        _ => bytes.to_vec(),
    }
}

/// Sends in parts, answers each whole request, and gives all events and frames.
fn run(all: &[u8], cuts: &[usize], answer: usize) -> (Vec<Event>, Vec<u8>) {
    let mut lab = Lab::silent();
    let (mut events, mut got) = (Vec::new(), Vec::new());
    let mut rest = all;
    for cut in cuts.iter().chain([&usize::MAX]) {
        let (now, later) = rest.split_at((*cut).min(rest.len()));
        rest = later;
        let more = lab.send(now);
        events.extend(more);
    }
    for event in &events {
        if let Event::Head(stream, true) | Event::Data(stream, _, true) = event {
            lab.answer(*stream, &vec![7; answer]);
        }
    }
    for frame in lab.frames() {
        got.extend_from_slice(&[frame.kind, frame.flags, frame.stream as u8]);
        got.extend_from_slice(&frame.content);
    }
    assert!(lab.connection.open_streams() <= 100);
    assert!(lab.connection.unsent() <= 100 * answer);
    (events, got)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn boundaries_do_not_matter(
        pieces in proptest::collection::vec(
            (any::<u8>(), 0..40_u32, proptest::collection::vec(any::<u8>(), 0..60)),
            0..60,
        ),
        cuts in proptest::collection::vec(0..200_usize, 0..60),
        answer in 0..20_000_usize,
    ) {
        let mut all = [PREFACE, &frame(kind::SETTINGS, 0, 0, &[])].concat();
        for (choice, stream, bytes) in &pieces {
            all.extend_from_slice(&piece(*choice, *stream, bytes));
        }
        prop_assert_eq!(run(&all, &cuts, answer), run(&all, &[], answer));
    }

    #[test]
    fn whole_requests_are_all_given_out(
        bodies in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..600)), 1..60),
        cuts in proptest::collection::vec(0..2000_usize, 0..60),
    ) {
        let mut all = [PREFACE, &frame(kind::SETTINGS, 0, 0, &[]), &frame(kind::SETTINGS, flag::ACK, 0, &[])].concat();
        let mut expected = Vec::new();
        for (number, body) in bodies.iter().enumerate() {
            let stream = 2 * number as u32 + 1;
            match body {
                None => {
                    all.extend_from_slice(&get(stream));
                    expected.push(Event::Head(stream, true));
                }
                Some(body) => {
                    all.extend_from_slice(&[post(stream, Some(body.len())), last(stream, body)].concat());
                    expected.extend([Event::Head(stream, false), Event::Data(stream, body.clone(), true)]);
                }
            }
        }
        prop_assert_eq!(run(&all, &cuts, 10).0, expected);
    }
}
