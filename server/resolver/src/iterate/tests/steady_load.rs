//! Hours of mixed load on a paused clock: what is kept stays within its bounds, and the heap stays as it is.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rhumb_wire::Type;
use tokio::time::{Instant, sleep};

use super::internet::{AskedQuestion, ScriptedInternet, ServerSays, answer, denial, mixed, name, referral};
use super::outage::CutNetwork;
use super::{Resolver, simulation};
use crate::iterate::{ResolutionScope, ResolverState, resolve};
use crate::question::OutboundQuestion;

/// Bytes for what is learnt: a few thousand names, so that it is full within the first hour.
const ROOM: u64 = 1 << 20;
/// Questions of each second of the load.
const QUESTIONS: u64 = 2;
/// Zones and addresses of their servers.
const ZONES: u64 = 50_000;
const ADDRESSES: u64 = 200;
/// Hours that are played; `RHUMB_HOURS` says how many others.
const HOURS: u64 = 8;

fn number_of(label: &str) -> u64 {
    label.trim_start_matches(|digit: char| !digit.is_ascii_digit()).parse().unwrap_or(0)
}

/// The servers of zone `number` are those of its address; of every twentieth one they are silent.
fn address(number: u64) -> String {
    format!("198.51.100.{}", number % ADDRESSES)
}

fn of_root(asked: &AskedQuestion) -> Option<ServerSays> {
    let top = asked.name.trim_end_matches('.').rsplit('.').next()?;
    if !top.starts_with('t') {
        return Some(denial(3, "."));
    }
    Some(referral(&format!("{top}."), &[(&format!("ns.{top}."), "192.0.2.2")]))
}

fn of_top(asked: &AskedQuestion) -> Option<ServerSays> {
    let mut labels = asked.name.trim_end_matches('.').rsplit('.');
    let top = labels.next()?;
    let Some(zone) = labels.next().filter(|label| label.starts_with('z')) else {
        return Some(denial(0, &format!("{top}.")));
    };
    let cut = format!("{zone}.{top}.");
    Some(referral(&cut, &[(&format!("ns.{cut}"), &address(number_of(zone)))]))
}

fn of_zone(asked: &AskedQuestion) -> Option<ServerSays> {
    let labels: Vec<&str> = asked.name.trim_end_matches('.').split('.').collect();
    let [first, .., zone, top] = labels.as_slice() else { return Some(denial(0, &asked.name)) };
    let number = number_of(zone);
    let ttl = 1 + mixed(number ^ number_of(first)) % 3600;
    let other = mixed(number) % ZONES;
    Some(match (first.as_bytes().first(), asked.qtype) {
        _ if (number % ADDRESSES).is_multiple_of(20) => return None,
        (Some(b'c'), _) => answer(&[&format!("{} {ttl} CNAME w1.z{other}.t{}.", asked.name, other % 10)]),
        (Some(b'w'), Type::A) => answer(&[&format!("{} {ttl} A 203.0.113.9", asked.name)]),
        (Some(b'w'), _) => denial(0, &format!("{zone}.{top}.")),
        _ => denial(3, &format!("{zone}.{top}.")),
    })
}

fn internet() -> ScriptedInternet {
    let net = ScriptedInternet::default().with("192.0.2.1", of_root).with("192.0.2.2", of_top);
    (0..ADDRESSES).fold(net, |net, number| net.with(&address(number), of_zone))
}

/// A question out of a mix: half of them of few popular names, the others of many; some do not exist, some are aliases.
fn question(chance: u64) -> OutboundQuestion {
    let zone = if chance.is_multiple_of(2) { mixed(chance) % 300 } else { mixed(chance) % ZONES };
    let label = match mixed(chance + 1) % 10 {
        0 => format!("n{}", mixed(chance + 2) % 10_000),
        1 => format!("c{}", mixed(chance + 2) % 5),
        _ => format!("w{}", mixed(chance + 2) % 5),
    };
    let rtype = if mixed(chance + 3).is_multiple_of(4) { Type::AAAA } else { Type::A };
    OutboundQuestion::new(name(&format!("{label}.z{zone}.t{}", zone % 10)).as_ref(), rtype)
}

/// Plays an hour: how many questions were answered, and were asked.
async fn play_hour(resolver: &Resolver, net: &CutNetwork, begun: Instant, chance: &mut u64) -> (u64, u64) {
    let (mut answered, mut asked) = (0, 0);
    let end = Instant::now() + Duration::from_hours(1);
    while Instant::now() < end {
        let mut ask = async |chance| {
            let time = (1000 + begun.elapsed().as_secs() as u32, 1_700_000_000);
            let Resolver { state, settings, .. } = resolver;
            let scope = ResolutionScope::whole();
            asked += 1;
            answered +=
                u64::from(resolve(net, state, settings, &question(chance), scope, time).await.is_ok());
        };
        for _ in 0..QUESTIONS {
            *chance += 1;
            ask(*chance).await;
        }
        sleep(Duration::from_secs(1)).await;
    }
    (answered, asked)
}

#[test]
fn eight_hours_of_mixed_load_leave_the_memory_flat() {
    let hours = std::env::var("RHUMB_HOURS").ok().and_then(|hours| hours.parse().ok()).unwrap_or(HOURS);
    let mut held = Vec::new();
    let mut bytes = 0;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut resolver = Resolver::new(internet());
    resolver.state = ResolverState::new(ROOM);
    let net = CutNetwork::new(std::mem::take(&mut resolver.net));
    let begun = runtime.block_on(async { Instant::now() });
    let mut chance = 0;
    for hour in 0..hours {
        let mut played = (0, 0);
        // The third hour is an outage.
        net.cut.store(hour == 2, Relaxed);
        let heap = allocation_counter::measure(|| {
            played = runtime.block_on(play_hour(&resolver, &net, begun, &mut chance));
            net.net.take_log();
        });
        bytes += heap.bytes_current;
        held.push(bytes);
        let (answered, asked) = played;
        let (entries, used) = resolver.state.records.figures();
        println!(
            "hour {hour}: {answered} of {asked} answered; {entries} entries of {used} bytes, {} servers, heap {bytes}",
            resolver.state.servers.len()
        );
        assert!(used <= ROOM, "hour {hour}: {used} bytes are kept");
        if hour != 2 {
            assert!(answered * 100 >= asked * 85, "hour {hour}: {answered} of {asked} answered");
        }
    }
    let (third, last) = (held[1].max(held[2]).max(held[3]), *held.last().unwrap());
    assert!(last <= third + third / 20, "the heap grew from {third} to {last}: {held:?}");
    simulation::run(async {
        // Nothing is under way any more.
        assert_eq!(resolver.state.under_way(), 0);
    });
}
