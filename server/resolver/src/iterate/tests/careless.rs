//! Delegations and replies that are not as they should be, and resolve all the same.

use rhumb_wire::{Transport, Type};

use super::Resolver;
use super::internet::{ScriptedInternet, ServerSays, answer, denial, referral};

fn nodata(authority: &[&str]) -> ServerSays {
    let authority = authority.iter().map(ToString::to_string).collect();
    ServerSays { authoritative: true, authority, ..ServerSays::default() }
}

/// The servers of two zones have their names in each other; their parents give addresses that are not theirs to give.
#[tokio::test(start_paused = true)]
async fn addresses_from_outside_of_the_parent_lead_on_as_a_last_resort() {
    let net = ScriptedInternet::default()
        .with("192.0.2.1", |asked| {
            Some(if asked.name.ends_with("com.") {
                referral("com.", &[("ns.com.", "192.0.2.2")])
            } else {
                referral("net.", &[("ns.net.", "192.0.2.3")])
            })
        })
        .with("192.0.2.2", |_| Some(referral("example.com.", &[("ns.example.net.", "192.0.2.4")])))
        .with("192.0.2.3", |_| Some(referral("example.net.", &[("ns.example.com.", "192.0.2.5")])))
        .with("192.0.2.4", |asked| {
            Some(match (asked.name.as_str(), asked.qtype) {
                ("ns.example.com." | "www.example.com.", Type::A) => {
                    answer(&[&format!("{} 300 A 192.0.2.5", asked.name)])
                }
                _ => denial(0, "example.com."),
            })
        });
    let resolver = Resolver::new(net);
    for name in ["ns.example.com", "www.example.com"] {
        assert_eq!(resolver.told(name, Type::A).await, format!("NOERROR {name}. A"));
    }
    // What lies outside of the parent is no answer.
    assert_eq!(resolver.told("ns.example.net", Type::A).await, "the only server of example.net. is silent");
}

#[tokio::test(start_paused = true)]
async fn servers_in_their_own_zone_without_addresses_are_asked_of_the_parent() {
    let net = ScriptedInternet::default()
        .parent("192.0.2.1", "com.", "ns.com.", "192.0.2.2")
        .with("192.0.2.2", |asked| {
            Some(match (asked.name.as_str(), asked.qtype) {
                ("ns.example.com.", Type::A) => answer(&["ns.example.com. 300 CNAME ns2.example.com."]),
                ("ns2.example.com.", Type::A) => answer(&["ns2.example.com. 300 A 192.0.2.3"]),
                ("ns.example.org.", _) => denial(3, "."),
                _ => referral("example.com.", &[("ns.example.com.", "")]),
            })
        })
        .with("192.0.2.3", |_| Some(answer(&["www.example.com. 300 A 198.51.100.1"])));
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("www.example.com", Type::A).await, "NOERROR www.example.com. A");
    assert!(resolver.asked().len() <= 7);
}

/// A server that has only some types of its zone answers others with the servers of the root, AA set.
#[tokio::test(start_paused = true)]
async fn a_referral_upwards_is_no_denial_though_aa_is_set() {
    let net = ScriptedInternet::default()
        .parent("192.0.2.1", "com.", "ns.com.", "192.0.2.2")
        .parent("192.0.2.2", "example.com.", "ns.example.com.", "192.0.2.3")
        .with("192.0.2.3", |asked| {
            Some(match asked.qtype {
                Type::A => answer(&["example.com. 300 A 198.51.100.1"]),
                Type::AAAA => nodata(&[". 300 NS a.root.example.", ". 300 NS b.root.example."]),
                _ => nodata(&["example.com. 300 SOA ns.example. 60", ". 300 NS a.root.example."]),
            })
        });
    let resolver = Resolver::new(net);
    assert!(resolver.told("example.com", Type::AAAA).await.starts_with("no usable reply"));
    assert_eq!(resolver.told("example.com", Type::A).await, "NOERROR example.com. A");
    assert_eq!(resolver.told("example.com", Type::MX).await, "NOERROR");
}

