//! Answers in place of those that a path does not take in one piece.

use rhumb_wire::edns::COOKIE;
use rhumb_wire::{Transport, Type};

use super::lab::{QueryLab, asked, header, options, query, render};
use super::limits;
use crate::query::QueryScratch;
use crate::rate_limit::RateLimit;

#[test]
fn they_have_a_question_and_what_the_options_ask_for() {
    let lab = QueryLab::new();
    let host = || query("www.example.com.", Type::A);
    for (message, expected) in [
        (host(), Some("NOERROR tc 0/0/0")),
        (options(host(), &[]), Some("NOERROR tc 0/0/0 []")),
        (options(host(), &[(COOKIE, &[1; 8])]), Some("NOERROR tc 0/0/0 [10]")),
        (options(host(), &[(COOKIE, &[1; 3])]), None),
        (header(host(), 0x8000), None),
        (asked(&[]), None),
        (vec![0; 11], None),
    ] {
        let answer = lab.truncated(Transport::Udp, &message, &mut QueryScratch::new());
        assert_eq!(answer.as_deref().map(render).as_deref(), expected, "{message:?}");
    }
}

/// The answer in whose place it stands was counted.
#[test]
fn they_count_for_no_rate() {
    let lab =
        QueryLab::new().with(|settings| settings.rate_limit = Some(RateLimit::new(&limits(), None, [1; 16])));
    let message = query("www.example.com.", Type::A);
    for _ in 0..50 {
        assert!(lab.truncated(Transport::Udp, &message, &mut QueryScratch::new()).is_some());
    }
    assert_eq!(render(&lab.ask(Transport::Udp, &message).unwrap()), "NOERROR aa 1/0/0");
}
