//! Answers of primaries to requests for a difference or the zone: the version that is asked for is 11, or 13 in steps, that before is 10.

use rhumb_tests::rig::Message;
use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::script::{Act, Asked};

use super::hostile::{difference, message, reply, soa, whole};

const NOTAUTH: u16 = 9;
/// Bits of the header: a response, and the opcode of an update.
const QR: u16 = 0x8000;
const UPDATE: u16 = 5 << 11;

/// What a primary does when it is asked for something.
pub(super) type Answer = fn(&Asked) -> Act;

/// So many messages for these records.
fn split(asked: &Asked, lines: &[String], most: usize) -> Vec<Message> {
    lines.chunks(most).map(|part| message(asked, part)).collect()
}

fn each(messages: Vec<Message>) -> Act {
    Act::Each(messages.into_iter().map(Act::Reply).collect())
}

pub(super) fn lines(text: &[&str]) -> Vec<String> {
    text.iter().map(|line| (*line).to_owned()).collect()
}

fn host(serial: u32) -> String {
    format!("v{serial}.zone.test. 60 IN A 192.0.2.9")
}

/// The difference in three steps.
fn steps() -> Vec<String> {
    let step = |from: u32| vec![soa(from), host(from), soa(from + 1), host(from + 1)];
    [vec![soa(13)], step(10), step(11), step(12), vec![soa(13)]].concat()
}

