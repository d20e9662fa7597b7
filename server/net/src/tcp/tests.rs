//! Listening on loopback.

use super::{SocketAddr, bind};
use std::net::IpAddr;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::{StreamListener, tcp_listener};

fn listener(address: &str, v6only: bool) -> TcpListener {
    tcp_listener(bind(address.parse().unwrap(), v6only, 16).unwrap()).unwrap()
}

#[tokio::test]
async fn both_ends_are_known_and_ipv4_is_shown_as_such() {
    let listener = listener("[::]:0", false);
    let port = listener.local_addr().unwrap().port();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.9.20:0".parse().unwrap()).unwrap();
    let asked = IpAddr::from([127, 1, 2, 3]);
    let client = socket.connect(SocketAddr::new(asked, port)).await.unwrap();
    let accepted = listener.accept_one().await.unwrap();
    assert_eq!(accepted.peer, client.local_addr().unwrap());
    assert_eq!((accepted.local.ip, accepted.local.interface), (asked, 0));
    assert!(accepted.stream.nodelay().unwrap());
    let _client = TcpStream::connect(SocketAddr::new("::1".parse().unwrap(), port)).await.unwrap();
    assert_eq!(listener.accept_one().await.unwrap().local.ip, "::1".parse::<IpAddr>().unwrap());
}

#[tokio::test]
async fn v6only_leaves_ipv4_to_another() {
    let six = listener("[::]:0", true);
    let port = six.local_addr().unwrap().port();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let four = listener(&format!("0.0.0.0:{port}"), false);
    let _client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    assert!(four.accept_one().await.unwrap().peer.is_ipv4());
}

#[tokio::test]
async fn a_reload_may_bind_again() {
    let first = listener("127.0.0.1:0", false);
    let second = listener(&first.local_addr().unwrap().to_string(), false);
    assert_eq!(first.local_addr().unwrap(), second.local_addr().unwrap());
}

#[test]
fn a_port_in_use_names_its_holder() {
    let held = std::net::TcpListener::bind("127.66.2.1:0").unwrap();
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
