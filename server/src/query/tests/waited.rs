//! Answers to queries that waited: held against the rate limit and cut to their size as those are that were at hand.

use rhumb_config::RateLimitSettings as Limits;
use rhumb_wire::edns::COOKIE;
use rhumb_wire::{MessageView, Rcode, Transport, Type};

use super::lab::{QueryLab, header, option, options, query, render};
use super::limits;
use crate::metrics::DropReason;
use crate::query::{
    QueryScratch, WaitedResponse, WaitingClient, add_reason, answer_update, answer_waiting, fail_waiting,
    truncate_waiting,
};
use crate::rate_limit::RateLimit;

const RECURSION: u16 = 0x0100;

fn limited(slip: u32) -> QueryLab {
    let limits = Limits { slip, ..limits() };
    let limited = RateLimit::new(&limits, None, [1; 16]);
    QueryLab::new().forwarding().with(|settings| settings.rate_limit = Some(limited))
}

fn asked(name: &str) -> Vec<u8> {
    header(query(name, Type::A), RECURSION)
}

/// An answer in the cache's form of this code and so many records.
fn found(name: &str, rcode: u8, records: u8) -> Vec<u8> {
    let mut message = query(name, Type::A);
    (message[2], message[3], message[7]) = (0x81, 0x80 | rcode, records);
    for number in 0..records {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, number]);
    }
    message
}

fn client(lab: &QueryLab, transport: Transport, message: &[u8]) -> WaitingClient {
    lab.waiting(transport, message, &mut QueryScratch::new())
}

type Written = Result<(String, WaitedResponse), DropReason>;

fn written(response: Result<WaitedResponse, DropReason>, out: &[u8]) -> Written {
    response.map(|response| (render(&out[..response.length]), response))
}

fn answered(lab: &QueryLab, client: &WaitingClient, message: &[u8]) -> Written {
    let mut out = vec![0; 65_535];
    let response = answer_waiting(client, lab.live(), message, None, &mut out);
    written(response, &out)
}

/// Answers that are not limited of twenty, one for each question that `name` makes of a number.
fn unlimited(lab: &QueryLab, rcode: u8, name: impl Fn(usize) -> String) -> usize {
    let answer = |number| {
        let name = name(number);
        let client = client(lab, Transport::Udp, &asked(&name));
        let (text, response) = answered(lab, &client, &found(&name, rcode, 0)).unwrap();
        assert_eq!(text == "NOERROR tc 0/0/0", response.slipped, "{text}");
        !response.slipped
    };
    (0..20).filter(|number| answer(*number)).count()
}

/// The rates run in while the test goes on: four a second.
fn about(most: usize, count: usize) {
    assert!((most..most + 3).contains(&count), "{count} and not {most}");
}

#[test]
fn they_are_limited_by_what_they_say() {
    let lab = limited(1);
    about(4, unlimited(&lab, 0, |_| "www.test.".into()));
    about(4, unlimited(&lab, 3, |n| format!("n{n}.test.")));
    about(8, unlimited(&lab, 0, |n| format!("h{}.test.", n % 2)));
    about(2, unlimited(&lab, 2, |n| format!("n{n}.failing.test.")));
    let mut out = vec![0; 1232];
    let failed = |out: &mut [u8]| {
        let client = client(&lab, Transport::Udp, &asked("other.test."));
        let response = fail_waiting(&client, lab.live(), Rcode::SERVFAIL, None, None, out);
        written(response, out).unwrap().0
    };
    let failures: Vec<_> =
        (0..20).map(|_| failed(&mut out)).filter(|text| text == "SERVFAIL 0/0/0").collect();
    assert!(failures.len() < 3, "all errors are of one class: {failures:?}");
}

/// Those that were at hand and those that waited are held against the same rate.
#[test]
fn they_share_a_rate_with_the_others() {
    let lab = limited(1);
    lab.learn("www.test.", Type::A, 100);
    for _ in 0..4 {
        assert_eq!(render(&lab.ask(Transport::Udp, &asked("www.test.")).unwrap()), "NOERROR 1/0/0");
    }
    let waiting = client(&limited(1), Transport::Udp, &asked("www.test."));
    let waiting = WaitingClient { snapshot: lab.snapshot(), ..waiting };
    let slipped = answered(&lab, &waiting, &found("www.test.", 0, 1)).unwrap();
    assert!(slipped.1.slipped || unlimited(&lab, 0, |_| "www.test.".into()) < 3, "{slipped:?}");
}

