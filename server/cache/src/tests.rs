use super::*;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, DomainName, MessageSection, MessageWriter, Type, header};

const LIMITS: CacheLimits =
    CacheLimits { size: 1 << 20, serve_stale: 100, min_ttl: 0, max_ttl: 1000, prefetch: true };

fn message(name: &str, ttls: &[u32]) -> Vec<u8> {
    let name: DomainName = name.parse().unwrap();
    let mut buffer = vec![0; 4096];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 4096, &mut compression);
    w.question(name.as_ref(), Type::A, Class::IN).unwrap();
    for &ttl in ttls {
        w.record(MessageSection::Answer, name.as_ref(), Type::A, Class::IN, ttl, |w| w.bytes(&[1, 2, 3, 4]))
            .unwrap();
    }
    let length = w.finish(0, header::QR);
    buffer.truncate(length);
    buffer
}

fn with_type(mut message: Vec<u8>, rtype: u8) -> Vec<u8> {
    let end = rhumb_wire::name::skip(&message, 12).unwrap();
    message[end + 1] = rtype;
    message
}

fn question(name: &str) -> Vec<u8> {
    let name: DomainName = name.parse().unwrap();
    [name.as_ref().as_bytes(), &[0, 1, 0, 1]].concat()
}

fn key(question: &[u8]) -> AnswerKey<'_> {
    AnswerKey { question, route: 1, dnssec_ok: false, checking_disabled: false }
}

fn ttls(message: &[u8]) -> Vec<u32> {
    rhumb_wire::MessageView::parse(message).unwrap().records().map(|r| r.unwrap().ttl).collect()
}

struct Rig {
    cache: AnswerCache,
    origin: AnswerOrigin,
}

impl Rig {
    fn new(limits: CacheLimits) -> Self {
        let cache = AnswerCache::new(&limits);
        let origin = cache.origins().allocate();
        Self { cache, origin }
    }

    fn keep(&self, name: &str, ttl: u32, now: u32) -> Result<(), NotKept> {
        self.cache.keep(&key(&question(name)), &message(name, &[ttl]), self.terms(ttl), now)
    }

    fn terms(&self, ttl: u32) -> AnswerTerms {
        AnswerTerms { ttl, aliases: 0, origin: self.origin, stands_in: false }
    }

    fn get(&self, name: &str, want: WantedAnswer, now: u32) -> Option<(CacheHit, Vec<u8>)> {
        let mut out = vec![0; 4096];
        let hit = self.cache.look_up(&key(&question(name)), want, now, 4096, &mut out)?;
        out.truncate(hit.length);
        Some((hit, out))
    }
}

#[test]
fn ttls_age_and_run_out() {
    let rig = Rig::new(LIMITS);
    let q = question("a.example");
    rig.cache
        .keep(&key(&q), &message("a.example", &[300, 60]), AnswerTerms { aliases: 7, ..rig.terms(60) }, 1000)
        .unwrap();
    let (hit, out) = rig.get("a.example", WantedAnswer::Fresh, 1010).unwrap();
    assert_eq!((hit.age, hit.left, hit.stale), (10, 50, false));
    // An answer is only as good as its shortest TTL.
    assert_eq!(ttls(&out), [50, 50]);
    assert!(rig.get("a.example", WantedAnswer::Fresh, 1060).is_none());
    let (hit, out) = rig.get("a.example", WantedAnswer::Stale, 1060).unwrap();
    assert!(hit.stale);
    assert_eq!(ttls(&out), [30, 30]);
    assert!(rig.get("a.example", WantedAnswer::Stale, 1160).is_none());
    assert_eq!(rig.cache.figures().entries, 0);
}

#[test]
fn questions_differ_by_route_and_bits() {
    let rig = Rig::new(LIMITS);
    rig.keep("a.example", 60, 0).unwrap();
    let q = question("a.example");
    let mut out = [0; 512];
    for (other, found) in [
        (key(&q), true),
        (AnswerKey { route: 2, ..key(&q) }, false),
        (AnswerKey { dnssec_ok: true, ..key(&q) }, false),
        (AnswerKey { checking_disabled: true, ..key(&q) }, false),
    ] {
        assert_eq!(
            rig.cache.look_up(&other, WantedAnswer::Fresh, 1, 512, &mut out).is_some(),
            found,
            "{other:?}"
        );
    }
}

#[test]
fn a_retired_origin_takes_its_answers_with_it() {
    let rig = Rig::new(LIMITS);
    rig.keep("a.example", 60, 0).unwrap();
    rig.cache.origins().retire(rig.origin);
    assert!(rig.get("a.example", WantedAnswer::Fresh, 1).is_none());
    assert!(rig.get("a.example", WantedAnswer::Stale, 1).is_none());
    assert_eq!(rig.keep("a.example", 60, 1), Err(NotKept::Gone));
    // The slot is used again, the life is another.
    let next = rig.cache.origins().allocate();
    assert_eq!(next.slot(), rig.origin.slot());
    assert_ne!(next, rig.origin);
    rig.cache.origins().retire(rig.origin);
    assert!(rig.cache.origins().is_live(next));
}

