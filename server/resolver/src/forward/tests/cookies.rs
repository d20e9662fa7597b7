//! Cookies towards upstreams, and upstreams that drop what they do not know.

use std::time::Duration;

use rhumb_wire::Transport::{Tcp, Udp};
use rhumb_wire::{MessageView, Rcode, edns};
use tokio::time::sleep;

use super::build;
use super::script::{ScriptedUpstreams, SentQuery, UpstreamAct, ask, good, outcomes, pool, www};
use crate::exchange::{AttemptOutcome, AttemptReport, limits};
use crate::forward::{FailureReason, UpstreamPolicy, forward};
use crate::network::SpoofSignal;
use crate::question::OutboundQuestion;

/// The cookie of a query; none where it has none, or no EDNS.
fn cookie_of(sent: &SentQuery) -> Option<Vec<u8>> {
    let message = MessageView::parse(&sent.query).unwrap();
    message.edns().unwrap()?.options.find(edns::COOKIE).map(<[u8]>::to_vec)
}

fn has_edns(sent: &SentQuery) -> bool {
    MessageView::parse(&sent.query).unwrap().edns().unwrap().is_some()
}

/// A reply with this cookie option, and with a response code of 23 if it is `bad`.
fn with_cookie(sent: &SentQuery, value: &[u8], bad: bool) -> Vec<UpstreamAct> {
    let mut message = build::reply(&sent.query, if bad { 7 } else { 0 }, sent.to);
    message[11] += 1;
    message.extend([0, 0, 41, 4, 0xd0, u8::from(bad), 0, 0, 0, 0, value.len() as u8 + 4]);
    message.extend([0, 10, 0, value.len() as u8]);
    message.extend(value);
    vec![UpstreamAct::Say(1, message)]
}

/// The client's part of a query's cookie, and `server` behind it.
fn given(sent: &SentQuery, server: &[u8]) -> Vec<u8> {
    [&cookie_of(sent).unwrap_or_default()[..8], server].concat()
}

/// Cookies of all queries since the last call.
fn cookies(net: &ScriptedUpstreams) -> Vec<Option<Vec<u8>>> {
    net.take_log().iter().map(cookie_of).collect()
}

