//! How sockets are set up, and what is said when they cannot be.

use std::time::Instant;

use nix::libc;

use super::*;

#[test]
fn options_are_set_on_the_socket() {
    let wanted = [
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT, [true, true, false]),
        (libc::IPPROTO_IP, libc::IP_PKTINFO, 1, [true, true, false]),
        (libc::IPPROTO_IP, libc::IP_FREEBIND, 1, [true, true, false]),
        (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT, [false, true, true]),
        (libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 1, [false, true, true]),
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1, [false, true, true]),
        (libc::IPPROTO_IPV6, libc::IPV6_FREEBIND, 1, [false, true, true]),
        (libc::SOL_SOCKET, libc::SO_REUSEPORT, 1, [true, true, true]),
    ];
    let sockets = [socket("0.0.0.0:0", false), socket("[::]:0", false), socket("[::]:0", true)];
    for (level, option, value, on) in wanted {
        for (socket, _) in sockets.iter().zip(on).filter(|(_, on)| *on) {
            let found = sys::option(socket, level, option).unwrap();
            assert_eq!(found, value, "{level} {option} of {}", socket.address());
        }
    }
    for (socket, only) in sockets.iter().zip([None, Some(0), Some(1)]) {
        let found = only.map(|_| sys::option(socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY).unwrap());
        assert_eq!(found, only);
        let flags = nix::fcntl::fcntl(socket, nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        assert!(socket.receive_buffer().unwrap() >= 212_992);
        assert!(socket.is_wildcard());
    }
}

#[test]
fn both_wildcards_live_side_by_side_with_v6only() {
    let six = socket("[::]:0", true);
    let four = socket(&format!("0.0.0.0:{}", six.address().port()), false);
    assert_eq!(four.address().port(), six.address().port());
}

#[test]
fn addresses_may_be_bound_before_they_come() {
    for address in ["192.0.2.99:0", "[2001:db8::99]:0"] {
        assert!(!socket(address, false).is_wildcard());
    }
}

#[test]
fn a_mapped_address_is_bound_as_ipv4() {
    assert!(socket("[::ffff:127.0.0.1]:0", true).address().is_ipv4());
}

#[test]
fn threads_share_an_address() {
    let first = socket("127.0.0.1:0", false);
    let second = socket(&first.address().to_string(), false);
    assert_eq!(first.address(), second.address());
}

#[test]
fn a_port_in_use_names_its_holder() {
    let held = UdpSocket::bind("127.66.1.1:0").unwrap();
    let address = SocketAddr::new("0.0.0.0".parse().unwrap(), held.local_addr().unwrap().port());
    let options = SocketOptions { address, v6only: false, receive_buffer: 4096 };
    let error = DatagramSocket::bind(&options).unwrap_err();
    assert_eq!(
        (error.address, error.port(), error.errno()),
        (address, address.port(), Some(libc::EADDRINUSE))
    );
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot listen on udp {address}: bind: EADDRINUSE (")), "{text}");
    assert!(text.contains(&format!("port {} is held by {} (", address.port(), std::process::id())), "{text}");
    // A dual-stack socket is in the way of IPv4, too.
    let address = format!("[::]:{}", address.port());
    let error =
        DatagramSocket::bind(&SocketOptions { address: address.parse().unwrap(), ..options }).unwrap_err();
    assert!(error.to_string().contains("is held by"), "{error}");
}

#[test]
fn a_link_local_address_needs_its_scope() {
    let address = "[fe80::1]:0".parse().unwrap();
    let error =
        DatagramSocket::bind(&SocketOptions { address, v6only: true, receive_buffer: 4096 }).unwrap_err();
    assert!(error.to_string().contains("fe80::1%eth0"), "{error}");
    let address = "[fe80::1%4000000]:0".parse().unwrap();
    let error =
        DatagramSocket::bind(&SocketOptions { address, v6only: true, receive_buffer: 4096 }).unwrap_err();
    assert!(error.to_string().contains("no interface 4000000"), "{error}");
}

#[test]
fn stopping_ends_a_blocked_receive_at_once_and_for_good() {
    for address in ["0.0.0.0:0", "[::]:0", "127.0.0.1:0"] {
        let socket = socket(address, false);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let mut batch = DatagramBatch::new(8, 512, 512);
                let first = batch.receive(&socket).unwrap();
                let ended = Instant::now();
                assert_eq!((first, batch.receive(&socket).unwrap()), (0, 0));
                assert!(ended.elapsed() < Duration::from_millis(50));
                ended
            });
            std::thread::sleep(Duration::from_millis(100));
            let stopped = Instant::now();
            socket.stop_receiving();
            let ended = thread.join().unwrap();
            assert!(ended.saturating_duration_since(stopped) < Duration::from_millis(50), "{address}");
            assert!(ended >= stopped, "{address}: it had not waited");
        });
    }
}

