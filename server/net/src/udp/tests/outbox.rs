//! Responses that leave together.

use std::sync::Arc;

use super::*;

fn local(last: u8) -> LocalAddress {
    LocalAddress::new(IpAddr::from([127, 7, 1, last]), 0)
}

#[test]
fn all_leave_in_order_each_from_its_address() {
    let sockets = [socket("0.0.0.0:0", false), socket("[::]:0", false)].map(Arc::new);
    let client = client("127.0.9.3");
    let peer = client.local_addr().unwrap();
    let mut outbox = DatagramOutbox::default();
    // Three calls' worth by the first socket, then each in turn.
    let by = |n: u8| &sockets[usize::from(n > 40 && n.is_multiple_of(2))];
    for _ in 0..2 {
        for n in 1..=50 {
            outbox.push(Arc::clone(by(n)), &[n; 3], peer, local(n), ());
        }
        outbox.send(|datagram, error| panic!("{datagram:?}: {error}"));
        for n in 1..=50 {
            assert_eq!(heard(&client), (vec![n; 3], at(by(n), [127, 7, 1, n])));
        }
    }
    outbox.send(|datagram, _| panic!("{datagram:?} once more"));
}

#[test]
fn those_that_fail_are_shown_and_passed_over() {
    let socket = Arc::new(socket("0.0.0.0:0", false));
    let client = client("127.0.9.4");
    let peer = client.local_addr().unwrap();
    let mut outbox = DatagramOutbox::default();
    let large = vec![7; 65_535];
    for (number, message) in [&b"first"[..], &large, b"second", &large].into_iter().enumerate() {
        outbox.push(Arc::clone(&socket), message, peer, local(1), number);
    }
    let mut failed = Vec::new();
    outbox.send(|datagram, error| {
        assert!(matches!(error, DatagramSendError::TooLarge) && datagram.peer == peer, "{error}");
        failed.push(datagram.kept);
    });
    assert_eq!(failed, [1, 3]);
    assert_eq!([heard(&client).0, heard(&client).0], [b"first".to_vec(), b"second".to_vec()]);
}

#[test]
fn what_waits_is_sent_at_the_end() {
    let socket = Arc::new(socket("127.0.0.1:0", false));
    let client = client("127.0.9.5");
    let mut outbox = DatagramOutbox::default();
    outbox.push(Arc::clone(&socket), b"late", client.local_addr().unwrap(), local(1), ());
    drop(outbox);
    assert_eq!(heard(&client).0, b"late");
}
