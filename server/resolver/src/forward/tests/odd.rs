//! Replies that do not repeat the question, and upstreams that take their time.

use std::time::Duration;

use rhumb_wire::Rcode;
use rhumb_wire::Transport::{Tcp, Udp};
use rhumb_wire::header::{self, MessageHeader};
use tokio::time::Instant;

use super::build::{self, id_of};
use super::script::{ScriptedUpstreams, SentQuery, UpstreamAct, ask, given, good, pool};
use crate::exchange::UnusableReply;
use crate::forward::{FailureReason, UpstreamPolicy, limits};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A header that says `flags`, and counts `questions` that are not there.
fn header_alone(sent: &SentQuery, flags: u16, questions: u16) -> Vec<u8> {
    let head =
        MessageHeader { id: id_of(&sent.query), flags: header::QR | flags, questions, ..Default::default() };
    head.to_bytes().to_vec()
}

/// An empty OPT with the upper bits of a response code.
fn opt(high: u8) -> Vec<u8> {
    vec![0, 0, 41, 4, 208, high, 0, 0, 0, 0, 0]
}

#[tokio::test(start_paused = true)]
async fn an_error_without_its_question_ends_the_wait_at_once() {
    for rcode in [1, 2, 4, 5, 9, 11] {
        for (questions, with_opt) in [(0, false), (1, false), (0, true)] {
            let reply = move |sent: &SentQuery| {
                let mut bytes = header_alone(sent, rcode, questions);
                if with_opt {
                    bytes[11] = 1;
                    bytes.extend(opt(0));
                }
                vec![UpstreamAct::Say(1, bytes)]
            };
            let net =
                ScriptedUpstreams::new(move |sent| if sent.to == 1 { reply(sent) } else { good(sent, 1) });
            let start = Instant::now();
            assert_eq!(given(&ask(&net, &pool(UpstreamPolicy::InOrder, 2)).await.unwrap()), 2);
            assert!(start.elapsed() < ms(10), "{rcode} {questions} {with_opt}");

            let net = ScriptedUpstreams::new(reply);
            let failure = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap_err();
            assert_eq!(failure.rcode(), Rcode(rcode));
            assert!(start.elapsed() < ms(20), "{rcode} {questions} {with_opt}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_its_question_is_not_believed_and_not_waited_for() {
    for rcode in [0, 3] {
        for answers in [0, 1] {
            let net = ScriptedUpstreams::new(move |sent| {
                if sent.to == 2 {
                    return good(sent, 1);
                }
                let record = [build::a("www.example.com", 60, 66)];
                let answer = if answers == 1 { &record[..] } else { &[] };
                vec![UpstreamAct::Say(
                    1,
                    build::message(id_of(&sent.query), header::QR | rcode, &[], [answer, &[], &[]]),
                )]
            });
            let start = Instant::now();
            let answer = ask(&net, &pool(UpstreamPolicy::InOrder, 2)).await.unwrap();
            assert_eq!(given(&answer), 2);
            assert!(start.elapsed() < ms(10), "{rcode} {answers}");
            let failure = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap_err();
            assert_eq!(failure.reason, FailureReason::Unusable(UnusableReply::NoQuestion));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_id_without_a_question_is_no_error_of_the_upstream() {
    let net = ScriptedUpstreams::new(|sent| match sent.transport {
        Udp => {
            let mut bytes = header_alone(sent, 2, 0);
            bytes[0] ^= 1;
            vec![UpstreamAct::Say(1, bytes)]
        }
        _ => good(sent, 1),
    });
    assert_eq!(given(&ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap()), 1);
    assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp)]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_version_without_its_question_is_asked_without_edns() {
    let net = ScriptedUpstreams::new(|sent| {
        if sent.query[11] == 0 {
            return good(sent, 1);
        }
        let mut bytes = header_alone(sent, 0, 0);
        bytes[11] = 1;
        bytes.extend(opt(1));
        vec![UpstreamAct::Say(1, bytes)]
    });
    assert_eq!(given(&ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap()), 1);
    assert_eq!(net.take_log().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_of_three_seconds_is_waited_for() {
    for after in [1000, 2000, 3000, 3400] {
        let net = ScriptedUpstreams::new(move |sent| good(sent, after));
        let start = Instant::now();
        assert_eq!(given(&ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap()), 1, "{after}");
        assert!(start.elapsed() <= limits::DEADLINE);
    }
}

#[tokio::test(start_paused = true)]
async fn upstreams_that_were_down_before_cost_a_question_little() {
    for count in [1, 2, 5, 20] {
        let net = ScriptedUpstreams::new(|_| Vec::new());
        let all = pool(UpstreamPolicy::InOrder, count);
        for _ in 0..20 {
            let start = Instant::now();
            assert!(ask(&net, &all).await.is_err());
            assert!(start.elapsed() <= limits::DEADLINE, "{count}");
        }
        assert!(all.upstreams().iter().all(|server| server.is_down()), "{count}");
        let start = Instant::now();
        assert!(ask(&net, &all).await.is_err());
        assert!(start.elapsed() <= limits::DOWN, "{count}: {:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn behind_one_that_refuses_the_ones_that_are_down_cost_no_more() {
    let net = ScriptedUpstreams::new(|sent| {
        if sent.to == 1 { vec![UpstreamAct::Say(1, header_alone(sent, 5, 0))] } else { Vec::new() }
    });
    let all = pool(UpstreamPolicy::InOrder, 6);
    for _ in 0..20 {
        assert!(ask(&net, &all).await.is_err());
    }
    let start = Instant::now();
    assert!(ask(&net, &all).await.is_err());
    assert!(start.elapsed() <= limits::DOWN + ms(10), "{:?}", start.elapsed());
}