#[test]
fn what_is_queued_is_taken_after_stopping_and_can_be_answered() {
    let socket = socket("0.0.0.0:0", false);
    let client = client("127.0.9.3");
    for last in 1..=5_u8 {
        client.send_to(&[last], at(&socket, [127, 0, 8, last])).unwrap();
    }
    socket.stop_receiving();
    let mut batch = DatagramBatch::new(8, 512, 512);
    assert_eq!(batch.receive_now(&socket).unwrap(), 5);
    batch.answer(|datagram, reply| {
        reply[0] = datagram.bytes[0];
        Some(1)
    });
    assert_eq!(batch.send(&socket, |_, error| panic!("{error}")), 5);
    for last in 1..=5_u8 {
        assert_eq!(heard(&client), (vec![last], at(&socket, [127, 0, 8, last])));
    }
    assert_eq!(batch.receive_now(&socket).unwrap(), 0);
}

#[test]
fn what_comes_after_stopping_goes_to_the_other_sockets_of_the_address() {
    for (address, host) in
        [("0.0.0.0:0", [127, 0, 8, 1]), ("[::]:0", [127, 0, 8, 1]), ("127.0.8.1:0", [127, 0, 8, 1])]
    {
        let first = socket(address, false);
        let mut shared: SocketAddr = address.parse().unwrap();
        shared.set_port(first.address().port());
        let second = socket(&shared.to_string(), false);
        first.stop_receiving();
        // Each peer is given to one of the two by its port.
        for _ in 0..64 {
            client("127.0.9.4").send_to(b"?", at(&first, host)).unwrap();
        }
        let mut batch = DatagramBatch::new(64, 512, 512);
        assert_eq!(batch.receive_now(&second).unwrap(), 64, "{address}");
        assert_eq!(batch.receive_now(&first).unwrap(), 0, "{address}");
    }
}

#[test]
fn drops_are_counted() {
    let socket = DatagramSocket::bind(&SocketOptions {
        address: "127.0.0.1:0".parse().unwrap(),
        v6only: false,
        receive_buffer: 4096,
    })
    .unwrap();
    assert_eq!(socket.dropped(), Some(0));
    let client = client("127.0.9.4");
    for _ in 0..200 {
        client.send_to(&[0; 512], socket.address()).unwrap();
    }
    assert!(socket.dropped().unwrap() > 100);
}

/// The address that packet information need not tell is known, and packet information is not asked for.
#[test]
fn an_address_that_stands_alone_needs_no_packet_information() {
    let asks = |socket: &DatagramSocket| {
        let v6 = socket.address().is_ipv6();
        let (level, option) = if v6 {
            (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
        } else {
            (libc::IPPROTO_IP, libc::IP_PKTINFO)
        };
        sys::option(socket, level, option).unwrap() != 0
    };
    for (address, asked) in [
        ("0.0.0.0:0", true),
        ("[::]:0", true),
        ("224.0.0.251:0", true),
        ("255.255.255.255:0", true),
        ("127.0.0.1:0", false),
        ("[::ffff:127.0.0.1]:0", false),
        ("[::1]:0", false),
        ("192.0.2.1:0", false),
    ] {
        let socket = socket(address, false);
        assert_eq!(asks(&socket), asked, "{address}");
        assert_eq!(socket.bound.is_none(), asked, "{address}");
    }
}

#[test]
fn a_bound_socket_answers_from_its_address() {
    for (address, own) in [("127.4.4.4:0", "127.0.9.30"), ("[::1]:0", "::1")] {
        let socket = socket(address, true);
        let client = client(own);
        client.send_to(b"now", socket.address()).unwrap();
        let mut batch = DatagramBatch::new(4, 512, 512);
        assert_eq!(batch.receive(&socket).unwrap(), 1);
        let mut local = None;
        batch.answer(|datagram, reply| {
            assert!(!datagram.destination_unknown());
            local = Some(datagram.local());
            reply[0] = b'n';
            Some(1)
        });
        assert_eq!(batch.send(&socket, |_, error| panic!("{error}")), 1);
        assert_eq!(heard(&client), (b"n".to_vec(), socket.address()));
        let local = local.unwrap();
        assert_eq!(local, LocalAddress::from(socket.address()));
        socket.send(b"late", client.local_addr().unwrap(), &local).unwrap();
        assert_eq!(heard(&client), (b"late".to_vec(), socket.address()));
    }
}

#[test]
fn a_link_local_address_keeps_its_interface() {
    let options = |address: &str| SocketOptions {
        address: address.parse().unwrap(),
        v6only: true,
        receive_buffer: 4096,
    };
    let bound = options("[fe80::1%7]:53").bound_to();
    assert_eq!(bound, Some(LocalAddress::new("fe80::1".parse().unwrap(), 7)));
    assert_eq!(options("[2001:db8::1%7]:53").bound_to().map(|local| local.interface), Some(0));
    assert_eq!(options("[ff02::fb%7]:53").bound_to(), None);
}
