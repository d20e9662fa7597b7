//! What upstreams cannot do: EDNS, and the case of names.

use std::time::Duration;

use rhumb_wire::Transport::{Tcp, Udp};
use rhumb_wire::{MessageView, Rcode, header};
use tokio::time::sleep;

use super::build::{self, id_of, question_of, reply};
use super::script::{ScriptedUpstreams, SentQuery, UpstreamAct, ask, code, given, good, outcomes, pool, www};
use crate::exchange::{AttemptOutcome, AttemptReport};
use crate::forward::{UpstreamPolicy, forward};
use crate::network::SpoofSignal;
use crate::question::OutboundQuestion;

fn has_edns(sent: &SentQuery) -> bool {
    MessageView::parse(&sent.query).unwrap().edns().unwrap().is_some()
}

fn is_cased(sent: &SentQuery) -> bool {
    question_of(&sent.query).iter().any(u8::is_ascii_uppercase)
}

fn lowered(sent: &SentQuery) -> Vec<UpstreamAct> {
    let mut message = reply(&sent.query, 0, sent.to);
    let length = question_of(&sent.query).len();
    message[header::LENGTH..header::LENGTH + length].make_ascii_lowercase();
    vec![UpstreamAct::Say(1, message)]
}

#[tokio::test(start_paused = true)]
async fn edns_is_left_out_where_it_is_not_understood() {
    for (rcode, with_question) in [(1, true), (1, false), (4, true), (4, false)] {
        let net = ScriptedUpstreams::new(move |sent| {
            if !has_edns(sent) {
                return good(sent, 1);
            }
            let question = if with_question { question_of(&sent.query) } else { &[] };
            vec![UpstreamAct::Say(
                1,
                build::message(id_of(&sent.query), header::QR | rcode, question, [&[], &[], &[]]),
            )]
        });
        let pool = pool(UpstreamPolicy::InOrder, 1);
        let answer = ask(&net, &pool).await.unwrap();
        assert_eq!(
            outcomes(&answer.attempts),
            [AttemptOutcome::WithoutEdns(Rcode(rcode)), AttemptOutcome::Answered(Rcode::NOERROR)]
        );
        // One name says little; three in a row that the server has no EDNS.
        for _ in 0..2 {
            assert!(pool.upstreams()[0].takes_edns());
            ask(&net, &pool).await.unwrap();
        }
        assert!(!pool.upstreams()[0].takes_edns());
        net.take_log();
        ask(&net, &pool).await.unwrap();
        assert_eq!(net.take_log().len(), 1);
        // It is tried again after a while.
        sleep(Duration::from_secs(61)).await;
        ask(&net, &pool).await.unwrap();
        assert!(has_edns(&net.take_log()[0]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_with_dnssec_has_edns_whatever_the_server_did_before() {
    let net = ScriptedUpstreams::new(|sent| if has_edns(sent) { code(sent, 1) } else { good(sent, 1) });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    for _ in 0..5 {
        ask(&net, &pool).await.unwrap();
    }
    assert!(!pool.upstreams()[0].takes_edns());
    let signed = OutboundQuestion { dnssec_ok: true, ..www() };
    for _ in 0..3 {
        net.take_log();
        forward(&net, &pool, &signed, &mut |_: &AttemptReport| {}).await.unwrap();
        assert_eq!(net.take_log().iter().map(has_edns).collect::<Vec<_>>(), [true, false]);
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_are_refused_with_edns_do_not_take_it_from_the_others() {
    let odd = |sent: &SentQuery| question_of(&sent.query).eq_ignore_ascii_case(&build::asked(&www()));
    let net = ScriptedUpstreams::new(
        move |sent| if odd(sent) && has_edns(sent) { code(sent, 1) } else { good(sent, 1) },
    );
    let pool = pool(UpstreamPolicy::InOrder, 1);
    let other = build::question("other.example.com", rhumb_wire::Type::A);
    for _ in 0..20 {
        ask(&net, &pool).await.unwrap();
        ask(&net, &pool).await.unwrap();
        net.take_log();
        forward(&net, &pool, &other, &mut |_: &AttemptReport| {}).await.unwrap();
        assert_eq!(net.take_log().iter().map(has_edns).collect::<Vec<_>>(), [true]);
    }
}

#[tokio::test(start_paused = true)]
async fn bad_version_is_asked_without() {
    let net = ScriptedUpstreams::new(|sent| {
        if !has_edns(sent) {
            return good(sent, 1);
        }
        let mut message = reply(&sent.query, 1, 0);
        message[3] &= 0xf0;
        message[11] = 1;
        message.extend(b"\0\0\x29\x04\xd0\x01\0\0\0\0\0");
        vec![UpstreamAct::Say(1, message)]
    });
    let answer = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap();
    assert_eq!(answer.attempts[0].outcome, AttemptOutcome::WithoutEdns(Rcode::BADVERS));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_stays_without_edns_is_not_held_against_it() {
    let net = ScriptedUpstreams::new(|sent| code(sent, 1));
    let pool = pool(UpstreamPolicy::InOrder, 1);
    let failure = ask(&net, &pool).await.unwrap_err();
    assert_eq!(failure.rcode(), Rcode::FORMERR);
    assert_eq!(net.take_log().len(), 2);
    assert!(pool.upstreams()[0].takes_edns());
}

#[tokio::test(start_paused = true)]
async fn case_is_mixed_and_believed() {
    let net = ScriptedUpstreams::new(|sent| good(sent, 1));
    let pool = pool(UpstreamPolicy::InOrder, 1);
    for _ in 0..20 {
        assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
    }
    let log = net.take_log();
    assert!(log.iter().filter(|sent| is_cased(sent)).count() >= 19);
    assert_eq!(log.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_lowers_the_case_is_confirmed_over_tcp_and_remembered() {
    let net = ScriptedUpstreams::new(lowered);
    let pool = pool(UpstreamPolicy::InOrder, 1);
    let answer = ask(&net, &pool).await.unwrap();
    assert_eq!(answer.attempts[0].outcome, AttemptOutcome::Suspicious(SpoofSignal::WrongCase));
    assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp)]);
    assert!(!pool.upstreams()[0].keeps_case());
    for _ in 0..5 {
        ask(&net, &pool).await.unwrap();
    }
    let log = net.take_log();
    assert!(log.len() == 5 && log.iter().all(|sent| sent.transport == Udp && !is_cased(sent)));
    sleep(Duration::from_secs(3601)).await;
    assert!(pool.upstreams()[0].keeps_case());
}

#[tokio::test(start_paused = true)]
async fn one_that_keeps_it_over_tcp_was_forged_over_udp() {
    let net = ScriptedUpstreams::new(|sent| {
        if sent.transport == Udp && sent.at.is_zero() { lowered(sent) } else { good(sent, 1) }
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    ask(&net, &pool).await.unwrap();
    assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp)]);
    assert!(pool.upstreams()[0].keeps_case());
    ask(&net, &pool).await.unwrap();
    assert_eq!(net.take_targets(), [(1, Udp)]);
    assert_eq!(pool.upstreams()[0].counts(Udp).wrong_cases, 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_lowers_the_case_and_has_no_tcp_works_all_the_same() {
    let net = ScriptedUpstreams::new(|sent| {
        if sent.transport == Tcp { vec![UpstreamAct::Refuse(1)] } else { lowered(sent) }
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    for _ in 0..3 {
        assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
        assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp), (1, Udp)]);
    }
    assert_eq!(given(&ask(&net, &pool).await.unwrap()), 1);
    assert_eq!(net.take_targets(), [(1, Udp)]);
}
