//! Listening on loopback.

use super::*;
use std::net::IpAddr;
use tokio::net::{TcpSocket, TcpStream};

fn acceptor(address: &str, v6only: bool) -> Acceptor {
    Acceptor::new(bind(address.parse().unwrap(), v6only, 16).unwrap()).unwrap()
}

#[tokio::test]
async fn both_ends_are_told_and_ipv4_is_shown_as_such() {
    let acceptor = acceptor("[::]:0", false);
    let port = acceptor.address().port();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.9.20:0".parse().unwrap()).unwrap();
    let asked = IpAddr::from([127, 1, 2, 3]);
    let client = socket.connect(SocketAddr::new(asked, port)).await.unwrap();
    let accepted = acceptor.accept().await.unwrap();
    assert_eq!(accepted.peer, client.local_addr().unwrap());
    assert_eq!((accepted.local.ip, accepted.local.interface), (asked, 0));
    assert!(accepted.stream.nodelay().unwrap());
    let _client = TcpStream::connect(SocketAddr::new("::1".parse().unwrap(), port)).await.unwrap();
    assert_eq!(acceptor.accept().await.unwrap().local.ip, "::1".parse::<IpAddr>().unwrap());
    assert_eq!(acceptor.exhausted(), 0);
}

#[tokio::test]
async fn v6only_leaves_ipv4_to_another() {
    let six = acceptor("[::]:0", true);
    let port = six.address().port();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let four = acceptor(&format!("0.0.0.0:{port}"), false);
    let _client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    assert!(four.accept().await.unwrap().peer.is_ipv4());
}

#[tokio::test]
async fn a_reload_may_bind_again() {
    let first = acceptor("127.0.0.1:0", false);
    let second = acceptor(&first.address().to_string(), false);
    assert_eq!(first.address(), second.address());
}

#[test]
fn a_port_in_use_names_its_holder() {
    let held = TcpListener::bind("127.66.2.1:0").unwrap();
    let error = bind(held.local_addr().unwrap(), false, 16).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("cannot listen on tcp 127.66.2.1:"), "{text}");
    assert!(text.contains(&format!("is held by {} (", std::process::id())), "{text}");
}

#[test]
fn addresses_may_be_bound_before_they_come() {
    bind("192.0.2.99:0".parse().unwrap(), false, 16).unwrap();
    bind("[2001:db8::99]:0".parse().unwrap(), true, 16).unwrap();
}