#[test]
fn they_are_dropped_or_sent_with_a_cookie() {
    let lab = limited(0);
    let ask = |message: &[u8]| {
        let client = client(&lab, Transport::Udp, message);
        answered(&lab, &client, &found("www.test.", 0, 1)).map(|(text, _)| text)
    };
    let results: Vec<_> = (0..20).map(|_| ask(&asked("www.test."))).collect();
    about(4, results.iter().filter(|result| **result == Ok("NOERROR 1/0/0".into())).count());
    assert!(results.contains(&Err(DropReason::RateLimited)), "{results:?}");

    let lab = limited(1);
    unlimited(&lab, 0, |_| "www.test.".into());
    let with = |value: &[u8]| options(asked("www.test."), &[(COOKIE, value)]);
    let first = client(&lab, Transport::Udp, &with(&[1; 8]));
    let mut out = vec![0; 1232];
    let response = answer_waiting(&first, lab.live(), &found("www.test.", 0, 1), None, &mut out).unwrap();
    assert_eq!((render(&out[..response.length]).as_str(), response.slipped), ("BADCOOKIE 0/0/0 [10]", true));
    assert_eq!(response.rcode, Rcode::BADCOOKIE);
    let cookie = option(&out[..response.length], COOKIE).unwrap();
    for _ in 0..20 {
        let proven = client(&lab, Transport::Udp, &with(&cookie));
        let stream = client(&lab, Transport::Tcp, &asked("www.test."));
        let mut scratch = QueryScratch::new();
        scratch.trace = Some(Vec::new());
        let explained = lab.waiting(Transport::Udp, &asked("www.test."), &mut scratch);
        for (client, expected) in
            [(proven, "NOERROR 1/0/0 [10]"), (stream, "NOERROR 1/0/0"), (explained, "NOERROR 1/0/0")]
        {
            let (text, response) = answered(&lab, &client, &found("www.test.", 0, 1)).unwrap();
            assert_eq!((text.as_str(), response.slipped), (expected, false));
        }
    }
}

/// A shorter form stands in place of an answer that was counted; an update is held against nothing.
#[test]
fn the_shorter_form_and_updates_count_for_no_rate() {
    let lab = limited(1);
    let waiting = client(&lab, Transport::Udp, &options(asked("www.test."), &[(COOKIE, &[1; 8])]));
    let mut out = vec![0; 1232];
    for _ in 0..50 {
        let length = truncate_waiting(&waiting, &mut out).unwrap();
        assert_eq!(render(&out[..length]), "NOERROR tc 0/0/0 [10]");
        let response = answer_update(&waiting, Rcode::REFUSED, None, &mut out);
        assert_eq!(written(response, &out).unwrap().0, "REFUSED 0/0/0 [10]");
    }
    let (text, response) = answered(&lab, &waiting, &found("www.test.", 0, 1)).unwrap();
    assert_eq!((text.as_str(), response.slipped), ("NOERROR 1/0/0 [10]", false));
}

/// A reason, which an upstream gives, takes no record's room: its text is left out first, and then all of it.
#[test]
fn a_reason_truncates_nothing() {
    let lab = QueryLab::new().forwarding();
    let mut seen = [0; 4];
    for records in 20..45 {
        for (length, more) in
            [0, 1, 12, 180].into_iter().flat_map(|length| (0..8).map(move |more| (length, more)))
        {
            // Names of all lengths, so that all lengths are left over.
            let name = format!("{}r{records}t{length:03}.test.", "x".repeat(2 * more + length % 2));
            let mut message = asked(&name);
            message = options(message, &[]);
            let at = message.len() - 8;
            message[at..at + 2].copy_from_slice(&512u16.to_be_bytes());
            let waiting = client(&lab, Transport::Udp, &message);
            let plain = found(&name, 0, records);
            let mut with = plain.clone();
            add_reason(&mut with, 17, &"x".repeat(length));
            let whole = answered(&lab, &waiting, &plain).unwrap();
            let waited = answered(&lab, &waiting, &with).unwrap();
            lab.keep(&plain[12..plain.len() - usize::from(records) * 16], &with, 60);
            let kept = lab.ask(Transport::Udp, &message).unwrap();
            let text = |answer: &str| answer.replace(" [15=17]", " []");
            assert_eq!(text(&waited.0), whole.0, "{name}");
            assert_eq!(text(&render(&kept)), whole.0, "{name}");
            assert!(kept.len() <= 512 && waited.1.length <= 512, "{name}");
            let told = MessageView::parse(&kept).unwrap().edns().unwrap().unwrap().options.find(15);
            assert_eq!(waited.0.contains("15=17"), told.is_some(), "{name}");
            seen[match told.map(<[u8]>::len) {
                _ if whole.0.contains("tc") => 0,
                None => 1,
                Some(2) if length > 0 => 2,
                Some(told) => {
                    assert_eq!(told, 2 + length, "{name}");
                    3
                }
            }] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "cut, without a reason, without its text, whole: {seen:?}");
}
