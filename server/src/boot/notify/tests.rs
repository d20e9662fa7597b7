//! A socket in the place of the manager's.

use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::{MOST_STATUS, ServiceManager};

fn abstract_name(test: &str) -> (UnixDatagram, OsString) {
    let name = format!("rhumb-notify-{}-{test}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    (socket, format!("@{name}").into())
}

fn received(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

fn to(address: &OsStr) -> ServiceManager {
    ServiceManager::new(Some(address), None, None)
}

#[test]
fn the_life_of_a_service() {
    let (manager, address) = abstract_name("life");
    let supervisor = to(&address);
    supervisor.ready();
    assert_eq!(received(&manager), "READY=1");
    supervisor.status("12 zones\nREADY=1\u{7f}, 2 upstreams");
    assert_eq!(received(&manager), "STATUS=12 zones READY=1 , 2 upstreams");
    supervisor.alive();
    assert_eq!(received(&manager), "WATCHDOG=1");
    supervisor.stopping();
    assert_eq!(received(&manager), "STOPPING=1");
    supervisor.status(&"é".repeat(MOST_STATUS));
    assert_eq!(received(&manager), format!("STATUS={}", "é".repeat(MOST_STATUS / 2)));
}

#[test]
fn a_reload_carries_the_time_of_the_monotonic_clock() {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap()).as_micros();
    let (manager, address) = abstract_name("reload");
    let before = now();
    to(&address).reloading();
    let message = received(&manager);
    let time: u128 = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!((before..=now()).contains(&time), "{message}");
}

#[test]
fn a_path_whose_socket_is_replaced() {
    let path = std::env::temp_dir().join(format!("rhumb-notify-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let supervisor = to(path.as_os_str());
    supervisor.ready();
    for _ in 0..2 {
        let manager = UnixDatagram::bind(&path).unwrap();
        supervisor.stopping();
        assert_eq!(received(&manager), "STOPPING=1");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_manager_that_does_not_read_holds_nobody() {
    let (manager, address) = abstract_name("full");
    let supervisor = to(&address);
    for _ in 0..10_000 {
        supervisor.alive();
    }
    assert_eq!(received(&manager), "WATCHDOG=1");
}

#[test]
fn without_a_usable_address_nothing_is_sent() {
    let long = PathBuf::from("/").join("x".repeat(200));
    for address in ["", "relative", "vsock:2:1", long.to_str().unwrap()] {
        let supervisor = ServiceManager::new(Some(address.as_ref()), Some("1000000"), None);
        assert!(supervisor.to.is_none() && supervisor.watchdog().is_none(), "{address}");
        supervisor.ready();
    }
    assert!(ServiceManager::new(None, Some("1000000"), None).watchdog().is_none());
}

#[test]
fn the_watchdog_is_fed_at_half_its_time_and_only_when_it_is_ours() {
    let (_manager, address) = abstract_name("watchdog");
    let ours = std::process::id().to_string();
    let table = [
        (Some("30000000"), None, Some(Duration::from_secs(15))),
        (Some("30000000"), Some(ours.as_str()), Some(Duration::from_secs(15))),
        (Some("30000000"), Some("1"), None),
        (Some("30000000"), Some("no number"), None),
        (Some("0"), None, None),
        (Some("-5"), None, None),
        (None, Some(ours.as_str()), None),
    ];
    for (time, pid, expected) in table {
        let supervisor = ServiceManager::new(Some(&address), time, pid);
        assert_eq!(supervisor.watchdog(), expected, "{time:?} {pid:?}");
    }
}
