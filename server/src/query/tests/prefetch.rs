//! Renewing ahead of time: with the reply that saw the end coming, and with no other.

use std::time::Duration;

use rhumb_wire::{Transport, Type};

use super::lab::{QueryLab, header, query};
use super::limits;
use crate::metrics::DropReason;
use crate::query::{QueryOutcome, QueryScratch};
use crate::rate_limit::RateLimit;

/// Asks for records of www.test; what became of it, and whether a prefetch is asked for.
fn ask(lab: &QueryLab, qtype: Type, scratch: &mut QueryScratch) -> (bool, bool) {
    let message = header(query("www.test.", qtype), 0x0100);
    let outcome = lab.respond(Transport::Udp, &message, scratch, &mut [0; 1232]);
    assert!(
        matches!(outcome, QueryOutcome::Reply(_) | QueryOutcome::Drop(DropReason::RateLimited)),
        "{outcome:?}"
    );
    (matches!(outcome, QueryOutcome::Reply(_)), scratch.prefetch.take().is_some())
}

#[test]
fn a_popular_entry_near_its_end_is_renewed_once() {
    let mut lab = QueryLab::new().forwarding();
    lab.learn("www.test.", Type::A, 100);
    let mut scratch = QueryScratch::new();
    assert_eq!(ask(&lab, Type::A, &mut scratch), (true, false));
    lab.pass(Duration::from_secs(95));
    assert_eq!(ask(&lab, Type::A, &mut scratch), (true, true));
    assert_eq!(ask(&lab, Type::A, &mut scratch), (true, false));
}

/// One that is dropped leaves nothing behind.
#[test]
fn a_dropped_answer_renews_nothing() {
    let limited = RateLimit::new(&rhumb_config::RateLimitSettings { slip: 0, ..limits() }, None, [1; 16]);
    let mut lab = QueryLab::new().forwarding().with(|settings| settings.rate_limit = Some(limited));
    lab.learn("www.test.", Type::A, 100);
    lab.learn("www.test.", Type::TXT, 1000);
    let mut scratch = QueryScratch::new();
    assert_eq!(ask(&lab, Type::A, &mut scratch), (true, false));
    lab.pass(Duration::from_secs(95));
    while ask(&lab, Type::TXT, &mut scratch).0 {}
    assert_eq!(ask(&lab, Type::A, &mut scratch), (false, false));
    lab.pass(Duration::from_secs(1));
    assert_eq!(ask(&lab, Type::TXT, &mut scratch), (true, false), "nor with another answer");
}