/// A name of the case, the serial, the answer, and what the zone has beside its NS, the address of that, and the host of the version.
pub(super) type Taken = (&'static str, u32, Answer, &'static [&'static str]);

pub(super) const TAKEN: &[Taken] = &[
    ("the whole zone in place of a difference", 11, |asked| reply(asked, &whole(11)), &[]),
    ("each record in a message", 11, |asked| each(split(asked, &difference(10, 11), 1)), &[]),
    ("three steps", 13, |asked| reply(asked, &steps()), &[]),
    (
        "a record that comes in each step and goes in the next",
        13,
        |asked| {
            let often = || vec!["often.zone.test. 60 IN A 192.0.2.8".to_owned()];
            let all = [
                vec![soa(13), soa(10), host(10), soa(11), host(11)],
                often(),
                vec![soa(11), host(11)],
                often(),
                vec![soa(12), host(12), soa(12), host(12), soa(13), host(13)],
                often(),
                vec![soa(13)],
            ];
            reply(asked, &all.concat())
        },
        &["often.zone.test. a 192.0.2.8 60"],
    ),
    (
        "names in another case",
        11,
        |asked| {
            let mut all = difference(10, 11);
            all[2] = all[2].replace("v10.zone.test.", "V10.ZONE.Test.");
            all[3] = all[3].replace("zone.test. 60 IN SOA", "ZONE.test. 60 IN SOA");
            reply(asked, &all)
        },
        &[],
    ),
    (
        "no question behind the first message",
        11,
        |asked| {
            let mut all = split(asked, &difference(10, 11), 2);
            for message in all.iter_mut().skip(1) {
                message.questions.clear();
            }
            each(all)
        },
        &[],
    ),
    (
        "another TTL",
        11,
        |asked| {
            let mut all = difference(10, 11);
            all.insert(3, "ns.zone.test. 60 IN A 192.0.2.1".to_owned());
            all.insert(6, "ns.zone.test. 90 IN A 192.0.2.1".to_owned());
            reply(asked, &all)
        },
        &["ns.zone.test. a 192.0.2.1 90"],
    ),
    (
        "a type that nobody knows",
        11,
        |asked| {
            let mut all = difference(10, 11);
            all.insert(5, "new.zone.test. 60 IN TYPE65280 \\# 2 abcd".to_owned());
            reply(asked, &all)
        },
        &["new.zone.test. type65280 \\# 2 abcd 60"],
    ),
    (
        "a message without records in between",
        11,
        |asked| {
            let mut all = split(asked, &difference(10, 11), 3);
            all.insert(1, message(asked, &[]));
            each(all)
        },
        &[],
    ),
];

/// Whole zones that have something odd, and what they hold beside the usual.
pub(super) const ODD_ZONES: &[(&str, Answer, &[&str])] = &[
    ("each record in a message", |asked| each(split(asked, &whole(11), 1)), &[]),
    (
        "a record twice",
        |asked| {
            let mut all = whole(11);
            all.insert(2, all[3].clone());
            reply(asked, &all)
        },
        &[],
    ),
    (
        "records of a name far from each other, in any case",
        |asked| {
            let mut all = whole(11);
            all.insert(1, "Many.zone.test. 60 IN A 192.0.2.7".to_owned());
            all.insert(5, "mANY.Zone.test. 60 IN A 192.0.2.8".to_owned());
            reply(asked, &all)
        },
        &["many.zone.test. a 192.0.2.7 60", "many.zone.test. a 192.0.2.8 60"],
    ),
    (
        "a last SOA in another case",
        |asked| {
            let mut all = whole(11);
            all[4] = all[4].replace("zone.test. 60 IN SOA", "ZONE.TEST. 60 IN SOA");
            reply(asked, &all)
        },
        &[],
    ),
];

/// Differences that are refused, cut or wrong, with what the log says of them.
pub(super) const BAD: &[(&str, Answer, &str)] = &[
    ("FORMERR", |asked| asked.code(rcode::FORMERR), "the primary answers FORMERR"),
    ("SERVFAIL", |asked| asked.code(rcode::SERVFAIL), "the primary answers SERVFAIL"),
    ("NOTAUTH", |asked| asked.code(NOTAUTH), "the primary answers NOTAUTH"),
    ("nothing but an SOA", |asked| Act::Each(vec![reply(asked, &[soa(11)]), Act::Close]), "before the end"),
    ("an end at once", |_| Act::Close, "the connection was closed before the end"),
    ("no records", |asked| reply(asked, &[]), "the first record is not the SOA of the zone"),
    (
        "a step that does not begin where the one before ends",
        |asked| {
            let mut all = steps();
            all[5] = soa(12);
            reply(asked, &all)
        },
        "a difference from serial 12, where 11 is expected",
    ),
    (
        "a record of another zone",
        |asked| {
            let mut all = difference(10, 11);
            all.insert(4, "www.other. 60 IN A 192.0.2.1".to_owned());
            reply(asked, &all)
        },
        "www.other.: the owner lies outside the zone",
    ),
    (
        "an alias beside an address",
        |asked| {
            let mut all = difference(10, 11);
            all.insert(5, "ns.zone.test. 60 IN CNAME other.test.".to_owned());
            reply(asked, &all)
        },
        "the zone cannot be served",
    ),
    (
        "an address of three bytes",
        |asked| {
            let mut all = difference(10, 11);
            all.insert(5, "short.zone.test. 60 IN A \\# 3 c00002".to_owned());
            reply(asked, &all)
        },
        "a record",
    ),
];

/// Answers to the request for the zone that are none, and what is told of them.
pub(super) const NO_ZONES: &[(&str, Answer, &str)] = &[
    ("no record at all", |asked| reply(asked, &[]), "the first record is not the SOA of the zone"),
    ("an SOA and an end", |asked| Act::Each(vec![reply(asked, &[soa(11)]), Act::Close]), "before the end"),
    (
        "an address of three bytes",
        |asked| {
            let mut all = whole(11);
            all.insert(2, "short.zone.test. 60 IN A \\# 3 c00002".to_owned());
            reply(asked, &all)
        },
        "a record",
    ),
    (
        "a query in place of a response",
        |asked| {
            let answer = message(asked, &whole(11));
            Act::Reply(Message { flags: answer.flags & !QR, ..answer })
        },
        "what came is no answer",
    ),
    (
        "the response to an update",
        |asked| {
            let answer = message(asked, &whole(11));
            Act::Reply(Message { flags: answer.flags | UPDATE, ..answer })
        },
        "what came is no answer",
    ),
    (
        "the answer to another name",
        |asked| {
            let mut answer = message(asked, &whole(11));
            "other.test.".clone_into(&mut answer.questions[0].0);
            Act::Reply(answer)
        },
        "what came is no answer",
    ),
    (
        "the answer to another type",
        |asked| {
            let mut answer = message(asked, &whole(11));
            answer.questions[0].1 = 1;
            Act::Reply(answer)
        },
        "what came is no answer",
    ),
    (
        "SERVFAIL in the second message",
        |asked| {
            let mut all = split(asked, &whole(11), 3);
            all[1] = all[1].clone().with_rcode(rcode::SERVFAIL);
            each(all)
        },
        "the primary answers SERVFAIL",
    ),
    (
        "another id in the second message",
        |asked| {
            let mut all = split(asked, &whole(11), 3);
            all[1].id ^= 1;
            each(all)
        },
        "what came is no answer",
    ),
    (
        "half a message and an end",
        |asked| {
            let wire = message(asked, &whole(11)).to_wire();
            Act::Each(vec![Act::Raw(wire[..wire.len() - 20].to_vec()), Act::Close])
        },
        "a message cannot be read",
    ),
    (
        "a name server behind an alias",
        |asked| {
            let all = ["zone.test. 60 IN NS ns.zone.test.", "zone.test. 60 IN CNAME other.test."];
            reply(asked, &[vec![soa(11)], lines(&all), vec![soa(11)]].concat())
        },
        "the zone cannot be served",
    ),
];