/// The zone of a nameserver gives nonsense for it; the delegation of that zone had its address.
#[tokio::test(start_paused = true)]
async fn the_delegation_of_a_servers_zone_counts_where_the_zone_is_wrong() {
    let net = ScriptedInternet::default()
        .with("192.0.2.1", |asked| {
            Some(if asked.name.ends_with("net.") {
                referral("example.net.", &[("ns.example.net.", "192.0.2.3")])
            } else {
                referral("com.", &[("ns.com.", "192.0.2.2")])
            })
        })
        .with("192.0.2.2", |_| Some(referral("example.com.", &[("ns.example.net.", "")])))
        .with("192.0.2.3", |asked| {
            Some(match asked.name.as_str() {
                "www.example.com." | "mail.example.com." => {
                    answer(&[&format!("{} 300 A 198.51.100.1", asked.name)])
                }
                "ns.example.net." => referral("ns.example.net.", &[("4.example.net.", "")]),
                _ => denial(3, "example.net."),
            })
        });
    let resolver = Resolver::new(net);
    for name in ["www.example.com", "mail.example.com"] {
        assert_eq!(resolver.told(name, Type::A).await, format!("NOERROR {name}. A"));
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_name_is_no_alias_says_nothing_of_its_other_types() {
    let net = ScriptedInternet::default().with("192.0.2.1", |asked| {
        Some(match asked.qtype {
            Type::TXT => answer(&["a. 300 TXT text"]),
            _ => denial(0, "."),
        })
    });
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("a", Type::CNAME).await, "NOERROR");
    assert_eq!(resolver.told("a", Type::TXT).await, "NOERROR a. TXT");
    assert_eq!(resolver.told("a", Type::CNAME).await, "NOERROR");
    assert_eq!(resolver.asked(), ["a. CNAME @192.0.2.1", "a. TXT @192.0.2.1"]);
}

/// The server of the root has a zone further down as well, and would answer for DS there by the wrong side.
#[tokio::test(start_paused = true)]
async fn ds_is_asked_of_the_zone_right_above() {
    let net = ScriptedInternet::default()
        .with("192.0.2.1", |asked| {
            Some(match asked.name.as_str() {
                "example.net." => answer(&["example.net. 300 CNAME elsewhere."]),
                _ => referral("net.", &[("ns.net.", "192.0.2.2")]),
            })
        })
        .with("192.0.2.2", |_| Some(denial(0, "net.")));
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("example.net", Type::DS).await, "NOERROR");
    assert_eq!(resolver.asked(), ["net. A @192.0.2.1", "example.net. DS @192.0.2.2"]);
}

/// Its datagrams are lost, or kept back by a firewall.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_heard_over_udp_is_asked_over_tcp() {
    let by_tcp = |asked: &super::internet::AskedQuestion| {
        (asked.transport == Transport::Tcp).then(|| answer(&["www.example. 300 A 198.51.100.1"]))
    };
    let alone = ScriptedInternet::default()
        .parent("192.0.2.1", "example.", "ns.example.", "192.0.2.2")
        .with("192.0.2.2", by_tcp);
    let beside_a_dead_one = ScriptedInternet::default()
        .with("192.0.2.1", |_| {
            Some(referral("example.", &[("ns.example.", "192.0.2.2"), ("dead.example.", "192.0.2.3")]))
        })
        .with("192.0.2.2", by_tcp);
    for (net, most) in [(alone, 4), (beside_a_dead_one, 6)] {
        let resolver = Resolver::new(net);
        assert_eq!(resolver.told("www.example", Type::A).await, "NOERROR www.example. A");
        let log = resolver.net.take_log();
        let sent = log.iter().filter(|asked| asked.name == "www.example.").count();
        let streams = log.iter().filter(|asked| asked.transport == Transport::Tcp).count();
        assert!(sent <= most && (1..=2).contains(&streams), "{log:?}");
    }
}

/// A DNAME that makes a name too long: the client gets YXDOMAIN and the DNAME (RFC 6672 section 2.2).
#[tokio::test(start_paused = true)]
async fn a_name_that_becomes_too_long_is_said_to_be_so() {
    for rcode in [0, 6] {
        let target = format!("{}.example.", ["x"; 60].map(|_| "abc").join("."));
        let dname = format!("test. 300 DNAME {target}");
        let net = ScriptedInternet::default().parent("192.0.2.1", "test.", "ns.test.", "192.0.2.2").with(
            "192.0.2.2",
            move |asked| {
                Some(match asked.qtype {
                    Type::NS => answer(&["test. 300 NS ns.test."]),
                    _ => ServerSays { rcode, ..answer(&[&dname]) },
                })
            },
        );
        let resolver = Resolver::new(net);
        assert_eq!(resolver.told("test", Type::NS).await, "NOERROR test. NS", "{rcode}");
        let failure = resolver.ask("much-too-long.test", Type::A).await.unwrap_err();
        let why = "the DNAME of test. makes a name too long of much-too-long.test.";
        assert_eq!(failure.to_string(), why, "{rcode}");
        let message = failure.aliases.unwrap();
        let message = rhumb_wire::MessageView::parse(&message).unwrap();
        let head = message.header();
        // The servers of the zone are not shown beside it.
        assert_eq!((head.rcode_low(), head.answers, head.authorities), (6, 1, 0), "{rcode}");
        // A shorter name is followed, here to one that nobody has.
        assert_eq!(resolver.told("a.test", Type::A).await, "NXDOMAIN test. DNAME a.test. CNAME", "{rcode}");
    }
}

