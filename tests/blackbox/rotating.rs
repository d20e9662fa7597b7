//! The order of the addresses in answers: another one first each time, or that of the zone file.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rhumb_tests::rig::{Client, Config, Message, Transport};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP};
use rhumb_tests::rig::script::script;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("rotating::addresses_of_zones_and_of_the_cache", rotated),
    Test::beside("rotating::transfers_keep_their_order", transferred),
    Test::beside("rotating::off_is_the_order_of_the_file", in_order),
];

const ZONE: &str = "\
$TTL 60
@ SOA ns host 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
www A 192.0.2.3
www A 192.0.2.1
www A 192.0.2.4
www A 192.0.2.2
www RRSIG A 13 3 60 20380101000000 20250101000000 1 zone.test. AAAA
alias CNAME www
mail MX 10 b
mail MX 10 a
mail MX 10 c
";
const FILE: [&str; 4] = ["192.0.2.3", "192.0.2.1", "192.0.2.4", "192.0.2.2"];
const ASKED: usize = 80;

fn lab(keys: &str) -> Result<(Lab, Config), Failure> {
    let config = Config::new()
        .listen("::")
        .allow_all()
        .zone("zone.test", ZONE)
        .forward("up.example", &[UP[0]])
        .more(keys);
    Ok((Lab::new()?, config))
}

/// How often each address came first; the sets and everything around them are the same each time.
fn first(
    client: &Client,
    to: SocketAddr,
    transport: Transport,
    name: &str,
) -> Result<BTreeMap<String, usize>, Failure> {
    let mut first = BTreeMap::new();
    let mut sizes = BTreeSet::new();
    for id in 0..ASKED {
        let mut query = Message::query(name, "A").edns(1232).dnssec();
        query.id = (id as u16).wrapping_mul(7919);
        let reply = client.over(transport, to, &query)?.message;
        let addresses = reply.data("A");
        let sorted: BTreeSet<&String> = addresses.iter().collect();
        ensure!(sorted.len() == FILE.len() && addresses.len() == FILE.len(), "{name}: {addresses:?}");
        // One set behind the other: what is no address stands where it stood.
        let kinds: Vec<u16> = reply.answer.iter().map(|record| record.kind).collect();
        sizes.insert((kinds, reply.to_wire().len()));
        *first.entry(addresses[0].clone()).or_default() += 1;
    }
    ensure_eq!(sizes.len(), 1, "{name}: types and sizes of the answers: {sizes:?}");
    Ok(first)
}

fn rotated() -> Verdict {
    let (lab, config) = lab("")?;
    let _upstream = lab.upstream(
        0,
        script(|asked| {
            let name = asked.message.name().to_owned();
            let lines: Vec<String> =
                FILE.iter().map(|address| format!("{name} 300 IN A {address}")).collect();
            asked.answer(&lines.iter().map(String::as_str).collect::<Vec<_>>())
        }),
    )?;
    let _server = lab.start(&config)?;
    for transport in [Transport::Udp, Transport::Tcp] {
        for name in ["www.zone.test.", "alias.zone.test.", "www.up.example."] {
            let first = first(&lab.client, lab.to, transport, name)?;
            ensure_eq!(first.len(), FILE.len(), "{name}: addresses that came first: {first:?}");
            ensure!(first.values().all(|times| *times >= ASKED / 10), "{name}: {first:?}");
        }
    }
    let orders: BTreeSet<Vec<String>> = (0..20)
        .map(|_| lab.client.ask(lab.to, "mail.zone.test.", "MX").map(|reply| reply.data("MX")))
        .collect::<Result<_, _>>()?;
    ensure_eq!(orders.len(), 1, "orders of MX records: {orders:?}");
    Ok(Outcome::Passed)
}

fn in_order() -> Verdict {
    let (lab, config) = lab("server: { rotate-addresses: false }\n")?;
    let server = lab.start(&config)?;
    for _ in 0..20 {
        ensure_eq!(lab.client.ask(lab.to, "www.zone.test.", "A")?.data("A"), FILE, "the order of the file");
    }
    // The key is followed like all others.
    let (_, config) = self::lab("")?;
    server.rewrite(&config)?;
    server.reload()?;
    let first = first(&lab.client, lab.to, Transport::Udp, "www.zone.test.")?;
    ensure_eq!(first.len(), FILE.len(), "after a reload: {first:?}");
    Ok(Outcome::Passed)
}

/// Transfers are as the zone has it: where there is no question, nothing stands where a response has its records.
fn transferred() -> Verdict {
    let lab = Lab::new()?;
    let anybody = "transfer-to: [{ network: 0.0.0.0/0 }, { network: \"::/0\" }]";
    let zone = format!("name: zone.test, file: zone.test.zone, {anybody}");
    let config = Config::new().listen("::").allow_all().zone_raw(&zone).file("zone.test.zone", ZONE);
    let _server = lab.start(&config)?;
    let orders: BTreeSet<Vec<String>> = (0..8)
        .map(|id| {
            let mut query = Message::query("zone.test.", "TYPE252").no_recursion();
            query.id = id;
            lab.client.over(Transport::Tcp, lab.to, &query).map(|reply| reply.message.data("A"))
        })
        .collect::<Result<_, _>>()?;
    ensure_eq!(orders.first().map(Vec::len), Some(1 + FILE.len()), "records of a transfer");
    ensure_eq!(orders.len(), 1, "orders of a transfer: {orders:?}");
    Ok(Outcome::Passed)
}
