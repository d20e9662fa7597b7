//! Batches: addresses, reuse, failures.

use nix::libc;

use super::*;

#[test]
fn each_answer_comes_from_the_address_that_was_asked() {
    let socket = socket("0.0.0.0:0", false);
    let mut batch = DatagramBatch::new(64, 512, 512);
    let client = client("127.0.9.10");
    for round in 0..20_u8 {
        let asked: Vec<IpAddr> = (1..=40).map(|n| IpAddr::from([127, round, 200 - n, n])).collect();
        for ip in &asked {
            client.send_to(ip.to_string().as_bytes(), at(&socket, *ip)).unwrap();
        }
        echo(&socket, &mut batch, asked.len());
        for ip in asked {
            assert_eq!(heard(&client), (ip.to_string().into_bytes(), at(&socket, ip)));
        }
    }
}

#[test]
fn a_dual_stack_socket_answers_both_families() {
    let socket = socket("[::]:0", false);
    let mut batch = DatagramBatch::new(16, 512, 512);
    let (four, six) = (client("127.0.9.11"), client("::1"));
    for round in 1..=30_u8 {
        let ip = IpAddr::from([127, 3, round, 1]);
        four.send_to(b"four", at(&socket, ip)).unwrap();
        six.send_to(b"six", at(&socket, "::1".parse::<IpAddr>().unwrap())).unwrap();
        let mut seen = Vec::new();
        while seen.len() < 2 {
            batch.receive(&socket).unwrap();
            batch.answer(|datagram, reply| {
                seen.push((datagram.peer(), datagram.local()));
                assert_eq!(datagram.peer_ip(), datagram.peer().ip());
                assert_eq!(datagram.peer_port(), datagram.peer().port());
                reply[..datagram.bytes.len()].copy_from_slice(datagram.bytes);
                Some(datagram.bytes.len())
            });
            batch.send(&socket, |_, error| panic!("{error}"));
        }
        assert!(seen.contains(&(four.local_addr().unwrap(), LocalAddress::new(ip, 0))), "{seen:?}");
        assert!(
            seen.contains(&(six.local_addr().unwrap(), LocalAddress::new("::1".parse().unwrap(), 0))),
            "{seen:?}"
        );
        assert_eq!(heard(&four), (b"four".to_vec(), at(&socket, ip)));
        assert_eq!(heard(&six).0, b"six");
    }
}

#[test]
fn with_ipv6_information_alone_ipv4_is_answered_too() {
    let socket = socket("[::]:0", false);
    sys::set_option(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 0).unwrap();
    let client = client("127.0.9.12");
    let ip = IpAddr::from([127, 5, 5, 5]);
    client.send_to(b"mapped", at(&socket, ip)).unwrap();
    echo(&socket, &mut DatagramBatch::new(4, 512, 512), 1);
    assert_eq!(heard(&client), (b"mapped".to_vec(), at(&socket, ip)));
}

#[test]
fn a_datagram_without_control_data_harms_no_later_one() {
    let socket = socket("0.0.0.0:0", false);
    let mut batch = DatagramBatch::new(4, 512, 512);
    let client = client("127.0.9.13");
    for round in 1..=10_u8 {
        let ip = IpAddr::from([127, 6, 6, round]);
        sys::set_option(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 0).unwrap();
        client.send_to(b"lost", at(&socket, ip)).unwrap();
        assert_eq!(batch.receive(&socket).unwrap(), 1);
        batch.answer(|datagram, _| {
            assert!(datagram.destination_unknown());
            assert!(datagram.local().ip.is_unspecified());
            Some(1)
        });
        assert_eq!(batch.send(&socket, |_, error| panic!("{error}")), 0, "from which address?");
        sys::set_option(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1).unwrap();
        client.send_to(b"found", at(&socket, ip)).unwrap();
        echo(&socket, &mut batch, 1);
        assert_eq!(heard(&client), (b"found".to_vec(), at(&socket, ip)));
    }
}

