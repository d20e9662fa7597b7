//! What resolves, by which questions.

use rhumb_wire::{MessageView, Type};

use super::Resolver;
use super::internet::{ScriptedInternet, ServerSays, answer, denial, name, referral};
use crate::iterate::{NameMinimisation, StubZone};

/// The root at 192.0.2.1, com at 192.0.2.2, example.com at 192.0.2.3.
fn usual() -> ScriptedInternet {
    ScriptedInternet::default()
        .parent("192.0.2.1", "com.", "ns.com.", "192.0.2.2")
        .parent("192.0.2.2", "example.com.", "ns.example.com.", "192.0.2.3")
        .with("192.0.2.3", |asked| {
            Some(match (asked.name.as_str(), asked.qtype) {
                ("www.example.com.", Type::A) => ServerSays {
                    authority: vec!["example.com. 300 NS ns.example.com.".to_owned()],
                    ..answer(&["www.example.com. 300 A 198.51.100.1"])
                },
                ("alias.example.com.", _) => answer(&["alias.example.com. 300 CNAME www.example.com."]),
                ("loop.example.com.", _) => answer(&["loop.example.com. 300 CNAME pool.example.com."]),
                ("pool.example.com.", _) => answer(&["pool.example.com. 300 CNAME loop.example.com."]),
                ("x.tree.example.com.", _) => answer(&["tree.example.com. 300 DNAME example.com."]),
                ("www.tree.example.com.", _) => answer(&["tree.example.com. 300 DNAME example.com."]),
                ("fleeting.example.com.", _) => answer(&["fleeting.example.com. 0 A 198.51.100.1"]),
                ("example.com." | "www.example.com.", _) => denial(0, "example.com."),
                _ => denial(3, "example.com."),
            })
        })
}

#[tokio::test(start_paused = true)]
async fn a_name_is_found_from_the_root_and_the_way_is_remembered() {
    let resolver = Resolver::new(usual());
    assert_eq!(resolver.told("www.example.com", Type::A).await, "NOERROR www.example.com. A");
    assert_eq!(
        resolver.asked(),
        ["com. A @192.0.2.1", "example.com. A @192.0.2.2", "www.example.com. A @192.0.2.3"]
    );
    assert_eq!(resolver.told("www.example.com", Type::A).await, "NOERROR www.example.com. A");
    assert_eq!(resolver.told("WWW.example.com", Type::AAAA).await, "NOERROR");
    assert_eq!(resolver.told("none.example.com", Type::A).await, "NXDOMAIN");
    assert_eq!(resolver.told("none.example.com", Type::MX).await, "NXDOMAIN");
    assert_eq!(resolver.asked(), ["www.example.com. AAAA @192.0.2.3", "none.example.com. A @192.0.2.3"]);
}

#[tokio::test(start_paused = true)]
async fn authoritative_servers_are_asked_without_recursion() {
    let resolver = Resolver::new(usual());
    resolver.told("www.example.com", Type::A).await;
    assert!(resolver.net.take_log().iter().all(|asked| !asked.recursion_desired));
}

#[tokio::test(start_paused = true)]
async fn aliases_are_followed() {
    let resolver = Resolver::new(usual());
    let alias = "NOERROR alias.example.com. CNAME www.example.com. A";
    assert_eq!(resolver.told("alias.example.com", Type::A).await, alias);
    assert_eq!(resolver.told("alias.example.com", Type::CNAME).await, "NOERROR alias.example.com. CNAME");
    assert_eq!(
        resolver.told("www.tree.example.com", Type::A).await,
        "NOERROR tree.example.com. DNAME www.tree.example.com. CNAME www.example.com. A"
    );
    assert!(
        resolver.told("x.tree.example.com", Type::A).await.starts_with("NXDOMAIN tree.example.com. DNAME")
    );
    let authorities = |message: &[u8]| MessageView::parse(message).unwrap().header().authorities;
    assert_eq!(authorities(&resolver.ask("alias.example.com", Type::A).await.unwrap().message), 1);
    let failure = resolver.ask("loop.example.com", Type::A).await.unwrap_err();
    assert!(failure.to_string().contains("form a loop"), "{failure}");
    // The client is shown the loop, and no servers beside it.
    let message = failure.aliases.unwrap();
    let head = MessageView::parse(&message).unwrap().header();
    assert_eq!((head.rcode_low(), head.answers, head.authorities), (2, 2, 0));
    assert_eq!(resolver.told("fleeting.example.com", Type::A).await, "NOERROR fleeting.example.com. A");
}

#[tokio::test(start_paused = true)]
async fn how_much_of_a_name_is_shown_is_configured() {
    let mut resolver = Resolver::new(usual());
    resolver.settings.minimisation = NameMinimisation::Off;
    resolver.told("www.example.com", Type::A).await;
    assert!(resolver.asked().iter().all(|asked| asked.starts_with("www.example.com. A ")));
}