#[tokio::test(start_paused = true)]
async fn the_cookie_of_an_upstream_goes_back_to_it() {
    let net = ScriptedUpstreams::new(|sent| with_cookie(sent, &given(sent, &[7; 16]), false));
    let pool = pool(UpstreamPolicy::InOrder, 1);
    for _ in 0..3 {
        ask(&net, &pool).await.unwrap();
    }
    let sent = cookies(&net);
    let client = sent[0].clone().unwrap();
    assert_eq!(client.len(), 8);
    let whole = [client, vec![7; 16]].concat();
    assert_eq!(sent[1..], [Some(whole.clone()), Some(whole.clone())]);
    // Nobody can follow this server by its cookie for long.
    sleep(limits::COOKIE_LIFE).await;
    ask(&net, &pool).await.unwrap();
    let later = cookies(&net).remove(0).unwrap();
    assert!(later.len() == 8 && later != whole[..8]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_the_cookie_that_was_there_is_asked_again_over_tcp() {
    type Reaction = fn(&SentQuery) -> Vec<UpstreamAct>;
    let reactions: [Reaction; 4] = [
        |sent| good(sent, 1),
        |sent| with_cookie(sent, b"anothersserverxx", false),
        |sent| with_cookie(sent, &given(sent, &[]), false),
        |sent| with_cookie(sent, &given(sent, &[7; 33]), false),
    ];
    for forged in reactions {
        let net = ScriptedUpstreams::new(move |sent| {
            let known = cookie_of(sent).is_some_and(|cookie| cookie.len() > 8);
            if known && sent.transport == Udp {
                forged(sent)
            } else {
                with_cookie(sent, &given(sent, &[7; 8]), false)
            }
        });
        let pool = pool(UpstreamPolicy::InOrder, 1);
        ask(&net, &pool).await.unwrap();
        let answer = ask(&net, &pool).await.unwrap();
        assert_eq!(
            outcomes(&answer.attempts),
            [AttemptOutcome::Suspicious(SpoofSignal::WrongCookie), AttemptOutcome::Answered(Rcode::NOERROR)]
        );
        assert_eq!(net.take_targets(), [(1, Udp), (1, Udp), (1, Tcp)]);
        assert_eq!(pool.upstreams()[0].counts(Udp).wrong_cookies, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_has_no_cookies_any_more_is_asked_without() {
    let net = ScriptedUpstreams::new(|sent| match cookie_of(sent) {
        Some(cookie) if cookie.len() == 8 && sent.at < Duration::from_secs(100) => {
            with_cookie(sent, &given(sent, &[7; 8]), false)
        }
        _ => good(sent, 1),
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    ask(&net, &pool).await.unwrap();
    sleep(Duration::from_secs(200)).await;
    net.take_log();
    ask(&net, &pool).await.unwrap();
    assert_eq!(net.take_targets(), [(1, Udp), (1, Tcp)]);
    for _ in 0..5 {
        ask(&net, &pool).await.unwrap();
    }
    assert!(net.take_targets().iter().all(|target| *target == (1, Udp)), "TCP once and no more");
}

#[tokio::test(start_paused = true)]
async fn a_cookie_that_is_refused_is_replaced() {
    let net = ScriptedUpstreams::new(|sent| {
        let right = given(sent, &[9; 16]);
        with_cookie(sent, &right, cookie_of(sent) != Some(right.clone()))
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    let answer = ask(&net, &pool).await.unwrap();
    assert_eq!(
        outcomes(&answer.attempts),
        [AttemptOutcome::StaleCookie, AttemptOutcome::Answered(Rcode::NOERROR)]
    );
    ask(&net, &pool).await.unwrap();
    assert_eq!(
        net.take_targets(),
        [(1, Udp); 3],
        "the new cookie is shown by UDP first (RFC 7873 section 5.3)"
    );
}

#[tokio::test(start_paused = true)]
async fn cookies_that_are_refused_for_ever_end() {
    for with_new in [true, false] {
        let net = ScriptedUpstreams::new(move |sent| {
            let value = if with_new { given(sent, &sent.at.as_nanos().to_be_bytes()) } else { Vec::new() };
            with_cookie(sent, &value, true)
        });
        let failure = ask(&net, &pool(UpstreamPolicy::InOrder, 1)).await.unwrap_err();
        assert_eq!(failure.reason, FailureReason::Rcode(Rcode::BADCOOKIE));
        let sent = net.take_log().len();
        assert!((2..=4).contains(&sent), "{sent} messages");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_drops_cookies_is_asked_without() {
    let net = ScriptedUpstreams::new(|sent| if cookie_of(sent).is_some() { vec![] } else { good(sent, 1) });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    ask(&net, &pool).await.unwrap();
    let log = net.take_log();
    assert_eq!(log.iter().map(has_edns).collect::<Vec<_>>(), [true, true]);
    ask(&net, &pool).await.unwrap();
    assert_eq!(net.take_log().len(), 1);
    sleep(limits::COOKIE_OFF).await;
    ask(&net, &pool).await.unwrap();
    assert!(cookie_of(&net.take_log()[0]).is_some());
}

#[tokio::test(start_paused = true)]
async fn one_that_drops_edns_is_asked_without() {
    let net = ScriptedUpstreams::new(|sent| if has_edns(sent) { vec![] } else { good(sent, 1) });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    // A slow upstream is waited for rather than asked a third time.
    ask(&net, &pool).await.unwrap_err();
    assert_eq!(net.take_log().iter().map(has_edns).collect::<Vec<_>>(), [true, true]);
    ask(&net, &pool).await.unwrap();
    assert_eq!(net.take_log().iter().map(has_edns).collect::<Vec<_>>(), [false]);
    // It is tried again after a while.
    sleep(limits::EDNS_MEMORY).await;
    ask(&net, &pool).await.unwrap();
    assert!(has_edns(&net.take_log()[0]));
}

/// A client that wants signatures is not served by an answer that can have none; nor does loss on the way make one of a server that
/// has EDNS.
#[tokio::test(start_paused = true)]
async fn silence_is_no_reason_to_give_up_edns_where_it_is_needed_or_known() {
    let net = ScriptedUpstreams::new(|sent| if has_edns(sent) { vec![] } else { good(sent, 1) });
    let signed = OutboundQuestion { dnssec_ok: true, ..www() };
    let observer = &mut |_: &AttemptReport| {};
    let failure = forward(&net, &pool(UpstreamPolicy::InOrder, 1), &signed, observer).await.unwrap_err();
    assert_eq!(failure.reason, FailureReason::Silence);
    assert!(net.take_log().iter().all(has_edns));

    let net = ScriptedUpstreams::new(|sent| {
        if sent.at < Duration::from_secs(1) {
            with_cookie(sent, &given(sent, &[7; 8]), false)
        } else if has_edns(sent) {
            vec![]
        } else {
            good(sent, 1)
        }
    });
    let pool = pool(UpstreamPolicy::InOrder, 1);
    ask(&net, &pool).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    ask(&net, &pool).await.unwrap_err();
    assert!(net.take_log().iter().all(has_edns));
}
