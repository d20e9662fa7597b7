//! Upstreams that go down and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::build;
use super::script::{Act, Script, ask, code, given, good, pool};
use crate::forward::{Policy, Transport::Udp};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The first of the upstreams answers only while the flag is up.
fn first_dead() -> (Script, Arc<AtomicBool>) {
    let alive = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&alive);
    (
        Script::new(move |sent| if sent.to > 1 || flag.load(Relaxed) { good(sent, 10) } else { Vec::new() }),
        alive,
    )
}

#[tokio::test(start_paused = true)]
async fn one_that_is_down_costs_little_and_comes_back() {
    let (net, alive) = first_dead();
    let pool = pool(Policy::InOrder, 2);
    let mut slow = 0;
    let begin = Instant::now();
    while begin.elapsed() < ms(100_000) {
        let start = Instant::now();
        assert_eq!(given(&ask(&net, &pool).await.unwrap()), 2);
        slow += u32::from(start.elapsed() > ms(100));
        assert!(start.elapsed() < ms(2100));
        sleep(ms(100)).await;
    }
    assert!(!pool.upstreams()[0].healthy() && pool.healthy());
    // Three to find out, and tries after 1, 2, 4 ... up to 30 seconds.
    assert!((8..=11).contains(&slow), "{slow}");

    alive.store(true, Relaxed);
    net.take_log();
    let back = Instant::now();
    while given(&ask(&net, &pool).await.unwrap()) != 1 {
        sleep(ms(100)).await;
    }
    assert!(back.elapsed() <= ms(31_000));
    assert!(pool.upstreams()[0].healthy());
    // From the first answer on it is asked first, as the policy says.
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_down_is_used_again_under_every_policy() {
    for policy in [Policy::Fastest, Policy::RoundRobin, Policy::Random] {
        let (net, alive) = first_dead();
        let pool = pool(policy, 3);
        let begin = Instant::now();
        while pool.upstreams()[0].healthy() {
            ask(&net, &pool).await.unwrap();
            sleep(ms(1000)).await;
            assert!(begin.elapsed() < ms(200_000), "{policy:?}");
        }
        alive.store(true, Relaxed);
        let back = Instant::now();
        while !pool.upstreams()[0].healthy() {
            ask(&net, &pool).await.unwrap();
            sleep(ms(100)).await;
            assert!(back.elapsed() < ms(31_000), "{policy:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_tcp_after_a_truncated_one_makes_healthy() {
    let net = Script::new(|sent| match sent.at.as_secs() {
        0..20 => Vec::new(),
        _ if sent.transport == Udp => vec![Act::Say(1, build::truncated(&sent.query))],
        _ => good(sent, 1),
    });
    let pool = pool(Policy::InOrder, 1);
    assert!(ask(&net, &pool).await.is_err());
    assert!(!pool.healthy());
    sleep(ms(20_000)).await;
    assert!(ask(&net, &pool).await.is_ok());
    assert!(pool.healthy());
}

#[tokio::test(start_paused = true)]
async fn if_all_are_down_they_are_asked_and_one_answer_is_enough() {
    let (net, alive) = first_dead();
    let pool = pool(Policy::InOrder, 1);
    for _ in 0..5 {
        assert!(ask(&net, &pool).await.is_err());
    }
    assert!(!pool.healthy());
    net.take_log();
    let start = Instant::now();
    assert!(ask(&net, &pool).await.is_err());
    // Known to be down, it gets fewer messages, and its clients an earlier answer.
    assert_eq!(net.take_log().len(), 2);
    assert!(start.elapsed() < ms(7000));
    alive.store(true, Relaxed);
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
    assert!(pool.healthy() && pool.upstreams()[0].failures(Udp) == 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_but_an_answer_makes_healthy() {
    let (net, _) = first_dead();
    let pool = pool(Policy::InOrder, 1);
    for _ in 0..3 {
        assert!(ask(&net, &pool).await.is_err());
    }
    for rcode in [1, 2, 4, 5] {
        let net = Script::new(move |sent| code(sent, rcode));
        assert!(ask(&net, &pool).await.is_err());
        assert!(!pool.healthy(), "{rcode}");
    }
    let empty = |sent: &super::script::Sent| {
        let question = build::question_of(&sent.query);
        vec![Act::Say(1, build::message(build::id_of(&sent.query), 0x8080, question, [&[], &[], &[]]))]
    };
    let net = Script::new(empty);
    let answer = ask(&net, &pool).await.unwrap();
    assert!(answer.negative && answer.ttl == 0 && !pool.healthy());
    let net =
        Script::new(|sent| vec![Act::Say(1, vec![0; 12]), Act::Say(2, build::reply(&sent.query, 0, 1))]);
    assert!(ask(&net, &pool).await.is_err());
    assert!(!pool.healthy());
}

#[tokio::test(start_paused = true)]
async fn replies_of_any_kind_do_not_make_unhealthy() {
    for rcode in [2, 5] {
        let net = Script::new(move |sent| code(sent, rcode));
        let pool = pool(Policy::InOrder, 1);
        for _ in 0..10 {
            assert!(ask(&net, &pool).await.is_err());
        }
        assert!(pool.healthy());
    }
}