/// A server that denies names above those it has.
fn empty_denied() -> ScriptedInternet {
    ScriptedInternet::default().with("192.0.2.1", |asked| {
        Some(if asked.name == "a.b.c." { answer(&["a.b.c. 300 A 198.51.100.1"]) } else { denial(3, ".") })
    })
}

#[tokio::test(start_paused = true)]
async fn a_denied_name_above_is_believed_by_the_strict_alone() {
    let mut resolver = Resolver::new(empty_denied());
    assert_eq!(resolver.told("a.b.c", Type::A).await, "NOERROR a.b.c. A");
    resolver.state.clear();
    resolver.settings.minimisation = NameMinimisation::Strict;
    assert_eq!(resolver.told("a.b.c", Type::A).await, "NXDOMAIN");
}

#[tokio::test(start_paused = true)]
async fn a_stub_is_asked_whatever_the_parent_says() {
    let mut resolver = Resolver::new(usual());
    let servers = vec!["192.0.2.3:53".parse().unwrap()];
    resolver.settings.stubs.push(StubZone { domain: name("example.com"), servers });
    assert_eq!(resolver.told("www.example.com", Type::A).await, "NOERROR www.example.com. A");
    assert_eq!(resolver.asked(), ["www.example.com. A @192.0.2.3"]);
}

#[tokio::test(start_paused = true)]
async fn servers_without_addresses_are_looked_for_elsewhere() {
    let net = ScriptedInternet::default()
        .with("192.0.2.1", |asked| {
            Some(if asked.name.ends_with("test.") {
                referral("test.", &[("dead.nowhere.", ""), ("ns.host.", "")])
            } else if asked.name.ends_with("host.") {
                referral("host.", &[("ns.host.", "192.0.2.4")])
            } else {
                denial(3, ".")
            })
        })
        .with("192.0.2.4", |asked| {
            Some(match (asked.name.as_str(), asked.qtype) {
                ("ns.host.", Type::A) => answer(&["ns.host. 300 A 192.0.2.5"]),
                _ => denial(0, "host."),
            })
        })
        .with("192.0.2.5", |_| Some(answer(&["www.test. 300 A 198.51.100.9"])));
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("www.test", Type::A).await, "NOERROR www.test. A");
}

#[tokio::test(start_paused = true)]
async fn a_name_of_a_server_that_does_not_exist_is_no_denial() {
    let net = ScriptedInternet::default().with("192.0.2.1", |asked| {
        Some(if asked.name.ends_with("test.") {
            referral("test.", &[("ns.nowhere.", "")])
        } else {
            denial(3, ".")
        })
    });
    let resolver = Resolver::new(net);
    assert_eq!(
        resolver.told("www.test", Type::A).await,
        "no server of test. has an address that can be asked: ns.nowhere. does not exist"
    );
}

#[tokio::test(start_paused = true)]
async fn what_lies_outside_of_the_zone_asked_is_not_believed() {
    let net = ScriptedInternet::default().parent("192.0.2.1", "com.", "ns.com.", "192.0.2.2").with(
        "192.0.2.2",
        |_| {
            Some(ServerSays {
                authority: vec!["bank. 3600 NS evil.com.".into(), "com. 3600 NS evil.com.".into()],
                additional: vec![
                    "www.bank. 3600 A 203.0.113.66".into(),
                    "evil.com. 3600 A 203.0.113.66".into(),
                ],
                ..answer(&["www.com. 300 A 198.51.100.1", "www.bank. 300 A 203.0.113.66"])
            })
        },
    );
    let resolver = Resolver::new(net);
    assert_eq!(resolver.told("www.com", Type::A).await, "NOERROR www.com. A");
    resolver.asked();
    assert_eq!(resolver.told("www.bank", Type::A).await, "NXDOMAIN");
    assert_eq!(resolver.told("evil.com", Type::A).await, "NOERROR");
    assert!(resolver.asked().iter().all(|asked| !asked.contains("203.0.113.66")));
}

#[tokio::test(start_paused = true)]
async fn a_referral_upwards_or_to_the_zone_itself_is_passed_over() {
    for authority in ["", ". 3600 NS ns.com.", "com. 3600 NS ns.com.", "net. 3600 NS ns.com."] {
        let authority: Vec<String> = [authority.to_owned()].into_iter().filter(|a| !a.is_empty()).collect();
        let net = ScriptedInternet::default()
            .parent("192.0.2.1", "com.", "ns.com.", "192.0.2.2")
            .with("192.0.2.2", move |_| {
                Some(ServerSays { authority: authority.clone(), ..ServerSays::default() })
            });
        let resolver = Resolver::new(net);
        let failure = "no usable reply from com.: neither an answer nor a referral downwards";
        assert_eq!(resolver.told("www.com", Type::A).await, failure);
        assert!(resolver.asked().len() <= 4);
    }
}
