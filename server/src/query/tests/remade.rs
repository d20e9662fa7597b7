//! Answers of which the records alone are kept: made when they are asked for again.

use std::sync::Arc;
use std::time::Duration;

use rhumb_cache::{CachedRecords, CredibilityRank, LearntRecords, RecordContent, RecordSet, SecurityStatus};
use rhumb_resolver::{IterationSettings, TrustSettings};
use rhumb_wire::{DomainName, MessageView, Transport, Type};

use super::lab::{QueryLab, header, query, render};
use crate::query::{QueryOutcome, QueryScratch};

/// Keeps a record of `name` for a hundred seconds.
fn learn(lab: &QueryLab, name: &str, rtype: Type, rdata: &[u8]) {
    let owner: DomainName = name.parse().unwrap();
    let records = [rdata].into_iter().collect();
    let signatures = CachedRecords::default();
    let set = RecordSet { owner: owner.clone(), rtype, ttl: 100, records, signatures };
    lab.records().put(LearntRecords {
        owner,
        rtype,
        content: RecordContent::Records(set),
        attached: Box::default(),
        credibility: CredibilityRank::Authoritative,
        security: SecurityStatus::Unchecked,
        ttl: 100,
        stored: lab.now(),
    });
}

/// `explain` tells when its records were learnt, the oldest of them, and not when it was made again.
#[test]
fn its_age_is_that_of_its_records() {
    for (older, newer, seconds) in [(0, 0, 40), (25, 0, 40), (0, 25, 40), (0, 39, 40), (10, 20, 90)] {
        let mut lab = QueryLab::new().iterating(|_| {});
        // Learnt so many seconds from now, an alias and what it leads to.
        let mut order = [(older, "alias.test.", Type::CNAME), (newer, "www.test.", Type::A)];
        order.sort_unstable_by_key(|(at, ..)| *at);
        let mut past = 0;
        for (at, name, rtype) in order {
            lab.pass(Duration::from_secs(at - past));
            past = at;
            let rdata: &[u8] = if rtype == Type::A { &[192, 0, 2, 1] } else { b"\x03www\x04test\0" };
            learn(&lab, name, rtype, rdata);
        }
        lab.pass(Duration::from_secs(seconds - past));
        for again in [0, 3] {
            lab.pass(Duration::from_secs(again));
            let (age, left) = (seconds + again - older.min(newer), 100 + older.min(newer) - seconds - again);
            let mut scratch = QueryScratch::new();
            scratch.trace = Some(Vec::new());
            let message = header(query("alias.test.", Type::A), 0x0100);
            let mut out = [0; 1232];
            let outcome = lab.respond(Transport::Udp, &message, &mut scratch, &mut out);
            let QueryOutcome::Reply(length) = outcome else { panic!("{outcome:?}") };
            let told = scratch.trace.unwrap().into_iter().find(|step| step.step == "cached").unwrap().what;
            assert!(told.ends_with(&format!(" {age} s ago, {left} s left")), "{told}: {older} {newer}");
            let message = MessageView::parse(&out[..length]).unwrap();
            assert!(message.records().all(|record| u64::from(record.unwrap().ttl) == left), "{told}");
        }
    }
}

/// The response to a recursive query; none where it has to wait.
fn ask(lab: &QueryLab, name: &str, qtype: Type, flags: u16) -> Option<Vec<u8>> {
    let mut out = vec![0; 1232];
    let message = header(query(name, qtype), 0x0100 | flags);
    match lab.respond(Transport::Udp, &message, &mut QueryScratch::new(), &mut out) {
        QueryOutcome::Reply(length) => Some(out[..length].to_vec()),
        QueryOutcome::Wait(_) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_is_made_of_its_records_once_and_kept() {
    let mut lab = QueryLab::new().iterating(|_| {});
    learn(&lab, "www.test.", Type::A, &[192, 0, 2, 1]);
    learn(&lab, "alias.test.", Type::CNAME, b"\x03www\x04test\0");
    lab.pass(Duration::from_secs(40));
    assert_eq!(lab.responses_kept(), 0);
    for (name, records, kept) in [("WWW.test.", 1, 1), ("alias.test.", 2, 2), ("www.test.", 1, 2)] {
        let answer = ask(&lab, name, Type::A, 0).expect(name);
        assert_eq!(render(&answer), format!("NOERROR {records}/0/0"), "{name}");
        let message = MessageView::parse(&answer).unwrap();
        assert!(message.records().all(|record| record.unwrap().ttl == 60), "{name}");
        assert_eq!(lab.responses_kept(), kept, "{name}");
    }
    assert!(ask(&lab, "www.test.", Type::AAAA, 0).is_none(), "another type");
    assert!(ask(&lab, "other.test.", Type::A, 0).is_none(), "another name");
    lab.pass(Duration::from_mins(1));
    assert!(ask(&lab, "www.test.", Type::A, 0).is_none(), "its time is over");
}

#[test]
fn an_answer_that_is_known_in_part_is_looked_up() {
    let lab = QueryLab::new().iterating(|_| {});
    learn(&lab, "alias.test.", Type::CNAME, b"\x03www\x04test\0");
    assert!(ask(&lab, "alias.test.", Type::A, 0).is_none());
    assert!(ask(&lab, "alias.test.", Type::CNAME, 0).is_some());
}

/// What has not been validated is for those alone who want it so, and what is to be looked at or changed goes its whole way.
#[test]
fn nothing_is_made_where_more_is_to_be_done() {
    let checked = |settings: &IterationSettings| {
        let trust = Some(TrustSettings { anchors: Vec::new(), negative: Vec::new() });
        IterationSettings { trust, ..settings.clone() }
    };
    let validating = QueryLab::new().iterating(|plan| {
        plan.settings = plan.settings.as_deref().map(|settings| Arc::new(checked(settings)));
    });
    let guarded = QueryLab::new().iterating(|plan| plan.rebinding_protection = true);
    let forwarding = QueryLab::new().forwarding();
    for lab in [&validating, &guarded, &forwarding] {
        learn(lab, "www.test.", Type::A, &[192, 0, 2, 1]);
        assert!(ask(lab, "www.test.", Type::A, 0).is_none());
    }
    // CD
    assert!(ask(&validating, "www.test.", Type::A, 0x0010).is_some());
    assert!(ask(&validating, "www.test.", Type::A, 0).is_none());
    assert!(ask(&validating, "www.test.", Type::ANY, 0x0010).is_none());
}
