//! Servers that say what a seed makes them say: whatever it is, a question ends in time and within its budget.

use std::time::Duration;

use rhumb_wire::Type;
use tokio::time::Instant;

use super::Resolver;
use super::internet::{AskedQuestion, ScriptedInternet, ServerSays, denial, mixed, referral};
use super::simulation::{BadNetwork, for_seeds, run};
use crate::iterate::limits;
use crate::question::OutboundQuestion;

/// Zones that are tried.
const ZONES: u64 = 10_000;
/// Addresses at which there are servers.
const SERVERS: u64 = 12;

/// Numbers out of a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, most: u64) -> u64 {
        self.0 = mixed(self.0);
        self.0 % most
    }

    fn address(&mut self) -> String {
        match self.roll(10) {
            0 => "0.0.0.0".to_owned(),
            // Nobody is there.
            1 => format!("203.0.113.{}", self.roll(255)),
            _ => format!("192.0.2.{}", 1 + self.roll(SERVERS)),
        }
    }

    /// A name around the one that was asked for.
    fn name(&mut self, asked: &str) -> String {
        let above = |count: u64| {
            let labels: Vec<&str> = asked.split('.').collect();
            labels[(count as usize).min(labels.len().saturating_sub(1))..].join(".")
        };
        let deeper =
            |label: u64, of: &str| if of.len() > 200 { of.to_owned() } else { format!("l{label}.{of}") };
        let name = match self.roll(8) {
            0 => asked.to_owned(),
            1 => above(1),
            2 => above(2),
            3 => format!("n{}.victim.", self.roll(1000)),
            4 => ".".to_owned(),
            5 => deeper(self.roll(50), &above(1)),
            6 => deeper(self.roll(50), asked),
            _ => format!("z{}.z{}.test.", self.roll(20), self.roll(20)),
        };
        // Above and below the root.
        if name.is_empty() { ".".to_owned() } else { name.replace("..", ".") }
    }

    fn record(&mut self, asked: &str) -> String {
        let owner = self.name(asked);
        let target = self.name(asked);
        let ttl = [0u32, 1, 300, 4_000_000_000][self.roll(4) as usize];
        match self.roll(7) {
            0 => format!("{owner} {ttl} A {}", self.address()),
            1 => format!("{owner} {ttl} NS {target}"),
            2 => format!("{owner} {ttl} CNAME {target}"),
            3 => format!("{owner} {ttl} DNAME {target}"),
            4 => format!("{owner} {ttl} SOA {target} 60"),
            5 => format!("{owner} {ttl} AAAA 2001:db8::{}", self.roll(9)),
            _ => format!("{asked} {ttl} CNAME {target}"),
        }
    }
}

/// What the servers of one internet say: the same to the same question.
fn says(seed: u64, asked: &AskedQuestion) -> Option<ServerSays> {
    let words = asked.name.bytes().chain(asked.server.to_string().into_bytes());
    let hash = words.fold(mixed(seed ^ u64::from(asked.qtype.0)), |hash, byte| mixed(hash ^ u64::from(byte)));
    let mut dice = Dice(hash);
    Some(match dice.roll(12) {
        0 => return None,
        1 => ServerSays { rcode: dice.roll(16) as u16, ..ServerSays::default() },
        2 => denial(3, "test."),
        3 => denial(0, "test."),
        4..=6 => {
            // A delegation to many servers, some with addresses.
            let count = 1 + dice.roll(30);
            let names: Vec<(String, String)> = (0..count)
                .map(|_| {
                    let name = dice.name(&asked.name);
                    let glued = dice.roll(3) == 0;
                    let address = if glued { dice.address() } else { String::new() };
                    (name, address)
                })
                .collect();
            let servers: Vec<(&str, &str)> =
                names.iter().map(|(name, ip)| (name.as_str(), ip.as_str())).collect();
            referral(&asked.name, &servers)
        }
        7 => ServerSays { truncated: true, ..ServerSays::default() },
        8 => ServerSays {
            answer: vec![format!("{} 300 CNAME c{}.test.", asked.name, dice.roll(1_000_000))],
            ..ServerSays::default()
        },
        _ => {
            let mut section = |most| -> Vec<String> {
                let count = dice.roll(most);
                (0..count).map(|_| dice.record(&asked.name)).collect()
            };
            let (answer, authority, additional) = (section(6), section(6), section(6));
            let (authoritative, case_lost) = (dice.roll(2) == 0, dice.roll(8) == 0);
            ServerSays {
                rcode: [0, 0, 0, 3][dice.roll(4) as usize],
                authoritative,
                answer,
                authority,
                additional,
                case_lost,
                truncated: false,
            }
        }
    })
}

#[test]
fn ten_thousand_hostile_zones() {
    for_seeds(ZONES, |seed| {
        run(async {
            let net = (1..=SERVERS).fold(ScriptedInternet::default(), |net, server| {
                net.with(&format!("192.0.2.{server}"), move |asked| match server {
                    // The root delegates to one of the others, so that there is something to begin with.
                    1 if !asked.name.starts_with("victim") => {
                        Some(referral("test.", &[("ns.test.", "192.0.2.2"), ("ns2.test.", "192.0.2.3")]))
                    }
                    _ => says(seed, asked),
                })
            });
            let Resolver { net, state, settings } = Resolver::new(net);
            let net = BadNetwork::new(net, seed, 0);
            for number in 0..3_u64 {
                let labels = ["www.test", "a.b.c.d.test", "x.y.test"][number as usize];
                let qtype = [Type::A, Type::MX, Type::DS, Type::ANY][(mixed(seed + number) % 4) as usize];
                let question =
                    OutboundQuestion::new(labels.parse::<rhumb_wire::DomainName>().unwrap().as_ref(), qtype);
                let begun = Instant::now();
                net.net.take_log();
                let found = crate::iterate::resolve(
                    &net,
                    &state,
                    &settings,
                    &question,
                    crate::iterate::ResolutionScope::whole(),
                    (1000, 1_700_000_000),
                )
                .await;
                let cost = found.map_or_else(|failure| failure.cost, |resolution| resolution.cost);
                let took = begun.elapsed();
                assert!(took <= limits::DEADLINE + Duration::from_millis(1), "{labels} {qtype}: {took:?}");
                let sent = net.net.take_log().len();
                assert!(cost.queries <= limits::SENDS, "{labels} {qtype}: {} messages", cost.queries);
                assert!(sent <= limits::SENDS, "{labels} {qtype}: {sent} messages arrived");
            }
        });
    });
}
