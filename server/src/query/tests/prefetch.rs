//! Renewing ahead of time: with the reply that saw the end coming, and with no other.

use std::time::Duration;

use rhumb_net::LocalAddress;
use rhumb_wire::{Transport, Type};

use super::lab::{QueryLab, header, query};
use super::limits;
use crate::metrics::{DropReason, ServerMetrics};
use crate::query::{QueryClient, QueryOutcome, QueryScratch, count};
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

/// The query that sees the end coming is a hit like the others.
#[test]
fn a_prefetch_is_counted_beside_its_hit() {
    let mut lab = QueryLab::new().forwarding();
    lab.learn("www.test.", Type::A, 100);
    let (metrics, mut scratch) = (ServerMetrics::new("test"), QueryScratch::new());
    let mut counted = |lab: &QueryLab, name: &str| {
        let message = header(query(name, Type::A), 0x0100);
        let mut out = [0; 1232];
        let outcome = lab.respond(Transport::Udp, &message, &mut scratch, &mut out);
        let client = QueryClient::known(
            ([127, 0, 0, 1], 4000).into(),
            LocalAddress::new([127, 0, 0, 1].into(), 0),
            Transport::Udp,
        );
        metrics.with_local(|block| count(block, &client, &message, &outcome, &scratch));
        scratch.prefetch = None;
        let series = metrics.series();
        ["hits", "misses", "stale", "prefetch"].map(|kind| {
            let name = format!("rhumb_cache_{kind}_total");
            series
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.to_string())
                .unwrap_or_default()
        })
    };
    assert_eq!(counted(&lab, "www.test."), ["1", "0", "0", "0"]);
    assert_eq!(counted(&lab, "other.test."), ["1", "1", "0", "0"]);
    lab.pass(Duration::from_secs(95));
    assert_eq!(counted(&lab, "www.test."), ["2", "1", "0", "1"]);
    assert_eq!(counted(&lab, "www.test."), ["3", "1", "0", "1"]);
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
