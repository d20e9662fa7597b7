//! Who is asked when, and what is given back when nobody has an answer.

use std::sync::Arc;
use std::time::Duration;

use rhumb_wire::Transport::{Tcp, Udp};
use rhumb_wire::{NameRef, Rcode};
use tokio::time::Instant;

use super::build;
use super::script::{ScriptedUpstreams, SentQuery, UpstreamAct, ask, code, given, good, outcomes, pool, www};
use crate::exchange::{AttemptOutcome, AttemptReport, RemoteServer, UnusableReply};
use crate::forward::{FailureReason, UpstreamPolicy, UpstreamPool, forward};
use crate::identity::ServerIdentity;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_is_told_and_counted() {
    let net = ScriptedUpstreams::new(|sent| good(sent, 30));
    let pool = pool(UpstreamPolicy::InOrder, 2);
    let mut seen = Vec::new();
    let mut observer = |attempt: &AttemptReport| seen.push((attempt.outcome, attempt.elapsed));
    let answer = is_send(forward(&net, &pool, &www(), &mut observer)).await.unwrap();
    assert_eq!((answer.rcode, answer.ttl, answer.negative), (Rcode::NOERROR, 300, false));
    assert_eq!(seen, [(AttemptOutcome::Answered(Rcode::NOERROR), ms(30))]);
    let first = &pool.upstreams()[0];
    assert_eq!(answer.server.identity().address, first.identity().address);
    assert_eq!((first.counts(Udp).queries, first.counts(Udp).responses[0]), (1, 1));
    assert_eq!(first.smoothed_rtt(Udp), Some(ms(30)));
    assert_eq!(first.smoothed_rtt(Tcp), None);
    assert!(first.takes_edns() && first.keeps_case());
}

