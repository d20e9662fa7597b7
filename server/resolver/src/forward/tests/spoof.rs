//! Datagrams that are no reply, or not the one it seems.

use rhumb_wire::Transport::{Tcp, Udp};
use rhumb_wire::header;

use super::build::{self, id_of, question_of, reply, truncated};
use super::script::{ScriptedUpstreams, SentQuery, UpstreamAct, ask, given, good, outcomes, pool};
use crate::exchange::{AttemptOutcome, UnusableReply};
use crate::forward::{FailureReason, UpstreamPolicy};
use crate::network::SpoofSignal;

fn over_tcp_good(udp: impl Fn(&SentQuery) -> Vec<UpstreamAct> + Send + Sync + 'static) -> ScriptedUpstreams {
    ScriptedUpstreams::new(move |sent| if sent.transport == Tcp { good(sent, 5) } else { udp(sent) })
}

fn with_id(mut message: Vec<u8>, id: u16) -> Vec<u8> {
    header::set_id(&mut message, id);
    message
}

#[tokio::test(start_paused = true)]
async fn the_first_wrong_id_means_tcp() {
    let net = over_tcp_good(|sent| {
        let forged =
            |n| UpstreamAct::Say(1, with_id(reply(&sent.query, 0, 66), id_of(&sent.query).wrapping_add(n)));
        let mut acts: Vec<_> = (1..=5).map(forged).collect();
        acts.push(UpstreamAct::Say(300, reply(&sent.query, 0, 1)));
        acts
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    let answer = ask(&net, &pool).await.unwrap();
    assert_eq!(given(&answer), 1);
    assert_eq!(
        outcomes(&answer.attempts),
        [
            AttemptOutcome::Suspicious(SpoofSignal::WrongId),
            AttemptOutcome::Answered(rhumb_wire::Rcode::NOERROR)
        ]
    );
    assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp)]);
    assert_eq!(pool.upstreams()[0].counts(Udp).wrong_ids, 1);
}

