//! Real sockets on loopback. A client never uses the address it asks: then a wrong source would pass by accident.

mod batches;
mod binding;
mod outbox;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::*;
use crate::local::LocalAddress;
use crate::sys;

fn socket(address: &str, v6only: bool) -> DatagramSocket {
    DatagramSocket::bind(&SocketOptions {
        address: address.parse().unwrap(),
        v6only,
        receive_buffer: 1 << 20,
    })
    .unwrap()
}

fn client(ip: &str) -> UdpSocket {
    let client = UdpSocket::bind((ip.parse::<IpAddr>().unwrap(), 0)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    client
}

fn at(socket: &DatagramSocket, ip: impl Into<IpAddr>) -> SocketAddr {
    SocketAddr::new(ip.into(), socket.address().port())
}

/// Receives until `count` datagrams were answered with their own bytes.
fn echo(socket: &DatagramSocket, batch: &mut DatagramBatch, count: usize) {
    let mut done = 0;
    while done < count {
        assert_ne!(batch.receive(socket).unwrap(), 0, "only {done} of {count} arrived");
        batch.answer(|datagram, reply| {
            reply[..datagram.bytes.len()].copy_from_slice(datagram.bytes);
            Some(datagram.bytes.len())
        });
        done += batch.send(socket, |slot, error| panic!("slot {slot}: {error}"));
    }
}

/// The next datagram and where it came from.
fn heard(client: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (length, from) = client.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), from)
}

#[test]
fn answers_later_come_from_the_address_given() {
    let wildcard = socket("0.0.0.0:0", false);
    let dual = socket("[::]:0", false);
    let asked: IpAddr = "127.4.3.2".parse().unwrap();
    let client = client("127.0.9.1");
    for socket in [&wildcard, &dual] {
        let local = LocalAddress::new(asked, 9);
        socket.send(b"late", client.local_addr().unwrap(), &local).unwrap();
        assert_eq!(heard(&client), (b"late".to_vec(), at(socket, asked)));
    }
}

#[test]
fn later_answers_that_cannot_be_sent_say_why() {
    let socket = socket("0.0.0.0:0", false);
    let client = client("127.0.9.1");
    let peer = client.local_addr().unwrap();
    let local = LocalAddress::new("127.0.0.1".parse().unwrap(), 0);
    let error = socket.send(&vec![0; 65_535], peer, &local).unwrap_err();
    assert!(matches!(error, DatagramSendError::TooLarge), "{error}");
    let error = socket.send(b"x", "127.0.0.1:0".parse().unwrap(), &local).unwrap_err();
    assert!(matches!(error, DatagramSendError::Other(_)), "{error}");
    let error = socket.send(b"x", "[2001:db8::1]:53".parse().unwrap(), &local).unwrap_err();
    assert!(matches!(error, DatagramSendError::Other(_)), "{error}");
    // The unspecified address leaves the choice to the kernel.
    socket.send(b"any", peer, &LocalAddress::new("0.0.0.0".parse().unwrap(), 0)).unwrap();
    assert_eq!(heard(&client).0, b"any");
}

#[test]
fn ipv6_is_not_fragmented() {
    let socket = socket("[::1]:0", true);
    let client = client("::1");
    let local = LocalAddress::new("::1".parse().unwrap(), 0);
    // Larger than the loopback's 65 536 with its headers.
    let error = socket.send(&vec![0; 65_500], client.local_addr().unwrap(), &local).unwrap_err();
    assert!(matches!(error, DatagramSendError::TooLarge), "{error}");
}

#[test]
fn tasks_elsewhere_send_while_the_thread_receives() {
    let socket = socket("0.0.0.0:0", false);
    let client = client("127.0.9.2");
    let peer = client.local_addr().unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut batch = DatagramBatch::new(4, 512, 512);
            while !socket.is_stopped() {
                batch.receive(&socket).unwrap();
            }
        });
        for last in 1..=50_u8 {
            let local = LocalAddress::new(IpAddr::from([127, 7, 0, last]), 0);
            socket.send(&[last], peer, &local).unwrap();
            assert_eq!(heard(&client), (vec![last], at(&socket, [127, 7, 0, last])));
        }
        socket.stop_receiving();
        thread.join().unwrap();
    });
}