#[tokio::test(start_paused = true)]
async fn silence_of_all_ends_in_time_and_number() {
    for count in [1, 2, 4, 20] {
        for policy in [
            UpstreamPolicy::Fastest,
            UpstreamPolicy::InOrder,
            UpstreamPolicy::RoundRobin,
            UpstreamPolicy::Random,
        ] {
            let net = ScriptedUpstreams::new(|_| Vec::new());
            let pool = pool(policy, count);
            for round in 0..4 {
                let start = Instant::now();
                let failure = ask(&net, &pool).await.unwrap_err();
                let log = net.take_log();
                assert_eq!((failure.reason, failure.rcode()), (FailureReason::Silence, Rcode::SERVFAIL));
                assert!(start.elapsed() <= ms(4300), "{count} {policy:?}: {:?}", start.elapsed());
                assert!(log.len() <= 12, "{count} {policy:?}: {}", log.len());
                for to in 1..=count {
                    let sends = log.iter().filter(|sent| sent.to == to).count();
                    assert!(sends <= 3, "{count} {policy:?}");
                    assert!(sends >= 1 || count > 12, "{count} {policy:?} round {round}: {to} never asked");
                }
                tokio::time::sleep(ms(100)).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_one_is_asked_when_a_reply_is_late_and_a_late_answer_still_counts() {
    let net = ScriptedUpstreams::new(|sent| if sent.to == 1 { good(sent, 900) } else { Vec::new() });
    let pool = pool(UpstreamPolicy::InOrder, 2);
    let start = Instant::now();
    let answer = ask(&net, &pool).await.unwrap();
    assert_eq!((given(&answer), start.elapsed()), (1, ms(900)));
    assert_eq!(
        outcomes(&answer.attempts),
        [AttemptOutcome::TimedOut, AttemptOutcome::Answered(Rcode::NOERROR), AttemptOutcome::Overtaken]
    );
    let log = net.take_log();
    assert_eq!(log.iter().map(|sent| (sent.to, sent.at)).collect::<Vec<_>>(), [(1, ms(0)), (2, ms(800))]);
    assert_eq!(pool.upstreams()[0].counts(Udp).timeouts, 1);
    assert_eq!(pool.upstreams()[0].failures(Udp), 0);
}

#[tokio::test(start_paused = true)]
async fn waits_follow_the_round_trip_time() {
    let net = ScriptedUpstreams::new(|sent| if sent.at < ms(5000) { good(sent, 10) } else { Vec::new() });
    let pool = pool(UpstreamPolicy::InOrder, 2);
    for _ in 0..20 {
        ask(&net, &pool).await.unwrap();
    }
    tokio::time::sleep(ms(6000)).await;
    net.take_log();
    assert!(ask(&net, &pool).await.is_err());
    let log = net.take_log();
    assert_eq!(log[1].at.checked_sub(log[0].at), Some(ms(250)));
    // Twice as long the second time.
    assert_eq!(log[3].at.checked_sub(log[2].at), Some(ms(500)));
}

#[tokio::test(start_paused = true)]
async fn the_only_upstream_is_given_its_time_from_the_first_question_on() {
    for policy in [UpstreamPolicy::Fastest, UpstreamPolicy::InOrder] {
        let net = ScriptedUpstreams::new(|sent| good(sent, 790));
        assert!(ask(&net, &pool(policy, 1)).await.is_ok());
        assert_eq!(net.take_log().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_at_the_deadline_or_after() {
    let net = ScriptedUpstreams::new(|sent| match sent.to {
        1 => vec![UpstreamAct::Say(4300, build::truncated(&sent.query))],
        _ => Vec::new(),
    });
    let pool = pool(UpstreamPolicy::InOrder, 20);
    let failure = ask(&net, &pool).await.unwrap_err();
    assert_eq!(failure.reason, FailureReason::Silence);
    assert!(outcomes(&failure.attempts).contains(&AttemptOutcome::Truncated));
    assert_eq!(pool.upstreams()[0].counts(Tcp).queries, 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_upstream_that_is_up_is_waited_for_to_the_end() {
    // Known to be quick, it has to resolve a slow name now, and answers others meanwhile.
    let mut net = ScriptedUpstreams::new(|sent| {
        good(sent, if build::question_of(&sent.query).starts_with(b"\x04") { 2700 } else { 10 })
    });
    net.one_question = false;
    let pool = pool(UpstreamPolicy::InOrder, 1);
    let quick = async {
        for _ in 0..60 {
            ask(&net, &pool).await.unwrap();
            tokio::time::sleep(ms(100)).await;
        }
    };
    let slow = build::question("slow.example.com", rhumb_wire::Type::A);
    let mut observer = |_: &AttemptReport| {};
    let (answer, ()) = tokio::join!(forward(&net, &pool, &slow, &mut observer), quick);
    assert_eq!(answer.unwrap().attempts.last().unwrap().outcome, AttemptOutcome::Answered(Rcode::NOERROR));
    assert!(pool.is_healthy());
}

#[tokio::test(start_paused = true)]
async fn refusals_are_passed_over_at_once() {
    for rcode in [2, 4, 5, 9] {
        let net =
            ScriptedUpstreams::new(move |sent| if sent.to < 3 { code(sent, rcode) } else { good(sent, 1) });
        let pool = pool(UpstreamPolicy::InOrder, 3);
        let start = Instant::now();
        assert_eq!(given(&ask(&net, &pool).await.unwrap()), 3);
        assert!(start.elapsed() < ms(10));
        assert!(pool.upstreams().iter().all(|upstream| upstream.is_healthy()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_refusal_is_given_back() {
    let net = ScriptedUpstreams::new(|sent| code(sent, if sent.to == 1 { 5 } else { 2 }));
    let failure = ask(&net, &pool(UpstreamPolicy::InOrder, 2)).await.unwrap_err();
    assert_eq!((failure.reason, failure.rcode()), (FailureReason::Rcode(Rcode::SERVFAIL), Rcode::SERVFAIL));
    assert_eq!(net.take_log().len(), 2);

    let net = ScriptedUpstreams::new(|sent| code(sent, 5));
    assert_eq!(ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap_err().rcode(), Rcode::REFUSED);
    assert_eq!(net.take_log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_an_upstream_is_passed_on() {
    let net = ScriptedUpstreams::new(|sent| {
        let mut reply = build::reply(&sent.query, 2, 0);
        reply[11] = 1;
        reply.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\x08\0\x0f\0\x04\0\x06xx");
        vec![UpstreamAct::Say(1, reply)]
    });
    let failure = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap_err();
    let said = failure.extended.clone().map(|reason| (reason.code, reason.text.to_string()));
    assert_eq!((failure.rcode(), said), (Rcode::SERVFAIL, Some((6, "xx".to_owned()))));
}

#[tokio::test(start_paused = true)]
async fn referrals_and_nonsense_are_passed_over() {
    let net = ScriptedUpstreams::new(|sent| {
        let ns = build::rr("com", 60, rhumb_wire::Type::NS, build::name("ns.evil"));
        let other = build::a("other.example", 60, 66);
        let (answer, authority) = match sent.to {
            1 => (vec![], vec![ns]),
            2 => (vec![other], vec![]),
            _ => return good(sent, 1),
        };
        let id = build::id_of(&sent.query);
        vec![UpstreamAct::Say(
            1,
            build::message(id, 0x8080, build::question_of(&sent.query), [&answer, &authority, &[]]),
        )]
    });
    let answer = ask(&net, &pool(UpstreamPolicy::InOrder, 3)).await.unwrap();
    assert_eq!(
        outcomes(&answer.attempts),
        [
            AttemptOutcome::Unusable(UnusableReply::Referral(1)),
            AttemptOutcome::Unusable(UnusableReply::Unrelated),
            AttemptOutcome::Answered(Rcode::NOERROR)
        ]
    );
}

/// A referral without an answer to `sent`.
fn referral(sent: &SentQuery) -> Vec<UpstreamAct> {
    let ns = build::rr("com", 60, rhumb_wire::Type::NS, build::name("ns.elsewhere"));
    let (id, question) = (build::id_of(&sent.query), build::question_of(&sent.query));
    vec![UpstreamAct::Say(1, build::message(id, 0x8080, question, [&[], &[ns], &[]]))]
}

/// What one upstream does.
type Reply = fn(&SentQuery) -> Vec<UpstreamAct>;

#[tokio::test(start_paused = true)]
async fn referrals_alone_are_told_from_other_failures() {
    let unusable = FailureReason::Unusable;
    let refused: Reply = |sent| code(sent, 5);
    let empty_header: Reply =
        |sent| vec![UpstreamAct::Say(1, build::reply(&sent.query, 0, 0)[..12].to_vec())];
    let silent: Reply = |_| Vec::new();
    for (replies, reason, rcode) in [
        ([referral as Reply, referral], unusable(UnusableReply::Referral(1)), Rcode::SERVFAIL),
        ([referral, silent], unusable(UnusableReply::Referral(1)), Rcode::SERVFAIL),
        ([referral, refused], FailureReason::Rcode(Rcode::REFUSED), Rcode::REFUSED),
        ([refused, referral], FailureReason::Rcode(Rcode::REFUSED), Rcode::REFUSED),
        ([referral, empty_header], unusable(UnusableReply::NoQuestion), Rcode::SERVFAIL),
        ([empty_header, referral], unusable(UnusableReply::NoQuestion), Rcode::SERVFAIL),
    ] {
        let net = ScriptedUpstreams::new(move |sent| replies[usize::from(sent.to != 1)](sent));
        let failure = ask(&net, &pool(UpstreamPolicy::InOrder, 2)).await.unwrap_err();
        assert_eq!((failure.reason, failure.rcode()), (reason, rcode));
        let is_referral = reason == unusable(UnusableReply::Referral(1));
        for (domain, within) in [(".", true), ("com", true), ("example.com", false)] {
            let domain = build::name(domain);
            let found = failure.is_referral_within(NameRef::parse(&domain).unwrap());
            assert_eq!(found, is_referral && within, "{reason:?} {within}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_without_a_route_costs_nothing() {
    let mut net = ScriptedUpstreams::new(|sent| good(sent, 1));
    net.unroutable = vec![1, 2];
    let pool = pool(UpstreamPolicy::InOrder, 3);
    let start = Instant::now();
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 3);
    assert!(start.elapsed() < ms(5));
    assert_eq!(net.take_targets(), [(3, Udp)]);
    assert!(!pool.upstreams()[0].is_healthy() && pool.upstreams()[2].is_healthy());

    net.unroutable = vec![1, 2, 3];
    let failure = ask(&net, &pool).await.unwrap_err();
    assert_eq!((failure.reason, start.elapsed() < ms(10)), (FailureReason::NoRoute, true));
    assert_eq!(outcomes(&failure.attempts), [AttemptOutcome::NoRoute; 3]);
    assert!(!pool.is_healthy());
    net.unroutable.clear();
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
    assert!(pool.upstreams()[0].is_healthy());
}

#[tokio::test(start_paused = true)]
async fn refused_connections_go_on_at_once_and_come_back_later() {
    let net = ScriptedUpstreams::new(|sent| match sent.to {
        1 => vec![UpstreamAct::Refuse(1)],
        2 => vec![UpstreamAct::Unreachable(1)],
        _ => good(sent, 1),
    });
    let start = Instant::now();
    assert_eq!(given(&ask(&net, &pool(UpstreamPolicy::InOrder, 3)).await.unwrap()), 3);
    assert!(start.elapsed() < ms(10));

    // A forwarder that is being restarted.
    let net =
        ScriptedUpstreams::new(
            |sent| if sent.at < ms(600) { vec![UpstreamAct::Refuse(1)] } else { good(sent, 1) },
        );
    assert_eq!(given(&ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap()), 1);
    assert_eq!(net.take_log().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_fails_at_once() {
    let net = ScriptedUpstreams::new(|_| Vec::new());
    let pool = UpstreamPool::new(UpstreamPolicy::Fastest, []);
    assert_eq!(ask(&net, &pool).await.unwrap_err().reason, FailureReason::NoUpstream);
}

#[tokio::test(start_paused = true)]
async fn bytes_received_are_bounded() {
    let net = ScriptedUpstreams::new(|sent| {
        if sent.transport == Udp {
            return vec![UpstreamAct::Say(1, build::truncated(&sent.query))];
        }
        let mut long = build::reply(&sent.query, 5, 0);
        long.resize(65_000, 0);
        vec![UpstreamAct::Say(1, long)]
    });
    assert!(ask(&net, &pool(UpstreamPolicy::InOrder, 6)).await.is_err());
    let replies = net.take_log().into_iter().filter(|sent| sent.transport == Tcp).count();
    assert_eq!(replies, 5);
}

/// A server whose own transport is a stream is asked over that alone, and is up or down by it.
#[tokio::test(start_paused = true)]
async fn an_upstream_of_a_stream_gets_no_datagrams() {
    for transport in [Tcp, rhumb_wire::Transport::Tls] {
        let plain = ServerIdentity::plain("192.0.2.1:53".parse().unwrap());
        let server = RemoteServer::new(ServerIdentity { transport, ..plain }, Arc::default());
        let pool = UpstreamPool::new(UpstreamPolicy::InOrder, [Arc::new(server)]);
        let net = ScriptedUpstreams::new(|sent| good(sent, 20));
        assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
        assert_eq!(net.take_targets(), [(1, transport)]);
        assert_eq!(pool.upstreams()[0].smoothed_rtt(transport), Some(ms(20)));
        let net = ScriptedUpstreams::new(|_| vec![UpstreamAct::Refuse(1)]);
        assert!(ask(&net, &pool).await.is_err());
        assert!(net.take_targets().iter().all(|(_, used)| *used == transport));
        assert!(!pool.is_healthy());
    }
}
