//! The addresses of upstreams that the configuration names, asked of the servers under `bootstrap`: never of the upstreams themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use rhumb_resolver::{ForwardAnswer, OutboundQuestion, UpstreamPolicy, UpstreamPool, forward};
use rhumb_wire::{Class, DomainName, MessageSection, MessageView, Type};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::upstream_network::UpstreamNetwork;
use crate::forwarding::resolved_server;
use crate::snapshot::{ServerState, UpstreamName};

/// Bounds of the time between two look-ups of a name, whatever the TTL of its addresses is.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_hours(24);
/// The longest time between two look-ups of a name that fail.
const FAILING: Duration = Duration::from_mins(1);
/// A look-up takes no longer.
const UNDER_WAY: Duration = Duration::from_secs(30);
/// Nothing is due for so long at most.
const QUIET: Duration = Duration::from_hours(1);
/// Addresses of a name that are used.
const MOST_ADDRESSES: usize = 16;

/// Looks up the names of upstreams, each again when its TTL ends, until `stop` is true. `changed` is called when a name has other addresses.
pub async fn look_up_names(
    live: Arc<ServerState>,
    changed: impl Fn() + Clone + Send + 'static,
    mut stop: watch::Receiver<bool>,
) {
    let network = Arc::new(UpstreamNetwork::new(&live));
    loop {
        let now = Instant::now();
        let (due, next) = live.upstream_names.due(now);
        for name in due {
            live.upstream_names.begin(&name, now + UNDER_WAY);
            let (live, network, changed) = (Arc::clone(&live), Arc::clone(&network), changed.clone());
            tokio::spawn(async move { look_up(&live, &network, &name, changed).await });
        }
        tokio::select! {
            () = live.upstream_names.changed() => {}
            () = sleep_until(next.unwrap_or(now + QUIET)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn look_up(live: &ServerState, network: &UpstreamNetwork, name: &UpstreamName, changed: impl Fn()) {
    let names = &live.upstream_names;
    let found = addresses(live, network, name).await;
    let now = Instant::now();
    match found {
        Ok((addresses, ttl)) => {
            let ttl = Duration::from_secs(ttl.into()).clamp(SHORTEST, LONGEST);
            if names.found(name, addresses, now + ttl) {
                changed();
            }
        }
        Err(why) => {
            let until = |failures: u32| now + FAILING.min(Duration::from_secs(1 << failures.min(6)));
            let (failures, known) = names.failed(name, until);
            if failures == 1 {
                let kept = if known == 0 { "it has no address yet" } else { "its addresses stay" };
                tracing::warn!("upstream name {}: {why}; {kept}", name.name);
            }
        }
    }
}

/// All addresses of a name, and how long they may be kept, in seconds. Where one family cannot be had, that of the other is enough.
///
/// Errors: there is none, in words.
async fn addresses(
    live: &ServerState,
    network: &UpstreamNetwork,
    name: &UpstreamName,
) -> Result<(Vec<IpAddr>, u32), String> {
    let owner: DomainName = name.name.parse().map_err(|error| format!("{error}"))?;
    let servers = name.servers.iter().filter_map(resolved_server).map(|server| live.servers.server(&server));
    let pool = UpstreamPool::new(UpstreamPolicy::InOrder, servers);
    let ask = |qtype: Type| {
        let (question, pool) = (OutboundQuestion::new(owner.as_ref(), qtype), &pool);
        async move { forward(network, pool, &question, &mut |_| {}).await }
    };
    let (v4, v6) = tokio::join!(ask(Type::A), ask(Type::AAAA));
    let (mut found, mut ttl, mut failure) = (Vec::new(), u32::MAX, None);
    for answer in [v4, v6] {
        match answer {
            Ok(answer) => {
                found.extend(addresses_of(&answer));
                ttl = ttl.min(answer.ttl);
            }
            Err(error) => failure = Some(format!("its address cannot be looked up: {error}")),
        }
    }
    found.truncate(MOST_ADDRESSES);
    if !found.is_empty() {
        return Ok((found, ttl));
    }
    Err(failure.unwrap_or_else(|| "it has no address".to_owned()))
}

/// The addresses in an answer, which holds nothing that was not asked for.
fn addresses_of(answer: &ForwardAnswer) -> Vec<IpAddr> {
    let Ok(message) = MessageView::parse(&answer.message) else { return Vec::new() };
    let address = |record: rhumb_wire::MessageRecord<'_>| {
        if record.section != MessageSection::Answer || record.class != Class::IN {
            return None;
        }
        match record.rtype {
            Type::A => <[u8; 4]>::try_from(record.rdata).ok().map(|octets| Ipv4Addr::from(octets).into()),
            Type::AAAA => <[u8; 16]>::try_from(record.rdata).ok().map(|octets| Ipv6Addr::from(octets).into()),
            _ => None,
        }
    };
    let is_host = |ip: &IpAddr| !ip.is_unspecified() && !ip.is_multicast();
    message.records().map_while(Result::ok).filter_map(address).filter(is_host).collect()
}
