//! Loss, delay and damage: how much is answered all the same, and what is sent for it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rhumb_wire::Transport::Udp;
use tokio::time::{Instant, sleep};

use super::build::reply;
use super::script::{ScriptedUpstreams, SentQuery, UpstreamAct, ask, given, pool};
use crate::forward::{UpstreamPolicy, limits};

/// Numbers that are the same in each run.
struct Dice(AtomicU64);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        x = (x ^ x >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (x ^ x >> 29) % sides
    }
}

/// Loses `loss` of a hundred messages, flips a bit in one of a hundred replies, delays all by up to half a second.
fn chaos(loss: u64, flips: u64) -> ScriptedUpstreams {
    let dice = Dice(AtomicU64::new(loss * 1000 + flips));
    ScriptedUpstreams::new(move |sent: &SentQuery| {
        let delay = dice.roll(500);
        let mut said = reply(&sent.query, 0, sent.to);
        if sent.transport == Udp && dice.roll(100) < loss {
            return Vec::new();
        }
        if sent.transport == Udp && dice.roll(100) < flips {
            // Not in the record's TTL and address, which nothing protects.
            let end = said.len() as u64 - 10;
            said[dice.roll(end) as usize] ^= 1 << dice.roll(8);
        }
        vec![UpstreamAct::Say(delay, said)]
    })
}

#[tokio::test(start_paused = true)]
async fn nearly_every_question_is_answered_with_few_messages() {
    for (loss, least) in [(0, 1000), (5, 999), (20, 985)] {
        for policy in [
            UpstreamPolicy::Fastest,
            UpstreamPolicy::InOrder,
            UpstreamPolicy::RoundRobin,
            UpstreamPolicy::Random,
        ] {
            let net = chaos(loss, u64::from(loss > 0));
            let pool = pool(policy, 2);
            let mut answered = 0;
            for _ in 0..1000 {
                let start = Instant::now();
                if let Ok(answer) = ask(&net, &pool).await {
                    assert!((1..=2).contains(&given(&answer)));
                    answered += 1;
                }
                assert!(start.elapsed() <= limits::DEADLINE);
                sleep(Duration::from_millis(50)).await;
            }
            let sent = net.take_log().len();
            assert!(answered >= least, "{policy:?}, {loss} of 100 lost: {answered} answered");
            assert!(sent <= 2000, "{policy:?}, {loss} of 100 lost: {sent} sent");
        }
    }
}