#[test]
fn failures_are_kept_and_step_aside_for_stale_answers() {
    let rig = Rig::new(LIMITS);
    let q = question("a.example");
    let failure = message("a.example", &[]);
    rig.cache.keep_failure(&key(&q), &failure, 5, rig.origin, 10).unwrap();
    assert!(rig.get("a.example", WantedAnswer::Fresh, 14).unwrap().0.failure);
    assert!(rig.get("a.example", WantedAnswer::Stale, 15).is_none());
    rig.keep("a.example", 60, 20).unwrap();
    rig.cache.keep_failure(&key(&q), &failure, 5, rig.origin, 81).unwrap();
    let (hit, _) = rig.get("a.example", WantedAnswer::Fresh, 82).unwrap();
    assert!(hit.stale && !hit.failure);
    assert!(rig.get("a.example", WantedAnswer::Fresh, 86).is_none(), "asked again once the pause is over");
}

/// An answer that may not be kept ends a failure all the same, and does not last.
#[test]
fn an_answer_without_ttl_ends_a_failure() {
    let rig = Rig::new(LIMITS);
    let q = question("a.example");
    let failure = message("a.example", &[]);
    rig.cache.keep_failure(&key(&q), &failure, 9, rig.origin, 10).unwrap();
    assert!(rig.get("a.example", WantedAnswer::Fresh, 11).unwrap().0.failure);
    rig.keep("a.example", 0, 12).unwrap_err();
    assert!(rig.get("a.example", WantedAnswer::Fresh, 12).is_none());
    // The same where the failure stands beside an answer that has run out.
    rig.keep("a.example", 60, 20).unwrap();
    rig.cache.keep_failure(&key(&q), &failure, 9, rig.origin, 81).unwrap();
    assert!(rig.get("a.example", WantedAnswer::Fresh, 82).unwrap().0.stale);
    rig.keep("a.example", 0, 83).unwrap_err();
    assert!(rig.get("a.example", WantedAnswer::Fresh, 83).is_none());
}

#[test]
fn a_name_that_is_denied_is_denied_for_every_type() {
    let rig = Rig::new(LIMITS);
    let q = question("a.example");
    let mut denial = message("a.example", &[]);
    denial[3] |= 3;
    rig.cache.keep(&key(&q), &denial, rig.terms(60), 0).unwrap();
    let name = q.len() - 4;
    let other = [&q[..name], &[0, 28, 0, 1]].concat();
    let mut out = [0; 512];
    assert!(rig.cache.look_up(&key(&q), WantedAnswer::Fresh, 1, 512, &mut out).is_some());
    assert!(rig.cache.look_up(&key(&other), WantedAnswer::Fresh, 1, 512, &mut out).is_some());
    assert_eq!(rig.cache.figures().entries, 1);
    // Until it comes into being.
    rig.cache.keep(&key(&other), &with_type(message("a.example", &[60]), 28), rig.terms(60), 2).unwrap();
    assert!(rig.cache.look_up(&key(&q), WantedAnswer::Stale, 3, 512, &mut out).is_none());
    // The denial of what an alias leads to says nothing of the alias.
    let mut chain = message("b.example", &[60]);
    chain[3] |= 3;
    let q = question("b.example");
    rig.cache.keep(&key(&q), &chain, rig.terms(60), 0).unwrap();
    let other = [&q[..name], &[0, 28, 0, 1]].concat();
    assert!(rig.cache.look_up(&key(&q), WantedAnswer::Fresh, 1, 512, &mut out).is_some());
    assert!(rig.cache.look_up(&key(&other), WantedAnswer::Fresh, 1, 512, &mut out).is_none());
}

#[test]
fn ttls_are_held_to_the_limits() {
    let rig = Rig::new(CacheLimits { min_ttl: 50, max_ttl: 100, ..LIMITS });
    rig.keep("low.example", 5, 0).unwrap();
    rig.keep("high.example", 5000, 0).unwrap();
    assert_eq!(ttls(&rig.get("low.example", WantedAnswer::Fresh, 10).unwrap().1), [40]);
    assert_eq!(ttls(&rig.get("high.example", WantedAnswer::Fresh, 10).unwrap().1), [90]);
}

