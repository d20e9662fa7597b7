//! What hostile or broken servers can make a question cost.

use std::time::Duration;

use rhumb_wire::Type;
use tokio::time::Instant;

use super::Resolver;
use super::internet::{ScriptedInternet, ServerSays, answer, denial, referral};
use crate::iterate::limits;

/// The root delegates `attack.` to 192.0.2.66 and `victim.` to 192.0.2.77.
fn hostile(
    server: impl Fn(&super::internet::AskedQuestion) -> Option<ServerSays> + Send + Sync + 'static,
) -> Resolver {
    let net = ScriptedInternet::default()
        .with("192.0.2.1", |asked| {
            Some(if asked.name.ends_with("attack.") {
                referral("attack.", &[("ns.attack.", "192.0.2.66")])
            } else if asked.name.ends_with("victim.") {
                referral("victim.", &[("ns.victim.", "192.0.2.77")])
            } else {
                denial(3, ".")
            })
        })
        .with("192.0.2.66", server)
        .with("192.0.2.77", |_| Some(denial(3, "victim.")));
    Resolver::new(net)
}

fn to_victim(asked: &[String]) -> usize {
    asked.iter().filter(|asked| asked.ends_with("@192.0.2.77")).count()
}

/// A delegation to a hundred names below a victim (CVE-2020-8616).
#[tokio::test(start_paused = true)]
async fn a_hundred_servers_without_addresses() {
    let resolver = hostile(|asked| {
        let names: Vec<String> = (0..100).map(|n| format!("n{n}.victim.")).collect();
        let servers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        Some(referral(&asked.name, &servers))
    });
    resolver.told("a.attack", Type::A).await;
    let asked = resolver.asked();
    assert!(to_victim(&asked) <= 10 && asked.len() <= 20, "{asked:?}");
}

/// A delegation to 1500 servers that refuse (CVE-2022-2795).
#[tokio::test(start_paused = true)]
async fn many_servers_that_refuse() {
    let resolver = hostile(|asked| {
        let servers: Vec<(String, String)> =
            (0..200u8).map(|n| (format!("n{n}.attack."), format!("203.0.113.{n}"))).collect();
        let servers: Vec<(&str, &str)> = servers.iter().map(|(ns, a)| (ns.as_str(), a.as_str())).collect();
        if asked.name == "attack." {
            Some(denial(0, "attack."))
        } else {
            Some(referral("a.attack.", &servers))
        }
    });
    resolver.told("x.a.attack", Type::A).await;
    let asked = resolver.asked();
    assert!(asked.len() <= 50, "{}", asked.len());
}

#[tokio::test(start_paused = true)]
async fn silent_servers_end_a_question_in_time() {
    let resolver = hostile(|asked| {
        let servers: Vec<(String, String)> =
            (0..13u8).map(|n| (format!("n{n}.a.attack."), format!("203.0.113.{n}"))).collect();
        let servers: Vec<(&str, &str)> = servers.iter().map(|(ns, a)| (ns.as_str(), a.as_str())).collect();
        if asked.name == "attack." {
            Some(denial(0, "attack."))
        } else {
            Some(referral("a.attack.", &servers))
        }
    });
    let start = Instant::now();
    assert!(resolver.told("x.a.attack", Type::A).await.contains("silent"));
    assert!(start.elapsed() <= Duration::from_secs(8));
    assert!(resolver.asked().len() <= 40);
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_aliases_ends() {
    let resolver = hostile(|asked| {
        let number: u32 = asked.name.trim_start_matches('c').split('.').next()?.parse().ok()?;
        Some(answer(&[&format!("{} 300 CNAME c{}.attack.", asked.name, number + 1)]))
    });
    assert!(resolver.told("c0.attack", Type::A).await.contains("more than 11 aliases"));
    let asked = resolver.asked();
    assert!(asked.len() <= 30, "{}", asked.len());
}

/// Two zones whose servers lie in each other.
#[tokio::test(start_paused = true)]
async fn zones_that_need_each_other() {
    let resolver = hostile(|asked| {
        Some(if asked.name.ends_with("one.attack.") {
            referral("one.attack.", &[("ns.two.attack.", "")])
        } else if asked.name.ends_with("two.attack.") {
            referral("two.attack.", &[("ns.one.attack.", "")])
        } else {
            denial(3, "attack.")
        })
    });
    assert!(resolver.told("www.one.attack", Type::A).await.contains("no server of one.attack."));
    assert!(resolver.asked().len() <= 20);
    for n in 0..100 {
        resolver.told(&format!("{n}.one.attack"), Type::A).await;
    }
    assert!(resolver.asked().len() <= 20);
}

/// Each delegation one label deeper, none with an answer.
#[tokio::test(start_paused = true)]
async fn delegations_without_end() {
    let resolver = hostile(|asked| Some(referral(&asked.name, &[("ns.attack.", "192.0.2.66")])));
    let deep = "a.".repeat(100) + "attack";
    resolver.told(&deep, Type::A).await;
    let asked = resolver.asked();
    assert!(asked.len() <= limits::SENDS, "{}", asked.len());
}

/// The answer never fits, over TCP neither: what is refused again and again.
#[tokio::test(start_paused = true)]
async fn the_same_error_for_ever() {
    for rcode in [1, 2, 4, 5, 23] {
        let resolver = hostile(move |_| Some(ServerSays { rcode: rcode & 15, ..ServerSays::default() }));
        resolver.told("www.attack", Type::A).await;
        let asked = resolver.asked();
        assert!(asked.len() <= 6, "{rcode}: {asked:?}");
    }
}

/// What a client is told while the servers are still waited for: silence, once it lasts long enough; never while anything moves.
#[tokio::test(start_paused = true)]
async fn silence_is_seen_while_it_lasts() {
    use std::sync::Arc;

    use crate::iterate::{ResolutionProgress, ResolutionScope, resolve_watched};

    let resolver = hostile(|asked| (asked.name == "attack.").then(|| denial(0, "attack.")));
    let progress = Arc::new(ResolutionProgress::default());
    let question =
        crate::question::OutboundQuestion::new(super::internet::name("www.attack").as_ref(), Type::A);
    let resolving = resolve_watched(
        &resolver.net,
        &resolver.state,
        &resolver.settings,
        &question,
        ResolutionScope::whole(),
        (1000, 1_700_000_000),
        &progress,
    );
    let begun = Instant::now();
    let watching = async {
        tokio::time::sleep(Duration::from_millis(1800)).await;
        let (failure, due) = progress.silence().unwrap();
        assert_eq!(failure.to_string(), "the only server of attack. is silent");
        assert_eq!(due - begun, limits::SLOW_SERVER_WAIT, "the root was heard, so that the network is there");
    };
    let (found, ()) = tokio::join!(resolving, watching);
    assert_eq!(found.unwrap_err().to_string(), "the only server of attack. is silent");
    assert!(begun.elapsed() > Duration::from_millis(1800), "the look-up goes on");
    assert!(progress.silence().is_none(), "nobody is waited for any more");
}