#[test]
fn a_failure_in_the_middle_loses_no_other_answer() {
    let socket = socket("0.0.0.0:0", false);
    let mut batch = DatagramBatch::new(16, 512, 65_535);
    let client = client("127.0.9.14");
    for too_large in [vec![0], vec![4], vec![9], vec![3, 4, 5], vec![0, 2, 9], (0..10).collect()] {
        for n in 0..10_u8 {
            client.send_to(&[n], at(&socket, [127, 0, 7, n + 1])).unwrap();
        }
        assert_eq!(batch.receive(&socket).unwrap(), 10);
        batch.answer(|datagram, reply| {
            reply[0] = datagram.bytes[0];
            Some(if too_large.contains(&datagram.bytes[0]) { 65_535 } else { 1 })
        });
        let mut failed = Vec::new();
        let sent = batch.send(&socket, |slot, error| {
            assert!(is_too_large(&error), "{error}");
            failed.push(slot);
        });
        assert_eq!(sent, 10 - too_large.len());
        let slots: Vec<usize> = too_large.iter().map(|n| usize::from(*n)).collect();
        assert_eq!(failed, slots);
        for slot in failed {
            let datagram = batch.datagram(slot).unwrap();
            socket.send(&[100 + datagram.bytes[0]], datagram.peer(), &datagram.local()).unwrap();
        }
        let mut got: Vec<_> = (0..10).map(|_| heard(&client)).collect();
        got.sort_by_key(|(bytes, _)| bytes[0] % 100);
        for (n, (bytes, from)) in (0..10_u8).zip(got) {
            assert_eq!(bytes[0], if too_large.contains(&n) { 100 + n } else { n });
            assert_eq!(from, at(&socket, [127, 0, 7, n + 1]));
        }
    }
}

#[test]
fn unanswered_datagrams_leave_no_gap() {
    let socket = socket("0.0.0.0:0", false);
    let mut batch = DatagramBatch::new(16, 512, 512);
    let client = client("127.0.9.15");
    for round in 0..4_u8 {
        for n in 0..12_u8 {
            client.send_to(&[n], at(&socket, [127, 0, 6, n + 1])).unwrap();
        }
        assert_eq!(batch.receive(&socket).unwrap(), 12);
        let answered = |n: u8| (n + round).is_multiple_of(3);
        batch.answer(|datagram, reply| {
            reply[0] = datagram.bytes[0];
            answered(datagram.bytes[0]).then_some(1)
        });
        assert_eq!(batch.send(&socket, |_, error| panic!("{error}")), 4);
        assert_eq!(batch.send(&socket, |_, error| panic!("{error}")), 0, "answers are sent once");
        for n in (0..12).filter(|n| answered(*n)) {
            assert_eq!(heard(&client), (vec![n], at(&socket, [127, 0, 6, n + 1])));
        }
    }
}

#[test]
fn more_than_a_batch_waits_for_the_next_one() {
    let socket = socket("127.0.0.1:0", false);
    let mut batch = DatagramBatch::new(4, 512, 512);
    let client = client("127.0.9.16");
    for n in 0..10 {
        client.send_to(&[n], socket.address()).unwrap();
    }
    let counts: Vec<_> = (0..3).map(|_| batch.receive(&socket).unwrap()).collect();
    assert_eq!(counts, [4, 4, 2]);
    assert!(batch.datagram(1).is_some());
    assert!(batch.datagram(2).is_none(), "left of an earlier batch");
}

#[test]
fn sizes_hold() {
    let socket = socket("127.0.0.1:0", false);
    let mut batch = DatagramBatch::new(4, 100, 50);
    let client = client("127.0.9.17");
    for (length, truncated) in [(0, false), (99, false), (100, false), (101, true), (4000, true)] {
        client.send_to(&vec![7; length], socket.address()).unwrap();
        assert_eq!(batch.receive(&socket).unwrap(), 1, "{length}");
        batch.answer(|datagram, reply| {
            assert_eq!((datagram.bytes.len(), datagram.truncated()), (length.min(100), truncated));
            assert!(datagram.bytes.iter().all(|byte| *byte == 7));
            assert_eq!(reply.len(), 50);
            reply.fill(8);
            // More than there is room for.
            Some(1000)
        });
        batch.send(&socket, |_, error| panic!("{error}"));
        assert_eq!(heard(&client).0, [8; 50]);
    }
}