/// A DNAME itself may be asked for; YXDOMAIN without one says nothing.
#[tokio::test(start_paused = true)]
async fn names_that_are_too_long_have_a_dname_to_blame() {
    let net = ScriptedInternet::default().parent("192.0.2.1", "test.", "ns.test.", "192.0.2.2").with(
        "192.0.2.2",
        |asked| {
            Some(match asked.qtype {
                Type::DNAME => answer(&["sub.test. 300 DNAME other."]),
                _ => ServerSays { rcode: 6, ..nodata(&["test. 300 SOA ns.test. 60"]) },
            })
        },
    );
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("sub.test", Type::DNAME).await, "NOERROR sub.test. DNAME");
    assert_eq!(resolver.told("www.test", Type::A).await, "servers of test. say YXDOMAIN");
}

/// A server that drops queries with EDNS, the only one of its zone: it is found out before clients are told that it is silent.
#[tokio::test(start_paused = true)]
async fn a_server_that_drops_edns_answers_before_it_is_taken_to_be_silent() {
    let net = ScriptedInternet::default().parent("192.0.2.1", "test.", "ns.test.", "192.0.2.2").with(
        "192.0.2.2",
        |asked| {
            (!asked.edns && asked.transport == Transport::Udp)
                .then(|| answer(&["www.test. 300 A 198.51.100.1"]))
        },
    );
    let resolver = Resolver::new(net);
    let begun = tokio::time::Instant::now();
    assert_eq!(resolver.told("www.test", Type::A).await, "NOERROR www.test. A");
    assert!(begun.elapsed() < std::time::Duration::from_millis(1800), "{:?}", begun.elapsed());
}

/// A server that drops queries for names that it has no records of, as the shortened ones are.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_about_a_shortened_name_is_shown_the_whole_one() {
    let servers: [&[(&str, &str)]; 2] =
        [&[("ns.test.", "192.0.2.2")], &[("ns.test.", "192.0.2.2"), ("ns2.test.", "192.0.2.3")]];
    for servers in servers {
        let says = |asked: &super::internet::AskedQuestion| {
            (asked.name == "www.sub.test.").then(|| answer(&["www.sub.test. 300 A 198.51.100.1"]))
        };
        let net = ScriptedInternet::default()
            .with("192.0.2.1", move |_| Some(referral("test.", servers)))
            .with("192.0.2.2", says)
            .with("192.0.2.3", says);
        let mut resolver = Resolver::new(net);
        let begun = tokio::time::Instant::now();
        assert_eq!(resolver.told("www.sub.test", Type::A).await, "NOERROR www.sub.test. A");
        assert!(begun.elapsed() < crate::iterate::limits::SLOW_SERVER_WAIT, "{:?}", begun.elapsed());
        // Whoever is strict does not show it.
        resolver.state = crate::iterate::ResolverState::new(1 << 20);
        resolver.settings.minimisation = crate::iterate::NameMinimisation::Strict;
        assert!(resolver.told("www.sub.test", Type::A).await.contains("silent"));
    }
}

/// One of two servers does not have the zone, and says of all names that there is nothing.
#[tokio::test(start_paused = true)]
async fn a_denial_without_soa_is_believed_where_no_other_server_knows_more() {
    for (others, found) in [("answers", "NOERROR www.test. A"), ("denies", "NOERROR"), ("silent", "NOERROR")]
    {
        for seed in 0..8 {
            let both = &[("ns.test.", "192.0.2.2"), ("ns2.test.", "192.0.2.3")];
            let net = ScriptedInternet::default()
                .with("192.0.2.1", move |_| Some(referral("test.", both)))
                .with("192.0.2.2", |_| Some(nodata(&[])))
                .with("192.0.2.3", move |_| match others {
                    "answers" => Some(answer(&["www.test. 300 A 198.51.100.1"])),
                    "denies" => Some(nodata(&[])),
                    _ => None,
                });
            let resolver = Resolver::new(net.seeded(seed));
            let begun = tokio::time::Instant::now();
            assert_eq!(resolver.told("www.test", Type::A).await, found, "{others} {seed}");
            assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{others}: {:?}", begun.elapsed());
        }
    }
}

/// A bitmap of NSEC that ends with a zero byte, in an unsigned denial.
#[tokio::test(start_paused = true)]
async fn an_ill_formed_record_beside_a_denial_does_not_spoil_it() {
    let net = ScriptedInternet::default().with("192.0.2.1", |_| {
        Some(nodata(&[". 300 SOA ns.example. 60", "www.test. 300 NSEC \\# 0000024000"]))
    });
    assert_eq!(Resolver::new(net).told("www.test", Type::A).await, "NOERROR");
}
