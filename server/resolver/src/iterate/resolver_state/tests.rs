use std::time::Duration;

use rhumb_cache::{CredibilityRank, LearntRecords, RecordContent, SecurityStatus};
use tokio::time::advance;

use super::*;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn learnt(owner: &str) -> LearntRecords {
    LearntRecords {
        owner: name(owner),
        rtype: Type::A,
        content: RecordContent::NoData,
        attached: Box::default(),
        credibility: CredibilityRank::Authoritative,
        security: SecurityStatus::Secure,
        ttl: 600,
        stored: 1000,
    }
}

const ZONES: [&str; 4] = ["test", "a.test", "b.a.test", "other"];

/// A state that knows an entry, and the keys, of each zone.
fn filled() -> ResolverState {
    let state = ResolverState::new(1 << 20);
    for zone in ZONES {
        state.records.put(learnt(zone));
        state.keep_zone_trust(&name(zone), &ZoneTrust::Insecure, 1000, 2000);
        state.failed(&name(zone), Type::MX, Instant::now());
    }
    state
}

/// For each zone whether its entry and its keys are known.
fn known(state: &ResolverState) -> [(bool, bool); 4] {
    ZONES.map(|zone| {
        let entry = state.records.get(name(zone).as_ref(), Type::A, 1000);
        (entry.is_some(), state.zone_trust(&name(zone), 1000).is_some())
    })
}

#[tokio::test(start_paused = true)]
async fn flushing_takes_entries_and_keys_of_a_name_or_what_is_below_too() {
    let (yes, no) = ((true, true), (false, false));
    for (flushed, subtree, left, count) in [
        ("a.test", false, [yes, no, yes, yes], 1),
        ("A.Test", true, [yes, no, no, yes], 2),
        ("test", true, [no, no, no, yes], 3),
        ("none.test", true, [yes; 4], 0),
        (".", false, [yes; 4], 0),
        (".", true, [no; 4], 4),
    ] {
        let state = filled();
        assert_eq!(known(&state), [yes; 4]);
        assert_eq!(state.flush(name(flushed).as_ref(), subtree), count, "{flushed} {subtree}");
        assert_eq!(known(&state), left, "{flushed} {subtree}");
    }
    let state = filled();
    assert!(!state.claim_priming() || !state.claim_priming());
    state.clear();
    assert_eq!(known(&state), [no; 4]);
    assert!(!state.has_failed(&name("test"), Type::MX, Instant::now()) && state.claim_priming());
}

#[tokio::test(start_paused = true)]
async fn keys_and_failures_are_known_until_their_time() {
    let state = filled();
    let known = |at| state.zone_trust(&name("test"), at).is_some();
    assert_eq!([1000, 1999, 2000, 2001].map(known), [true, true, false, false]);
    let failed = |rtype| state.has_failed(&name("test"), rtype, Instant::now());
    assert_eq!([failed(Type::MX), failed(Type::A)], [true, false]);
    advance(limits::FAILURE_MEMORY.checked_sub(Duration::from_millis(1)).unwrap()).await;
    assert!(failed(Type::MX));
    advance(Duration::from_millis(1)).await;
    assert!(!failed(Type::MX));
}

