//! Which upstream is asked first, over many questions.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::sleep;

use super::script::{ScriptedUpstreams, ask, code, good, pool};
use crate::forward::{UpstreamPolicy, UpstreamPool};

/// How often each upstream was the first to be asked.
async fn firsts(
    net: &ScriptedUpstreams,
    pool: &UpstreamPool,
    questions: usize,
    pause: Duration,
) -> HashMap<u8, usize> {
    let mut firsts = HashMap::new();
    for _ in 0..questions {
        net.take_log();
        ask(net, pool).await.unwrap();
        *firsts.entry(net.take_log()[0].to).or_default() += 1;
        sleep(pause).await;
    }
    firsts
}

#[tokio::test(start_paused = true)]
async fn in_order_is_the_first_alone() {
    let net = ScriptedUpstreams::new(|sent| good(sent, 5));
    let firsts = firsts(&net, &pool(UpstreamPolicy::InOrder, 3), 50, Duration::ZERO).await;
    assert_eq!(firsts, HashMap::from([(1, 50)]));
}

#[tokio::test(start_paused = true)]
async fn round_robin_is_exactly_even() {
    let net = ScriptedUpstreams::new(|sent| good(sent, 5 * u64::from(sent.to)));
    let firsts = firsts(&net, &pool(UpstreamPolicy::RoundRobin, 3), 60, Duration::ZERO).await;
    assert_eq!(firsts, HashMap::from([(1, 20), (2, 20), (3, 20)]));
}

#[tokio::test(start_paused = true)]
async fn random_is_about_even() {
    let net = ScriptedUpstreams::new(|sent| good(sent, 5 * u64::from(sent.to)));
    let firsts = firsts(&net, &pool(UpstreamPolicy::Random, 4), 2000, Duration::ZERO).await;
    // 500 each, with a standard deviation of 19.4.
    assert!((1..=4).all(|to| (420..=580).contains(&firsts[&to])), "{firsts:?}");
}

#[tokio::test(start_paused = true)]
async fn fastest_tries_each_once_and_then_measures_the_others_now_and_then() {
    let net = ScriptedUpstreams::new(|sent| good(sent, 100 / u64::from(sent.to)));
    let pool = pool(UpstreamPolicy::Fastest, 3);
    let start = firsts(&net, &pool, 3, Duration::ZERO).await;
    assert_eq!(start, HashMap::from([(1, 1), (2, 1), (3, 1)]));
    // A quarter of an hour, one question a second.
    let firsts = firsts(&net, &pool, 900, Duration::from_secs(1)).await;
    for other in [1, 2] {
        assert!((13..=19).contains(&firsts[&other]), "{firsts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fastest_follows_a_change_of_speed() {
    let net = ScriptedUpstreams::new(|sent| {
        good(sent, if (sent.to == 1) == (sent.at.as_secs() < 300) { 5 } else { 60 })
    });
    let pool = pool(UpstreamPolicy::Fastest, 2);
    let before = firsts(&net, &pool, 290, Duration::from_secs(1)).await;
    assert!(before[&1] > 270, "{before:?}");
    sleep(Duration::from_secs(20)).await;
    firsts(&net, &pool, 120, Duration::from_secs(1)).await;
    let after = firsts(&net, &pool, 200, Duration::from_secs(1)).await;
    assert!(after[&2] > 180, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn quick_refusals_are_not_fast() {
    let net = ScriptedUpstreams::new(|sent| if sent.to == 1 { code(sent, 5) } else { good(sent, 50) });
    let pool = pool(UpstreamPolicy::Fastest, 2);
    firsts(&net, &pool, 5, Duration::ZERO).await;
    let firsts = firsts(&net, &pool, 100, Duration::from_secs(1)).await;
    assert!(firsts[&1] <= 3, "{firsts:?}");
    assert!(pool.upstreams()[0].is_healthy());
}

#[tokio::test(start_paused = true)]
async fn a_dead_upstream_does_not_hold_up_the_first_question() {
    let net = ScriptedUpstreams::new(|sent| if sent.to == 1 { Vec::new() } else { good(sent, 10) });
    let pool = pool(UpstreamPolicy::Fastest, 2);
    let start = tokio::time::Instant::now();
    ask(&net, &pool).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(450));
    let firsts = firsts(&net, &pool, 100, Duration::from_secs(1)).await;
    assert!(firsts.get(&1).copied().unwrap_or(0) <= 8, "{firsts:?}");
}