/// What is stale is to be asked for again soon.
#[test]
fn a_stale_answer_that_stands_in_is_not_held_to_the_limits() {
    let rig = Rig::new(CacheLimits { min_ttl: 50, ..LIMITS });
    let q = question("a.example");
    let terms = AnswerTerms { stands_in: true, ..rig.terms(5) };
    rig.cache.keep(&key(&q), &message("a.example", &[30]), terms, 0).unwrap();
    assert_eq!(ttls(&rig.get("a.example", WantedAnswer::Fresh, 4).unwrap().1), [1]);
    assert!(rig.get("a.example", WantedAnswer::Fresh, 5).is_none());
    assert!(rig.get("a.example", WantedAnswer::Stale, 5).is_some());
}

#[test]
fn what_does_not_fit_is_cut_to_its_question() {
    let rig = Rig::new(LIMITS);
    let q = question("a.example");
    rig.cache.keep(&key(&q), &message("a.example", &[60; 20]), rig.terms(60), 0).unwrap();
    let mut out = [0; 512];
    let hit = rig.cache.look_up(&key(&q), WantedAnswer::Fresh, 1, 100, &mut out).unwrap();
    assert!(hit.truncated);
    assert_eq!(hit.length, 12 + q.len());
    assert_eq!(out[2] & 0x82, 0x82);
    assert_eq!(&out[6..12], &[0; 6]);
    let whole = message("a.example", &[60; 20]).len();
    for (limit, room, truncated) in
        [(whole, 512, false), (whole - 1, 512, true), (512, whole, false), (512, whole - 1, true)]
    {
        let hit = rig.cache.look_up(&key(&q), WantedAnswer::Fresh, 1, limit, &mut out[..room]).unwrap();
        assert_eq!(hit.truncated, truncated, "limit {limit}, room {room}, of {whole}");
    }
}

#[test]
fn prefetch_is_asked_for_once_and_only_for_what_is_popular() {
    let rig = Rig::new(LIMITS);
    rig.keep("a.example", 100, 0).unwrap();
    assert!(!rig.get("a.example", WantedAnswer::Fresh, 95).unwrap().0.prefetch);
    assert!(rig.get("a.example", WantedAnswer::Fresh, 95).unwrap().0.prefetch);
    assert!(!rig.get("a.example", WantedAnswer::Fresh, 96).unwrap().0.prefetch);
}

#[test]
fn what_was_popular_stays_so_only_while_it_is_fresh() {
    for (again, prefetch) in [(99, true), (100, false), (101, false)] {
        let rig = Rig::new(LIMITS);
        rig.keep("a.example", 100, 0).unwrap();
        for _ in 0..3 {
            rig.get("a.example", WantedAnswer::Fresh, 10).unwrap();
        }
        rig.keep("a.example", 100, again).unwrap();
        let first = rig.get("a.example", WantedAnswer::Fresh, again + 95).unwrap().0;
        assert_eq!(first.prefetch, prefetch, "kept again at {again}");
    }
}

#[test]
fn memory_is_bounded_and_a_scan_does_not_wash_out_what_is_used() {
    let rig = Rig::new(CacheLimits { size: 256 << 10, ..LIMITS });
    for i in 0..200 {
        rig.keep(&format!("hot{i}.example"), 900, 0).unwrap();
    }
    for _ in 0..3 {
        for i in 0..200 {
            rig.get(&format!("hot{i}.example"), WantedAnswer::Fresh, 1);
        }
    }
    for i in 0..20_000 {
        rig.keep(&format!("scan{i}.example"), 900, 2).unwrap();
        if i % 100 == 0 {
            for i in 0..200 {
                rig.get(&format!("hot{i}.example"), WantedAnswer::Fresh, 3);
            }
        }
    }
    let figures = rig.cache.figures();
    assert!(figures.bytes <= 256 << 10, "{figures:?}");
    assert!(figures.evicted > 15_000);
    let kept =
        (0..200).filter(|i| rig.get(&format!("hot{i}.example"), WantedAnswer::Fresh, 4).is_some()).count();
    assert!(kept > 180, "{kept} of 200 are left");
}

#[test]
fn flushing_takes_a_name_or_a_subtree() {
    let rig = Rig::new(LIMITS);
    for name in ["example", "a.example", "b.a.example", "other"] {
        rig.keep(name, 60, 0).unwrap();
    }
    let one = Rig::new(LIMITS);
    one.keep("a.example", 60, 0).unwrap();
    let (figures, of_one) = (rig.cache.figures(), one.cache.figures());
    assert!(figures.bytes > 3 * of_one.bytes && of_one.bytes > 100, "{figures:?} {of_one:?}");
    assert_eq!((figures.entries, figures.limit, figures.evicted), (4, LIMITS.size, 0));
    let example: DomainName = "EXAMPLE".parse().unwrap();
    assert_eq!(rig.cache.flush(example.as_ref(), false), 1);
    assert_eq!(rig.cache.flush(example.as_ref(), true), 2);
    assert_eq!(rig.cache.flush(NameRef::ROOT, true), 1);
    assert_eq!(rig.cache.figures().bytes, 0);
}

