//! What is not as it should be in the real internet, and resolves all the same.

use rhumb_wire::{Transport, Type};

use super::Resolver;
use super::internet::{AskedQuestion, ScriptedInternet, ServerSays, answer, denial, referral};

/// The server of `test.` at 192.0.2.2 says this; the root delegates to it, and `other.` to 192.0.2.3.
fn internet(
    server: impl Fn(&AskedQuestion) -> Option<ServerSays> + Send + Sync + 'static,
) -> ScriptedInternet {
    ScriptedInternet::default()
        .with("192.0.2.1", |asked| {
            Some(if asked.name.ends_with("test.") {
                referral("test.", &[("ns.test.", "192.0.2.2")])
            } else if asked.name.ends_with("other.") {
                referral("other.", &[("ns.other.", "192.0.2.3")])
            } else {
                denial(3, ".")
            })
        })
        .with("192.0.2.2", server)
        .with("192.0.2.3", |asked| Some(address(asked, "198.51.100.3")))
}

fn address(asked: &AskedQuestion, address: &str) -> ServerSays {
    match asked.qtype {
        Type::A => answer(&[&format!("{} 300 A {address}", asked.name)]),
        _ => denial(0, "test."),
    }
}

type Reaction = fn(&AskedQuestion) -> Option<ServerSays>;

/// What each server does, and what becomes of `www.sub.test. A`.
const CASES: &[(&str, Reaction, &str)] = &[
    (
        "an alias in answer to a minimised question",
        |asked| {
            Some(match asked.name.as_str() {
                "sub.test." => answer(&["sub.test. 300 CNAME elsewhere.other."]),
                _ => address(asked, "198.51.100.1"),
            })
        },
        "NOERROR www.sub.test. A",
    ),
    (
        "a name above that is denied",
        |asked| {
            Some(if asked.name == "sub.test." { denial(3, "test.") } else { address(asked, "198.51.100.1") })
        },
        "NOERROR www.sub.test. A",
    ),
    (
        "a name above that fails",
        |asked| {
            let failure = ServerSays { rcode: 2, ..ServerSays::default() };
            Some(if asked.name == "sub.test." { failure } else { address(asked, "198.51.100.1") })
        },
        "NOERROR www.sub.test. A",
    ),
    (
        "AA missing",
        |asked| Some(ServerSays { authoritative: false, ..address(asked, "198.51.100.1") }),
        "NOERROR www.sub.test. A",
    ),
    ("nothing, and no SOA", |_| Some(ServerSays { authoritative: true, ..ServerSays::default() }), "NOERROR"),
    (
        "NXDOMAIN without SOA",
        |_| Some(ServerSays { rcode: 3, authoritative: true, ..ServerSays::default() }),
        "NXDOMAIN",
    ),
    (
        "FORMERR to EDNS",
        |asked| {
            let refused = ServerSays { rcode: 1, ..ServerSays::default() };
            Some(if asked.edns { refused } else { address(asked, "198.51.100.1") })
        },
        "NOERROR www.sub.test. A",
    ),
    (
        "NOTIMP to EDNS",
        |asked| {
            let refused = ServerSays { rcode: 4, ..ServerSays::default() };
            Some(if asked.edns { refused } else { address(asked, "198.51.100.1") })
        },
        "NOERROR www.sub.test. A",
    ),
    (
        "lower case",
        |asked| Some(ServerSays { case_lost: true, ..address(asked, "198.51.100.1") }),
        "NOERROR www.sub.test. A",
    ),
    (
        "lower case, and no TCP",
        |asked| {
            let said = ServerSays { case_lost: true, ..address(asked, "198.51.100.1") };
            (asked.transport == Transport::Udp).then_some(said)
        },
        "NOERROR www.sub.test. A",
    ),
    (
        "TC",
        |asked| Some(ServerSays { truncated: true, ..address(asked, "198.51.100.1") }),
        "NOERROR www.sub.test. A",
    ),
    (
        "silence to all types but A",
        |asked| (asked.qtype == Type::A).then(|| address(asked, "198.51.100.1")),
        "NOERROR www.sub.test. A",
    ),
    (
        "records beside an alias",
        |asked| {
            Some(answer(&[
                &format!("{} 300 CNAME x.other.", asked.name),
                &format!("{} 300 A 198.51.100.1", asked.name),
            ]))
        },
        "NOERROR www.sub.test. A",
    ),
    (
        "an alias behind an alias, in the wrong order",
        |asked| {
            Some(answer(&[
                "b.test. 300 A 198.51.100.1",
                "a.test. 300 CNAME b.test.",
                &format!("{} 300 CNAME a.test.", asked.name),
            ]))
        },
        "NOERROR www.sub.test. CNAME a.test. CNAME b.test. A",
    ),
    (
        "three DNAME records in a row",
        |asked| {
            Some(match asked.name.as_str() {
                name if name.ends_with("sub.test.") => answer(&["sub.test. 300 DNAME one.test."]),
                name if name.ends_with("one.test.") => answer(&["one.test. 300 DNAME two.test."]),
                name if name.ends_with("two.test.") => answer(&["two.test. 300 DNAME other."]),
                _ => denial(0, "test."),
            })
        },
        "NOERROR sub.test. DNAME www.sub.test. CNAME one.test. DNAME www.one.test. CNAME two.test. DNAME www.two.test. CNAME \
         www.other. A",
    ),
    (
        "TTL 0",
        |asked| Some(answer(&[&format!("{} 0 A 198.51.100.1", asked.name)])),
        "NOERROR www.sub.test. A",
    ),
];