#[tokio::test(start_paused = true)]
async fn wrong_questions_are_waited_out() {
    let net = ScriptedUpstreams::new(|sent| {
        let id = id_of(&sent.query);
        let flags = header::QR | header::RA;
        let other = |q: rhumb_wire::Type, n: &str| build::asked(&build::question(n, q));
        let no_reply = with_id(sent.query.clone(), id);
        let mut notify = reply(&sent.query, 0, 66);
        notify[2] |= 0x20;
        let said = [
            build::message(id, flags, &other(rhumb_wire::Type::A, "www.example.org"), [&[], &[], &[]]),
            build::message(id, flags, &other(rhumb_wire::Type::AAAA, "www.example.com"), [&[], &[], &[]]),
            no_reply,
            notify,
            id.to_be_bytes().to_vec(),
            Vec::new(),
            reply(&sent.query, 0, sent.to),
        ];
        said.into_iter().zip(1..).map(|(message, after)| UpstreamAct::Say(after, message)).collect()
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
    assert_eq!(net.take_targets(), [(1, Udp)]);
    assert_eq!(pool.upstreams()[0].counts(Udp).strays, 6);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_strays_ends_in_tcp() {
    let net = over_tcp_good(|sent| {
        let id = id_of(&sent.query);
        let forged = build::message(
            id,
            header::QR,
            &build::asked(&build::question("x", rhumb_wire::Type::A)),
            [&[], &[], &[]],
        );
        (0..100).map(|n| UpstreamAct::Say(n, forged.clone())).collect()
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    let answer = ask(&net, &pool).await.unwrap();
    assert_eq!(answer.attempts[0].outcome, AttemptOutcome::Suspicious(SpoofSignal::Strays));
    assert_eq!(pool.upstreams()[0].counts(Udp).strays, 8);
}

/// A record that ends early, in its header and in its data.
fn malformed(sent: &SentQuery) -> Vec<Vec<u8>> {
    let whole = reply(&sent.query, 0, 66);
    let cut = whole[..whole.len() - 1].to_vec();
    let mut short_address = cut.clone();
    let length_at = cut.len() - 4;
    short_address[length_at] = 3;
    let mut two_questions = whole.clone();
    two_questions[5] = 2;
    vec![cut, short_address, two_questions]
}

#[tokio::test(start_paused = true)]
async fn a_malformed_reply_is_waited_out() {
    for which in 0..3 {
        let net = ScriptedUpstreams::new(move |sent| {
            vec![
                UpstreamAct::Say(1, malformed(sent).swap_remove(which)),
                UpstreamAct::Say(100, reply(&sent.query, 0, 1)),
            ]
        });
        let answer = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap();
        assert_eq!((given(&answer), net.take_log().len()), (1, 1), "{which}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_malformed_for_ever_is_asked_over_tcp_and_stays_up() {
    let net = ScriptedUpstreams::new(|sent| vec![UpstreamAct::Say(1, malformed(sent).swap_remove(1))]);
    let pool = pool(UpstreamPolicy::InOrder, 1);
    for _ in 0..5 {
        let failure = ask(&net, &pool).await.unwrap_err();
        assert_eq!(failure.reason, FailureReason::Unusable(UnusableReply::Malformed));
        assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp)]);
    }
    assert!(pool.is_healthy());
}

#[tokio::test(start_paused = true)]
async fn truncation_means_tcp_and_no_more_udp() {
    let net = over_tcp_good(|sent| vec![UpstreamAct::Say(1, truncated(&sent.query))]);
    let answer = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap();
    assert_eq!(answer.attempts[0].outcome, AttemptOutcome::Truncated);
    assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp)]);

    let net = ScriptedUpstreams::new(|sent| match sent.transport {
        Udp => vec![UpstreamAct::Say(1, truncated(&sent.query))],
        _ => vec![UpstreamAct::Refuse(1)],
    });
    let failure = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap_err();
    assert_eq!(failure.reason, FailureReason::Silence);
    assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp), (1, Tcp), (1, Tcp)]);

    // Truncated over TCP as well, for ever.
    let net = ScriptedUpstreams::new(|sent| vec![UpstreamAct::Say(1, truncated(&sent.query))]);
    assert!(ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.is_err());
    assert_eq!(net.take_log().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn over_tcp_id_and_question_count_as_well() {
    for forged in 0..2 {
        let net = ScriptedUpstreams::new(move |sent| match (sent.transport, forged) {
            (Udp, _) => vec![UpstreamAct::Say(1, truncated(&sent.query))],
            (_, 0) => vec![UpstreamAct::Say(1, with_id(reply(&sent.query, 0, 66), !id_of(&sent.query)))],
            _ => {
                let other = build::asked(&build::question("x", rhumb_wire::Type::A));
                vec![UpstreamAct::Say(
                    1,
                    build::message(id_of(&sent.query), header::QR, &other, [&[], &[], &[]]),
                )]
            }
        });
        let failure = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap_err();
        assert_eq!(failure.reason, FailureReason::Unusable(UnusableReply::Mismatch));
    }
}

#[tokio::test(start_paused = true)]
async fn without_tcp_a_wrong_id_does_not_end_the_question() {
    let net = ScriptedUpstreams::new(|sent| match sent.transport {
        Tcp => vec![UpstreamAct::Refuse(1)],
        Udp if sent.at.is_zero() => {
            vec![UpstreamAct::Say(1, with_id(reply(&sent.query, 0, 66), !id_of(&sent.query)))]
        }
        _ => good(sent, 1),
    });
    let answer = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap();
    assert_eq!(given(&answer), 1);
    assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp), (1, Udp)]);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_always_the_same_is_not_asked_for_ever() {
    let net = ScriptedUpstreams::new(|sent| match sent.transport {
        Tcp => vec![UpstreamAct::Refuse(1)],
        _ => vec![UpstreamAct::Say(1, with_id(reply(&sent.query, 0, 66), !id_of(&sent.query)))],
    });
    assert!(ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.is_err());
    assert!(net.take_log().len() <= 6);
}

#[tokio::test(start_paused = true)]
async fn ids_and_cases_differ_from_query_to_query() {
    let net = ScriptedUpstreams::new(|_| Vec::new());
    let pool = pool(UpstreamPolicy::InOrder, 4);
    assert!(ask(&net, &pool).await.is_err());
    let log = net.take_log();
    let ids: std::collections::HashSet<_> = log.iter().map(|sent| id_of(&sent.query)).collect();
    let cases: std::collections::HashSet<_> =
        log.iter().map(|sent| question_of(&sent.query).to_vec()).collect();
    assert!(ids.len() >= log.len() - 1 && cases.len() >= log.len() - 2, "{} {}", ids.len(), cases.len());
}