proptest::proptest! {
    /// Against a plain map: whatever the cache gives was kept last, is not too old, and has not lost its origin.
    #[test]
    fn agrees_with_a_model(steps in proptest::collection::vec((0u8..4, 0u8..6, 1u32..50, 0u32..20), 1..200)) {
        let rig = Rig::new(LIMITS);
        let mut model = std::collections::HashMap::new();
        let mut now = 0;
        for (step, name, ttl, wait) in steps {
            now += wait;
            let text = format!("n{name}.example");
            match step {
                0 => {
                    rig.keep(&text, ttl, now).unwrap();
                    model.insert(name, now + ttl);
                }
                1 => {
                    rig.cache.flush(text.parse::<DomainName>().unwrap().as_ref(), false);
                    model.remove(&name);
                }
                _ => {
                    let found = rig.get(&text, WantedAnswer::Fresh, now).map(|(hit, _)| now + hit.left);
                    assert_eq!(found, model.get(&name).copied().filter(|&end| now < end));
                }
            }
        }
        let bytes = rig.cache.figures().bytes;
        rig.cache.flush(NameRef::ROOT, true);
        assert_eq!(rig.cache.figures().bytes, 0, "of {bytes}");
    }
}

#[test]
fn the_bits_of_a_question_are_shown() {
    let rig = Rig::new(LIMITS);
    let (question, name): (_, DomainName) = (question("a.example"), "a.example".parse().unwrap());
    let bits = [(false, false), (true, false), (false, true), (true, true)];
    for (dnssec_ok, checking_disabled) in bits {
        let key = AnswerKey { dnssec_ok, checking_disabled, ..key(&question) };
        rig.cache.keep(&key, &message("a.example", &[50]), rig.terms(50), 10).unwrap();
    }
    let mut shown: Vec<_> = rig
        .cache
        .entries_of(name.as_ref(), 20, 10)
        .iter()
        .map(|entry| (entry.dnssec_ok, entry.checking_disabled))
        .collect();
    shown.sort_by_key(|&(dnssec_ok, checking_disabled)| (checking_disabled, dnssec_ok));
    assert_eq!(shown, bits);
}

#[test]
fn what_is_kept_of_a_name_is_shown() {
    let rig = Rig::new(LIMITS);
    rig.keep("a.example", 50, 10).unwrap();
    rig.keep("b.a.example", 50, 10).unwrap();
    let (name, other): (DomainName, DomainName) =
        ("a.example".parse().unwrap(), "c.example".parse().unwrap());
    let shown = rig.cache.entries_of(name.as_ref(), 30, 10);
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].age, shown[0].left, shown[0].failure, shown[0].route), (20, 30, false, 1));
    assert_eq!(ttls(&shown[0].message), [30]);
    assert_eq!(rig.cache.entries_of(name.as_ref(), 70, 10)[0].left, 0);
    assert!(rig.cache.entries_of(other.as_ref(), 30, 10).is_empty());
    assert!(rig.cache.entries_of(name.as_ref(), 30, 0).is_empty());
    rig.cache.origins().retire(rig.origin);
    assert!(rig.cache.entries_of(name.as_ref(), 30, 10).is_empty());
}

#[test]
fn what_is_kept_under_a_key_is_told() {
    let rig = Rig::new(LIMITS);
    let holds = |name: &str, rtype: u8| {
        let mut question = question(name);
        let at = question.len() - 3;
        question[at] = rtype;
        rig.cache.holds(&key(&question))
    };
    rig.keep("a.example", 60, 1000).unwrap();
    assert_eq!([holds("a.example", 1), holds("a.example", 28), holds("b.example", 1)], [true, false, false]);
    let denied = question("no.example");
    let mut denial = message("no.example", &[]);
    denial[3] |= 3;
    rig.cache.keep(&key(&denied), &denial, rig.terms(60), 1000).unwrap();
    assert!(holds("no.example", 1) && holds("no.example", 28), "a name that does not exist has no type");
    let failed = question("f.example");
    rig.cache.keep_failure(&key(&failed), &message("f.example", &[]), 5, rig.origin, 1000).unwrap();
    assert!(holds("f.example", 1) && !holds("f.example", 28));
}

/// The denial of a name is kept for all its types.
#[test]
fn what_is_denied_is_not_served_as_stale() {
    let rig = Rig::new(LIMITS);
    rig.keep("a.example", 10, 30).unwrap();
    let mut denial = message("a.example", &[]);
    denial[3] |= 3;
    rig.cache.keep(&key(&question("a.example")), &denial, rig.terms(10), 50).unwrap();
    let (hit, out) = rig.get("a.example", WantedAnswer::Stale, 70).unwrap();
    assert!(hit.stale && out[3] & 15 == 3, "{hit:?}");
}