#[tokio::test(start_paused = true)]
async fn careless_servers_resolve() {
    for (what, server, expected) in CASES {
        let resolver = Resolver::new(internet(server));
        assert_eq!(resolver.told("www.sub.test", Type::A).await, *expected, "{what}");
        let asked = resolver.asked();
        assert!(asked.len() <= 12, "{what}: {asked:?}");
    }
}

/// A delegation of `sub.test.` to these servers and their addresses; 192.0.2.4 is a good one.
fn delegated(servers: &'static [(&'static str, &'static str)]) -> Resolver {
    let net = internet(move |asked| {
        Some(match asked.name.as_str() {
            name if name.ends_with("sub.test.") && !name.starts_with("ns.") => referral("sub.test.", servers),
            "ns.test." => answer(&["ns.test. 300 A 192.0.2.2"]),
            _ => denial(3, "test."),
        })
    });
    let net = net
        .with("192.0.2.4", |asked| {
            Some(match (asked.name.as_str(), asked.qtype) {
                // Another set than the parent has.
                ("sub.test.", Type::NS) => answer(&["sub.test. 300 NS child.other."]),
                _ => address(asked, "198.51.100.4"),
            })
        })
        .with("192.0.2.5", |_| Some(ServerSays { rcode: 5, ..ServerSays::default() }))
        .with("192.0.2.6", |_| Some(referral(".", &[("root.", "192.0.2.1")])))
        .with("192.0.2.7", |_| Some(ServerSays { rcode: 2, ..ServerSays::default() }));
    Resolver::new(net)
}

