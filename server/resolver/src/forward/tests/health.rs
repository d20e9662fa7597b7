//! Upstreams that go down and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use rhumb_wire::Transport::Udp;
use tokio::time::{Instant, sleep};

use super::build;
use super::script::{ScriptedUpstreams, UpstreamAct, ask, code, given, good, pool};
use crate::exchange::probe;
use crate::forward::{UpstreamPolicy, UpstreamPool, limits};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The first of the upstreams answers only while the flag is up.
fn first_dead() -> (ScriptedUpstreams, Arc<AtomicBool>) {
    let alive = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&alive);
    (
        ScriptedUpstreams::new(
            move |sent| if sent.to > 1 || flag.load(Relaxed) { good(sent, 10) } else { Vec::new() },
        ),
        alive,
    )
}

/// Probes those that are due, as the server does.
async fn probe_due(net: &ScriptedUpstreams, pool: &UpstreamPool) {
    for server in pool.upstreams() {
        if server.claim_probe(Instant::now()) {
            probe(net, server, &build::question(".", rhumb_wire::Type::NS)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_down_costs_little_and_comes_back() {
    let (net, alive) = first_dead();
    let pool = pool(UpstreamPolicy::InOrder, 2);
    let mut slow = 0;
    for _ in 0..1000 {
        let start = Instant::now();
        assert_eq!(given(&ask(&net, &pool).await.unwrap()), 2);
        slow += u32::from(start.elapsed() > ms(100));
        assert!(start.elapsed() < ms(2100));
        sleep(ms(100)).await;
    }
    assert!(!pool.upstreams()[0].is_healthy() && pool.is_healthy());
    // Three to find out; from then on clients wait for nothing.
    assert_eq!(slow, 3);

    alive.store(true, Relaxed);
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 2);
    probe_due(&net, &pool).await;
    // From the first reply on it is asked first, as the policy says.
    assert!(pool.upstreams()[0].is_healthy());
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_down_is_healthy_within_sixteen_seconds_of_its_return_without_a_client() {
    for outage in [0, 500, 4000, 10_000, 33_000, 500_000] {
        let (net, alive) = first_dead();
        let pool = pool(UpstreamPolicy::InOrder, 2);
        for _ in 0..3 {
            ask(&net, &pool).await.unwrap();
        }
        let server = &pool.upstreams()[0];
        assert!(!server.is_healthy());
        let back = Instant::now() + ms(outage);
        net.take_log();
        while !server.is_healthy() {
            tokio::time::sleep_until(server.probe_at().unwrap()).await;
            alive.store(Instant::now() >= back, Relaxed);
            probe_due(&net, &pool).await;
            assert!(Instant::now() < back + ms(16_000), "{outage}");
        }
        assert!(net.take_log().len() <= 4 * 5 + outage as usize / 2000, "{outage}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_believable_reply_to_a_probe_makes_healthy() {
    let down = || async {
        let net = ScriptedUpstreams::new(|_| Vec::new());
        let pool = pool(UpstreamPolicy::InOrder, 1);
        assert!(ask(&net, &pool).await.is_err());
        assert!(!pool.is_healthy());
        sleep(ms(20_000)).await;
        pool
    };
    for rcode in [0, 1, 2, 3, 4, 5] {
        let pool = down().await;
        probe_due(&ScriptedUpstreams::new(move |sent| code(sent, rcode)), &pool).await;
        assert!(pool.is_healthy(), "{rcode}");
    }
    let pool = down().await;
    let forged = |sent: &super::script::SentQuery| {
        let mut message = build::reply(&sent.query, 0, 1);
        message[0] ^= 1;
        vec![UpstreamAct::Say(1, message)]
    };
    probe_due(&ScriptedUpstreams::new(forged), &pool).await;
    assert!(!pool.is_healthy());
    sleep(ms(20_000)).await;
    probe_due(&ScriptedUpstreams::new(|_| vec![UpstreamAct::Refuse(1)]), &pool).await;
    assert!(!pool.is_healthy());
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_tcp_after_a_truncated_one_makes_healthy() {
    let net = ScriptedUpstreams::new(|sent| match sent.at.as_secs() {
        0..20 => Vec::new(),
        _ if sent.transport == Udp => vec![UpstreamAct::Say(1, build::truncated(&sent.query))],
        _ => good(sent, 1),
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    assert!(ask(&net, &pool).await.is_err());
    assert!(!pool.is_healthy());
    sleep(ms(20_000)).await;
    assert!(ask(&net, &pool).await.is_ok());
    assert!(pool.is_healthy());
}

#[tokio::test(start_paused = true)]
async fn if_all_are_down_they_are_asked_and_one_answer_is_enough() {
    let (net, alive) = first_dead();
    let pool = pool(UpstreamPolicy::InOrder, 1);
    for _ in 0..5 {
        assert!(ask(&net, &pool).await.is_err());
    }
    assert!(!pool.is_healthy());
    net.take_log();
    let start = Instant::now();
    assert!(ask(&net, &pool).await.is_err());
    // Known to be down, it gets fewer messages, and its clients an earlier answer.
    assert_eq!(net.take_log().len(), 2);
    assert!(start.elapsed() <= limits::DOWN);
    alive.store(true, Relaxed);
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
    assert!(pool.is_healthy() && pool.upstreams()[0].failures(Udp) == 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_but_an_answer_makes_healthy() {
    let (net, _) = first_dead();
    let pool = pool(UpstreamPolicy::InOrder, 1);
    for _ in 0..3 {
        assert!(ask(&net, &pool).await.is_err());
    }
    for rcode in [1, 2, 4, 5] {
        let net = ScriptedUpstreams::new(move |sent| code(sent, rcode));
        assert!(ask(&net, &pool).await.is_err());
        assert!(!pool.is_healthy(), "{rcode}");
    }
    let empty = |sent: &super::script::SentQuery| {
        let question = build::question_of(&sent.query);
        vec![UpstreamAct::Say(
            1,
            build::message(build::id_of(&sent.query), 0x8080, question, [&[], &[], &[]]),
        )]
    };
    let net = ScriptedUpstreams::new(empty);
    let answer = ask(&net, &pool).await.unwrap();
    assert!(answer.negative && answer.ttl == 0 && !pool.is_healthy());
    let net = ScriptedUpstreams::new(|sent| {
        vec![UpstreamAct::Say(1, vec![0; 12]), UpstreamAct::Say(2, build::reply(&sent.query, 0, 1))]
    });
    assert!(ask(&net, &pool).await.is_err());
    assert!(!pool.is_healthy());
}

#[tokio::test(start_paused = true)]
async fn replies_of_any_kind_do_not_make_unhealthy() {
    for rcode in [2, 5] {
        let net = ScriptedUpstreams::new(move |sent| code(sent, rcode));
        let pool = pool(UpstreamPolicy::InOrder, 1);
        for _ in 0..10 {
            assert!(ask(&net, &pool).await.is_err());
        }
        assert!(pool.is_healthy());
    }
}
