//! The examples: each can be loaded, and says what its comments promise.

#![allow(clippy::unwrap_used, reason = "what panics in a test fails it")]

use std::fs;
use std::net::Ipv6Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rhumb_config::{
    ClientNetwork, DEFAULT_ZONE, ListenAddresses, LogFormat, WorkerThreads, ZoneSource, built_in,
    load_with_zones, parse, schema, upstream_list,
};
use rhumb_wire::Transport;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

#[test]
fn every_example_can_be_loaded() {
    let mut seen = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            seen += 1;
            parse(&fs::read_to_string(&path).unwrap(), &path).unwrap_or_else(|e| panic!("{e}"));
        }
    }
    assert_eq!(seen, 6);
    let copy = std::env::temp_dir().join(format!("rhumb-examples-{}", std::process::id()));
    copy_closed(&folder(), &copy);
    for name in ["authoritative.yaml", "forwarder.yaml", "full.yaml"] {
        load_with_zones(&copy.join(name)).unwrap_or_else(|errors| panic!("{errors}"));
    }
    fs::remove_dir_all(copy).unwrap();
}

/// Copies a folder; nobody else may read the copy, as secrets ask for.
fn copy_closed(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_closed(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// `::`.
fn every() -> ListenAddresses {
    ListenAddresses::One { ip: Ipv6Addr::UNSPECIFIED.into(), scope: None }
}

#[test]
fn the_built_in_default_is_the_default_example() {
    let path = folder().join("default.yaml");
    let file = parse(&text("default.yaml"), &path).unwrap();
    let built_in = built_in();
    assert_eq!(built_in.file, None);
    let [ZoneSource::BuiltIn { name, place }] = built_in.zones.as_slice() else {
        panic!("{:?}", built_in.zones)
    };
    assert_eq!(name.to_string(), "example.com.");
    assert_eq!(place.to_string(), format!("built-in default:{}:{}", place.line, place.column));
    let listen = &built_in.listen[0];
    assert_eq!((&listen.addresses, listen.port, listen.v6only), (&every(), Some(5300), false));
    assert_eq!(listen.transports, [Transport::Udp, Transport::Tcp]);
    assert_eq!(built_in.forward[0].upstreams.len(), 1);
    assert_eq!(built_in.forward[0].domain.to_string(), ".");
    assert!(
        built_in
            .recursion
            .allow
            .iter()
            .all(|allowed| matches!(allowed, ClientNetwork::Network(net) if net.addr.is_loopback()))
    );
    assert_eq!(built_in.metrics, file.metrics);
    assert_eq!(built_in.metrics.unwrap().listen.to_string(), "127.0.0.1:9153");
    assert_eq!(built_in.control, file.control);
    assert_eq!(built_in.control.socket.as_deref().unwrap(), Path::new("/run/rhumb/control.sock"));
    assert_eq!(built_in.cache, file.cache);
}

#[test]
fn an_empty_configuration_has_the_documented_defaults() {
    let config = parse("{}", Path::new("x.yaml")).unwrap();
    let [listen] = config.listen.as_slice() else { panic!("{:?}", config.listen) };
    assert_eq!((&listen.addresses, listen.port_of(Transport::Tcp), listen.v6only), (&every(), 53, false));
    assert_eq!(config.workers, WorkerThreads::Auto);
    assert!(config.zones.is_empty() && config.forward.is_empty());
    assert_eq!(config.recursion.allow.len(), 2);
    assert_eq!((config.cache.size, config.cache.prefetch), (256 << 20, true));
    assert_eq!(
        (config.cache.serve_stale, config.cache.max_ttl),
        (Duration::from_hours(24), Duration::from_hours(24))
    );
    assert_eq!((config.metrics, config.user, config.control.socket), (None, None, None));
    assert_eq!(config.control.mode, 0o600);
    assert_eq!((config.server.edns_size, config.server.tcp_clients), (1232, 1000));
    assert!(config.server.cookies && config.server.rate_limit.is_none());
}

#[test]
fn the_container_example_logs_json_and_serves_metrics_to_others() {
    let config = parse(&text("container.yaml"), Path::new("/etc/rhumb/rhumb.yaml")).unwrap();
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.metrics.unwrap().listen.to_string(), "[::]:9153");
    assert_eq!((config.listen[0].port_of(Transport::Udp), config.listen[0].v6only), (53, false));
    assert!(
        matches!(&config.zones[0], ZoneSource::Directory { path, .. } if path == Path::new("/etc/rhumb/zones"))
    );
}

#[test]
fn the_upstream_files_of_the_examples_are_right() {
    let (upstreams, complaints) = upstream_list::parse_list(&text("upstreams.list"));
    assert_eq!((upstreams.len(), complaints.len()), (5, 0), "{complaints:?}");
    let (upstreams, complaints) = upstream_list::parse_resolv_conf(&text("resolv.conf"));
    assert_eq!((upstreams.len(), complaints.len()), (2, 0), "{complaints:?}");
}

#[test]
fn the_example_zone_has_what_it_promises() {
    assert_eq!(DEFAULT_ZONE, text("zones/example.com.zone"));
    for word in ["SOA", "NS ", "A ", "AAAA", "MX", "TXT", "CNAME", "*.wild", "ns1.sub"] {
        assert!(DEFAULT_ZONE.contains(word), "{word}");
    }
}

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.json");
    let committed: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(committed == schema(), "config/schema.json is old: cargo run -p rhumb-config --example schema");
}
