//! Control messages made by hand, and any bytes at all.

use super::*;
use proptest::prelude::*;

fn local(text: &str, interface: u32) -> LocalAddress {
    LocalAddress { ip: text.parse().unwrap(), interface }
}

/// A control message of this kind, behind what is there already.
fn append(control: &mut ControlData, at: usize, variant: &Variant, data: &[u8]) -> usize {
    let mut one = ControlData::empty();
    one.put_length(HEADER + data.len());
    one.put(LEVEL, &variant.level.to_ne_bytes());
    one.put(LEVEL + 4, &variant.kind.to_ne_bytes());
    one.put(HEADER, data);
    let size = align(HEADER + data.len());
    control.put(at, &one.0[..size]);
    at + size
}

fn info4(interface: u32, chosen: [u8; 4], packet: [u8; 4]) -> Vec<u8> {
    [&interface.to_ne_bytes()[..], &chosen, &packet].concat()
}

fn info6(ip: &str, interface: u32) -> Vec<u8> {
    [&ip.parse::<Ipv6Addr>().unwrap().octets()[..], &interface.to_ne_bytes()].concat()
}

#[test]
fn what_is_written_is_found() {
    for (text, interface) in [("192.0.2.1", 0), ("2001:db8::1", 0), ("fe80::1", 7)] {
        let mut control = ControlData::empty();
        let size = control.write(&local(text, interface));
        let found = control.find(size).unwrap();
        assert_eq!(control.local(found), local(text, interface));
    }
    assert_eq!(ControlData::empty().write(&local("::", 0)), 0);
}

#[test]
fn an_index_on_another_address_is_not_written() {
    let mut control = ControlData::empty();
    let size = control.write(&local("2001:db8::1", 7));
    let found = control.find(size).unwrap();
    assert_eq!(control.field::<4>(found.data + 16), [0; 4]);
}

#[test]
fn answers_leave_from_the_queried_address() {
    let mut control = ControlData::empty();
    let size = append(&mut control, 0, &V4, &info4(3, [192, 0, 2, 7], [192, 0, 2, 7]));
    let found = control.find(size).unwrap();
    let (at, length) = control.rewrite_for_reply(found);
    assert_eq!((at, length), (0, size));
    assert_eq!(control.field::<12>(HEADER), info4(0, [192, 0, 2, 7], [192, 0, 2, 7])[..]);
}

#[test]
fn a_broadcast_is_answered_from_the_kernels_choice() {
    let mut control = ControlData::empty();
    let size = append(&mut control, 0, &V4, &info4(3, [192, 0, 2, 7], [192, 0, 2, 255]));
    let found = control.find(size).unwrap();
    assert_eq!(control.local(found), local("192.0.2.7", 0));
    control.rewrite_for_reply(found);
    assert_eq!(control.field::<8>(HEADER), [0, 0, 0, 0, 192, 0, 2, 7]);
    assert_eq!(control.local(found), local("192.0.2.7", 0));
}

#[test]
fn without_the_kernels_choice_it_is_the_address_in_the_packet() {
    let mut control = ControlData::empty();
    let size = append(&mut control, 0, &V4, &info4(0, [0; 4], [192, 0, 2, 9]));
    let found = control.find(size).unwrap();
    control.rewrite_for_reply(found);
    assert_eq!(control.field::<8>(HEADER), [0, 0, 0, 0, 192, 0, 2, 9]);
}

#[test]
fn the_index_stays_for_link_local_only() {
    for (ip, kept) in [("fe80::1", 5_u32), ("2001:db8::1", 0), ("::ffff:192.0.2.1", 0)] {
        let mut control = ControlData::empty();
        let size = append(&mut control, 0, &V6, &info6(ip, 5));
        let found = control.find(size).unwrap();
        assert_eq!(control.local(found), LocalAddress::new(ip.parse().unwrap(), kept));
        control.rewrite_for_reply(found);
        assert_eq!(control.field::<20>(HEADER), info6(ip, kept)[..], "{ip}");
    }
}

#[test]
fn multicast_leaves_the_choice_to_the_kernel() {
    let mut control = ControlData::empty();
    let size = append(&mut control, 0, &V6, &info6("ff02::fb", 5));
    let found = control.find(size).unwrap();
    assert_eq!(control.local(found), local("::", 0));
    control.rewrite_for_reply(found);
    assert_eq!(control.field::<20>(HEADER), [0; 20]);
}

#[test]
fn of_two_messages_the_one_of_ipv4_is_taken_in_either_order() {
    let (four, six) = (info4(1, [192, 0, 2, 1], [192, 0, 2, 1]), info6("::ffff:192.0.2.1", 1));
    for first_four in [true, false] {
        let mut control = ControlData::empty();
        let first = if first_four { (&V4, &four) } else { (&V6, &six) };
        let second = if first_four { (&V6, &six) } else { (&V4, &four) };
        let middle = append(&mut control, 0, first.0, first.1);
        let end = append(&mut control, middle, second.0, second.1);
        let found = control.find(end).unwrap();
        assert_eq!(found.layout, V4.layout);
        let (at, _) = control.rewrite_for_reply(found);
        assert_eq!(at, if first_four { 0 } else { middle });
    }
}

#[test]
fn other_and_cut_messages_are_passed_over() {
    let other = Variant { level: libc::SOL_SOCKET, ask: 0, kind: 1, layout: Layout::Info4 };
    let mut control = ControlData::empty();
    let at = append(&mut control, 0, &other, &[1; 12]);
    let end = append(&mut control, at, &V4, &info4(1, [192, 0, 2, 1], [192, 0, 2, 1]));
    assert_eq!(control.find(end).map(|found| found.data), Some(at + HEADER));
    assert_eq!(control.find(at), None);
    assert_eq!(control.find(at + 8), None);
    let mut short = ControlData::empty();
    let end = append(&mut short, 0, &V4, &[0; 8]);
    assert_eq!(short.find(end), None);
    assert_eq!(short.find(0), None);
}

proptest! {
    #[test]
    fn any_bytes_end_and_stay_inside(bytes in proptest::collection::vec(any::<u8>(), SPACE), length in 0..200_usize) {
        let mut control = ControlData::empty();
        control.0.copy_from_slice(&bytes);
        if let Some(found) = control.find(length) {
            let before = control.local(found);
            let (at, size) = control.rewrite_for_reply(found);
            prop_assert!(at + size <= SPACE);
            prop_assert_eq!(control.local(found), before);
        }
    }

    #[test]
    fn any_length_field_ends(length in any::<usize>(), at in 0..3_usize) {
        let mut control = ControlData::empty();
        control.put(at * 16, &length.to_ne_bytes());
        control.find(SPACE);
    }
}