#[test]
fn answers_of_all_sizes_stand_beside_each_other() {
    let socket = socket("127.0.0.1:0", false);
    let mut batch = DatagramBatch::new(64, 100, 1000);
    assert_eq!(batch.query_size(), 100);
    let client = client("127.0.9.20");
    for round in 0..5_usize {
        for n in 0..64_u8 {
            client.send_to(&[n], socket.address()).unwrap();
        }
        assert_eq!(batch.receive(&socket).unwrap(), 64);
        let size = |n: u8| (usize::from(n) * 271 + round) % 1001;
        batch.answer(|datagram, reply| {
            let n = datagram.bytes[0];
            reply.fill(n);
            (n % 5 != 4).then(|| size(n))
        });
        batch.send(&socket, |_, error| panic!("{error}"));
        for n in (0..64_u8).filter(|n| n % 5 != 4) {
            assert_eq!(heard(&client).0, vec![n; size(n)]);
        }
    }
}

#[test]
fn a_batch_may_move_between_threads() {
    let socket = socket("0.0.0.0:0", false);
    let client = client("127.0.9.18");
    let mut batches = vec![DatagramBatch::new(8, 512, 512)];
    for n in 1..=8_u8 {
        let mut batch = batches.pop().unwrap();
        let ip = IpAddr::from([127, 0, 5, n]);
        client.send_to(&[n], at(&socket, ip)).unwrap();
        std::thread::scope(|scope| {
            let socket = &socket;
            let thread = scope.spawn(move || {
                echo(socket, &mut batch, 1);
                Box::new(batch)
            });
            batches.push(*thread.join().unwrap());
        });
        assert_eq!(heard(&client), (vec![n], at(&socket, ip)));
    }
}

#[test]
fn a_closed_socket_is_an_error_and_not_a_loop() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = DatagramSocket {
        inner: listener.into(),
        address: "127.0.0.1:0".parse().unwrap(),
        bound: None,
        fragments: fragmentation::FragmentMode::new(false),
        stopped: std::sync::atomic::AtomicBool::new(false),
    };
    assert!(DatagramBatch::new(2, 512, 512).receive(&socket).is_err());
}

/// The mode of path MTU discovery that the socket's next IPv4 datagram leaves with.
fn discovery(socket: &DatagramSocket) -> i32 {
    sys::option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER).unwrap()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn small_answers_leave_without_fragments_and_large_ones_with() {
    for (address, to) in [("127.3.0.1:0", "127.3.0.1"), ("[::]:0", "127.3.0.2"), ("0.0.0.0:0", "127.3.0.3")] {
        let socket = socket(address, false);
        let client = client("127.0.9.1");
        let mut batch = DatagramBatch::new(4, 1500, 1500);
        let mut ask = |size: usize, mode: i32| {
            client.send_to(&vec![7; size], at(&socket, to.parse::<IpAddr>().unwrap())).unwrap();
            echo(&socket, &mut batch, 1);
            assert_eq!(heard(&client).0.len(), size);
            assert_eq!(discovery(&socket), mode, "after {size} bytes at {address}");
        };
        let local = LocalAddress::new(to.parse().unwrap(), 0);
        for _ in 0..2 {
            (0..63).for_each(|_| ask(512, libc::IP_PMTUDISC_OMIT));
            ask(512, libc::IP_PMTUDISC_PROBE);
            ask(40, libc::IP_PMTUDISC_PROBE);
            socket.send(&[1; 512], client.local_addr().unwrap(), &local).unwrap();
            assert_eq!(heard(&client).0.len(), 512);
            ask(512, libc::IP_PMTUDISC_PROBE);
            ask(513, libc::IP_PMTUDISC_OMIT);
        }
        (0..64).for_each(|n| {
            ask(20, if n < 63 { libc::IP_PMTUDISC_OMIT } else { libc::IP_PMTUDISC_PROBE });
        });
        // A late answer of another thread.
        socket.send(&[1; 513], client.local_addr().unwrap(), &local).unwrap();
        assert_eq!(heard(&client).0.len(), 513);
        assert_eq!(discovery(&socket), libc::IP_PMTUDISC_OMIT);
    }
}
