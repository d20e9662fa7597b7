//! What is accepted and will most likely not do what was meant.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::ServerConfig;
use crate::network::ClientNetwork;
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::sections::TrustAnchors;

/// Networks with prefixes as short as this are the whole internet, or a good part of it.
const OPEN_PREFIX: u8 = 3;

/// Records a warning for each.
pub(crate) fn report(config: &ServerConfig, root: &YamlNode, reader: &mut ConfigReader) {
    if let (TrustAnchors::File(_), None) = (&config.recursion.trust_anchors, &config.state) {
        let message = "without `state` it is not kept over a restart which keys of its zones are trusted by then (RFC 5011)";
        let spot = root.entry("recursion").map_or(root.spot, |entry| entry.value.spot_of("trust-anchors"));
        reader.at_key("recursion", |reader| {
            reader.at_key("trust-anchors", |reader| reader.warning(spot, message));
        });
    }
    let resolves = config.recursion.iterate || !config.stub.is_empty() || !config.forward.is_empty();
    if config.zones.is_empty() && !resolves {
        let message = "nothing is served: every query is refused; give `zones`, `forward` or `recursion`";
        reader.warning(root.spot, message);
    }
    // Where nothing is resolved `allow` gives no one anything.
    if !resolves {
        return;
    }
    let allow = &config.recursion.allow;
    let spot =
        root.entry("recursion").map_or_else(|| root.spot_of("forward"), |entry| entry.value.spot_of("allow"));
    let on_loopback = config.listen.iter().all(|listen| listen.addresses.is_loopback());
    if on_loopback && !allow.is_empty() && !allow.iter().any(holds_loopback) {
        let message = "the server listens for this host alone, which may not ask for what the zones do not hold: all are refused; \
                       name it too, as in allow: [127.0.0.0/8, \"::1\"]";
        reader.at_key("recursion", |reader| reader.at_key("allow", |reader| reader.warning(spot, message)));
    }
    if on_loopback {
        return;
    }
    if !allow.is_empty() && allow.iter().all(is_loopback) {
        let message = "only this host may ask for what the zones do not hold, though the server listens for others: they are \
                       refused; name their networks, as in allow: [local], or allow: [127.0.0.0/8, \"::1\", 192.0.2.0/24]";
        reader.at_key("recursion", |reader| reader.at_key("allow", |reader| reader.warning(spot, message)));
    }
    if let (Some(open), None) = (allow.iter().find(|network| is_open(network)), &config.server.rate_limit) {
        let message = format!(
            "{open} makes this an open resolver, of use in reflected floods, and answers are not limited; name your \
             networks alone, or give server.rate-limit"
        );
        reader.at_key("recursion", |reader| reader.at_key("allow", |reader| reader.warning(spot, message)));
    }
}

fn is_loopback(allowed: &ClientNetwork) -> bool {
    matches!(allowed, ClientNetwork::Network(network) if network.addr.is_loopback())
}

/// Whether one that asks from this host may be allowed by it.
fn holds_loopback(allowed: &ClientNetwork) -> bool {
    match allowed {
        ClientNetwork::Network(network) => {
            network.contains(Ipv4Addr::LOCALHOST.into()) || network.contains(Ipv6Addr::LOCALHOST.into())
        }
        ClientNetwork::Local => true,
    }
}

fn is_open(allowed: &ClientNetwork) -> bool {
    let ClientNetwork::Network(network) = allowed else { return false };
    // 2000::/3 is the whole of global unicast.
    network.prefix <= OPEN_PREFIX
        && !matches!(network.addr, IpAddr::V6(first) if first.segments()[0] >= 0x4000)
}