/// What has run out goes first; where that is not enough all of it.
#[tokio::test(start_paused = true)]
async fn failures_and_keys_are_bounded() {
    let state = ResolverState::new(1 << 20);
    let number = |n: usize| name(&format!("n{n}.test"));
    let fill = |from: usize, count: usize| {
        for n in from..from + count {
            state.failed(&number(n), Type::A, Instant::now());
        }
    };
    let held = || lock(&state.failures).len();
    fill(0, limits::FAILURES / 2);
    advance(limits::FAILURE_MEMORY).await;
    fill(limits::FAILURES, limits::FAILURES / 2);
    assert_eq!(held(), limits::FAILURES);
    fill(2 * limits::FAILURES, 1);
    assert_eq!(held(), limits::FAILURES / 2 + 1);
    fill(3 * limits::FAILURES, limits::FAILURES / 2 - 1);
    assert_eq!(held(), limits::FAILURES);
    fill(4 * limits::FAILURES, 1);
    assert_eq!(held(), 1);

    let keep = |range: std::ops::Range<usize>, now, until| {
        range.for_each(|n| state.keep_zone_trust(&number(n), &ZoneTrust::Insecure, now, until));
    };
    let (most, held) = (validate::limits::ZONES, || lock(&state.zones).len());
    keep(0..most / 2, 1000, 1500);
    keep(most / 2..most, 1000, 3000);
    assert_eq!(held(), most);
    keep(most..most + 1, 1499, 3000);
    assert_eq!(held(), 1, "nothing had run out");
    keep(0..most / 2, 1000, 1500);
    keep(most / 2..most - 1, 1000, 3000);
    keep(most + 1..most + 2, 1500, 3000);
    assert_eq!(held(), most - most / 2 + 1, "the first half had run out");
}

#[tokio::test(start_paused = true)]
async fn the_root_is_asked_for_its_servers_once_in_a_while() {
    let state = ResolverState::new(0);
    assert_eq!([state.claim_priming(), state.claim_priming()], [true, false]);
    advance(limits::PRIME_EVERY.checked_sub(Duration::from_millis(1)).unwrap()).await;
    assert!(!state.claim_priming());
    advance(Duration::from_millis(1)).await;
    assert_eq!([state.claim_priming(), state.claim_priming()], [true, false]);
}

/// An eighth of the bytes is for proofs.
#[test]
fn records_have_seven_eighths_of_the_bytes() {
    let state = ResolverState::new(1 << 20);
    let fill = || {
        (0..20_000).for_each(|n| drop(state.records.put(learnt(&format!("n{n}.test")))));
        state.records.figures().1
    };
    let held = fill();
    assert!((6 << 17..=7 << 17).contains(&held), "{held}");
    state.set_limits(1 << 19, (0, u32::MAX));
    let held = fill();
    assert!((6 << 16..=7 << 16).contains(&held), "{held}");
}

#[test]
fn trust_is_forgotten_and_nothing_else() {
    let state = filled();
    state.forget_trust();
    assert_eq!(known(&state), [(true, false); 4]);
}

/// A reply is for all who ask the same. A failure is for those who would ask no other servers, and no more of them.
#[test]
fn whom_a_shared_result_is_for() {
    use ExchangeEffort::{Brief, Whole};
    let address = |number: u8| SocketAddr::from(([192, 0, 2, number], 53));
    let server = |number: &u8| {
        Arc::new(RemoteServer::new(crate::ServerIdentity::plain(address(*number)), Arc::default()))
    };
    let failed = |effort, asked: &[u8]| SharedResult {
        reply: Err(ExchangeFailure::Silence),
        effort,
        asked: asked.iter().map(|number| address(*number)).collect(),
    };
    for (made, asked, wanted, servers, is_for) in [
        (Whole, &[1, 2][..], Whole, &[1, 2][..], true),
        (Whole, &[1, 2], Whole, &[2], true),
        (Whole, &[1, 2], Brief, &[1], true),
        (Brief, &[1], Brief, &[1], true),
        (Brief, &[1], Whole, &[1], false),
        (Whole, &[1, 2], Whole, &[1, 3], false),
        (Brief, &[1], Whole, &[1, 2], false),
    ] {
        let servers: Vec<_> = servers.iter().map(server).collect();
        let found = failed(made, asked).is_for(&servers, wanted);
        assert_eq!(found, is_for, "{made:?} {asked:?} for {wanted:?} {servers:?}");
    }
    let reply = Ok(ZoneReply {
        links: Vec::new(),
        end: crate::iterate::zone_reply::ReplyEnd::Alias,
        glue: Vec::new(),
        apex: None,
        spare: None,
    });
    let answered = SharedResult { reply, ..failed(Brief, &[]) };
    assert!(answered.is_for(&[server(&1)], Whole));
}