#[tokio::test(start_paused = true)]
async fn a_good_server_beside_bad_ones_is_found() {
    let good = ("good.sub.test.", "192.0.2.4");
    let cases: [(&str, &'static [(&'static str, &'static str)]); 8] = [
        ("one that refuses", &[("bad.sub.test.", "192.0.2.5"), ("good.sub.test.", "192.0.2.4")]),
        ("one that refers upwards", &[("bad.sub.test.", "192.0.2.6"), ("good.sub.test.", "192.0.2.4")]),
        ("one that fails", &[("bad.sub.test.", "192.0.2.7"), ("good.sub.test.", "192.0.2.4")]),
        ("one that is silent", &[("bad.sub.test.", "192.0.2.99"), ("good.sub.test.", "192.0.2.4")]),
        ("one whose name does not exist", &[("ns.nowhere.", ""), ("good.sub.test.", "192.0.2.4")]),
        (
            "one within the zone, without an address",
            &[("lost.sub.test.", ""), ("good.sub.test.", "192.0.2.4")],
        ),
        (
            "one of the parent, which does not serve it",
            &[("ns.test.", "192.0.2.2"), ("good.sub.test.", "192.0.2.4")],
        ),
        ("one at an address that is none", &[("bad.sub.test.", "0.0.0.0"), ("good.sub.test.", "192.0.2.4")]),
    ];
    for (what, servers) in cases {
        assert!(servers.contains(&good));
        // Whichever is asked first.
        for _ in 0..6 {
            let resolver = delegated(servers);
            assert_eq!(resolver.told("www.sub.test", Type::A).await, "NOERROR www.sub.test. A", "{what}");
            let asked = resolver.asked();
            assert!(asked.len() <= 12, "{what}: {asked:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_of_the_child_are_another_set() {
    let resolver = delegated(&[("good.sub.test.", "192.0.2.4")]);
    assert_eq!(resolver.told("sub.test", Type::NS).await, "NOERROR sub.test. NS");
    assert_eq!(resolver.told("www.sub.test", Type::A).await, "NOERROR www.sub.test. A");
}

#[tokio::test(start_paused = true)]
async fn a_family_that_is_dead_costs_little() {
    for dead in ["AAAA", "A"] {
        let net = ScriptedInternet::default()
            .with("192.0.2.1", move |asked| {
                let glue = |kind: &str, good: &str, bad: &str| {
                    format!("ns.test. 300 {kind} {}", if kind == dead { bad } else { good })
                };
                let mut said = referral("test.", &[("ns.test.", "")]);
                said.additional =
                    vec![glue("A", "192.0.2.2", "192.0.2.99"), glue("AAAA", "2001:db8::2", "2001:db8::99")];
                asked.name.ends_with("test.").then_some(said)
            })
            .with("192.0.2.2", |asked| Some(address(asked, "198.51.100.1")))
            .with("2001:db8::2", |asked| Some(address(asked, "198.51.100.1")));
        let mut resolver = Resolver::new(net);
        resolver.settings.ipv6 = true;
        for number in 0..10 {
            let begun = tokio::time::Instant::now();
            let name = format!("n{number}.test");
            assert_eq!(resolver.told(&name, Type::A).await, format!("NOERROR {name}. A"), "dead: {dead}");
            assert!(begun.elapsed() <= std::time::Duration::from_secs(1), "{:?}", begun.elapsed());
        }
        let to_dead = resolver.asked().iter().filter(|asked| asked.ends_with("99")).count();
        assert!(to_dead <= 4, "{to_dead} queries to a dead address");
    }
}

/// The same where the addresses do not come with the delegation.
#[tokio::test(start_paused = true)]
async fn a_family_that_is_dead_is_passed_over_where_addresses_are_looked_for() {
    for dead in [Type::AAAA, Type::A] {
        let net = ScriptedInternet::default()
            .with("192.0.2.1", |asked| {
                Some(match asked.name.as_str() {
                    name if name.ends_with("test.") => referral("test.", &[("ns.other.", "")]),
                    _ => referral("other.", &[("ns1.other.", "192.0.2.3")]),
                })
            })
            .with("192.0.2.3", move |asked| {
                let last = if asked.qtype == dead { "99" } else { "2" };
                Some(match asked.qtype {
                    Type::A => answer(&[&format!("{} 300 A 192.0.2.{last}", asked.name)]),
                    Type::AAAA => answer(&[&format!("{} 300 AAAA 2001:db8::{last}", asked.name)]),
                    _ => denial(0, "other."),
                })
            })
            .with("192.0.2.2", |asked| Some(address(asked, "198.51.100.1")))
            .with("2001:db8::2", |asked| Some(address(asked, "198.51.100.1")));
        let mut resolver = Resolver::new(net);
        resolver.settings.ipv6 = true;
        for number in 0..3 {
            let begun = tokio::time::Instant::now();
            let name = format!("n{number}.test");
            assert_eq!(resolver.told(&name, Type::A).await, format!("NOERROR {name}. A"), "dead: {dead}");
            assert!(begun.elapsed() <= std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
        }
    }
}

/// A look-up that knows only a dead address of a server shares no failure with one that knows another address too.
#[tokio::test(start_paused = true)]
async fn failures_are_not_shared_with_those_who_know_more_servers() {
    let net = ScriptedInternet::default()
        .with("192.0.2.1", |asked| {
            Some(match asked.name.as_str() {
                name if name.ends_with("test.") => referral("test.", &[("ns.other.", "")]),
                _ => referral("other.", &[("ns1.other.", "192.0.2.3")]),
            })
        })
        .with("192.0.2.3", |asked| {
            Some(match asked.qtype {
                Type::A => answer(&[&format!("{} 300 A 192.0.2.99", asked.name)]),
                Type::AAAA => answer(&[&format!("{} 300 AAAA 2001:db8::2", asked.name)]),
                _ => denial(0, "other."),
            })
        })
        .with("2001:db8::2", |asked| Some(address(asked, "198.51.100.1")));
    let mut resolver = Resolver::new(net);
    resolver.settings.ipv6 = true;
    let ask = async |after: u64, name: &str| {
        tokio::time::sleep(std::time::Duration::from_millis(after)).await;
        resolver.told(name, Type::A).await
    };
    // The first one finds the other address; the second still asks the dead one when the third, which knows both, joins it.
    let told = tokio::join!(ask(0, "first.test"), ask(600, "same.test"), ask(1000, "same.test"));
    assert_eq!(told.0, "NOERROR first.test. A");
    assert_eq!((told.1.as_str(), told.2.as_str()), ("NOERROR same.test. A", "NOERROR same.test. A"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drops_a_type_answers_the_others() {
    let resolver =
        Resolver::new(internet(|asked| (asked.qtype != Type::AAAA).then(|| address(asked, "198.51.100.1"))));
    for number in 0..20 {
        let name = format!("n{number}.test");
        assert!(resolver.told(&name, Type::AAAA).await.contains("silent"));
        assert_eq!(resolver.told(&name, Type::A).await, format!("NOERROR {name}. A"));
    }
}

/// The name of an address: no cut between the delegation of its network and itself.
#[tokio::test(start_paused = true)]
async fn a_reverse_name_of_34_labels_from_a_cold_cache() {
    let name = format!("{}8.b.d.0.1.0.0.2.ip6.arpa", "0.".repeat(24));
    let net = ScriptedInternet::default()
        .with("192.0.2.1", |_| Some(referral("ip6.arpa.", &[("ns.ip6.arpa.", "192.0.2.2")])))
        .with("192.0.2.2", |_| {
            Some(referral("8.b.d.0.1.0.0.2.ip6.arpa.", &[("ns.host.ip6.arpa.", "192.0.2.3")]))
        })
        .with("192.0.2.3", |asked| {
            Some(match asked.qtype {
                Type::PTR => answer(&[&format!("{} 300 PTR host.test.", asked.name)]),
                _ => denial(0, "8.b.d.0.1.0.0.2.ip6.arpa."),
            })
        });
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told(&name, Type::PTR).await, format!("NOERROR {name}. PTR"));
    let asked = resolver.asked();
    assert!(asked.len() <= 14, "{}: {asked:?}", asked.len());
}

/// Five aliases, each in another zone, whose servers lie in the next one.
#[tokio::test(start_paused = true)]
async fn a_name_that_needs_five_delegations() {
    let net = ScriptedInternet::default().with("192.0.2.1", |asked| {
        let zone = asked.name.trim_end_matches('.').rsplit('.').next()?;
        let number: u8 = zone.strip_prefix("cdn")?.parse().ok()?;
        let cut = format!("cdn{number}.");
        Some(match number {
            5 => referral(&cut, &[("ns.cdn5.", "192.0.2.105")]),
            _ => referral(&cut, &[(&format!("ns{number}.cdn{}.", number + 1), "")]),
        })
    });
    let server = |asked: &AskedQuestion| {
        let number: u8 =
            asked.name.trim_end_matches('.').rsplit('.').next()?.strip_prefix("cdn")?.parse().ok()?;
        Some(match asked.name.as_str() {
            name if name.starts_with("ns") && asked.qtype == Type::A => {
                answer(&[&format!("{name} 300 A 192.0.2.{}", 100 + number - 1)])
            }
            name if name.starts_with("www") && number < 5 => {
                answer(&[&format!("{name} 60 CNAME www.cdn{}.", number + 1)])
            }
            _ => address(asked, "198.51.100.5"),
        })
    };
    let net = (101..=105).fold(net, |net, last| net.with(&format!("192.0.2.{last}"), server));
    let resolver = Resolver::new(net);
    let told = resolver.told("www.cdn1", Type::A).await;
    assert!(told.ends_with("www.cdn5. A"), "{told}");
    let asked = resolver.asked();
    assert!(asked.len() <= 30, "{}: {asked:?}", asked.len());
}

/// The parent sends on to the child, or the child alone knows something: there is no DS.
#[tokio::test(start_paused = true)]
async fn ds_asked_at_the_wrong_side() {
    let child: [(&str, Reaction); 3] = [
        ("the parent refers to the child", |_| Some(referral("sub.test.", &[("ns.sub.test.", "192.0.2.4")]))),
        ("the parent denies it", |asked| {
            let delegation = referral("sub.test.", &[("ns.sub.test.", "192.0.2.4")]);
            Some(if asked.qtype == Type::DS { denial(0, "test.") } else { delegation })
        }),
        ("the server has the child too", |asked| {
            Some(if asked.qtype == Type::DS {
                denial(0, "sub.test.")
            } else {
                address(asked, "198.51.100.1")
            })
        }),
    ];
    for (what, server) in child {
        let resolver =
            Resolver::new(internet(server).with("192.0.2.4", |asked| Some(address(asked, "198.51.100.4"))));
        assert_eq!(resolver.told("sub.test", Type::DS).await, "NOERROR", "{what}");
        assert_eq!(resolver.told("www.sub.test", Type::A).await, "NOERROR www.sub.test. A", "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_resolves_again_soon_after_an_outage() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    let down = Arc::new(AtomicBool::new(false));
    let (root, test) = (Arc::clone(&down), Arc::clone(&down));
    let net = ScriptedInternet::default()
        .with("192.0.2.1", move |_| {
            (!root.load(Relaxed)).then(|| referral("test.", &[("ns.test.", "192.0.2.2")]))
        })
        .with("192.0.2.2", move |asked| (!test.load(Relaxed)).then(|| address(asked, "198.51.100.1")));
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("first.test", Type::A).await, "NOERROR first.test. A");
    down.store(true, Relaxed);
    let ask = async |number: usize| resolver.told(&format!("n{number}.test"), Type::A).await;
    for number in 0..600 {
        assert!(ask(number).await.contains("silent"));
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let during = resolver.asked().len();
    assert!(during <= 1000, "{during} queries in an outage of ten minutes and 600 questions");
    down.store(false, Relaxed);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    for number in 1000..1010 {
        assert_eq!(ask(number).await, format!("NOERROR n{number}.test. A"));
    }
}
