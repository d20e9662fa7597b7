//! The attacks; their numbers are those of the table of attacks.

use std::time::{Duration, Instant};

use rhumb_tests::Failure;
use rhumb_tests::rig::encrypted::EncryptedTransport::{self, Https, Quic, Tls};

use crate::innocent::Innocents;
use crate::lab::{Lab, asked_at};
use crate::software::{Room, Software};
use crate::{http2, quic, slow};

/// How long a server has to come to rest before it is looked at again.
const REST: Duration = Duration::from_secs(2);

/// One attack: its title, what it goes by, and what it does until it is over; it tells what became of it.
type Attack = (&'static str, EncryptedTransport, fn(&Lab) -> Result<String, Failure>);

const ATTACKS: [Attack; 19] = [
    ("48 5,000 connections without a handshake", Tls, slow::silent),
    ("48 5,000 handshakes, a byte a second", Tls, slow::half_handshakes),
    ("48 5,000 sessions, a byte of a query a second", Tls, slow::half_queries),
    ("48 5,000 sessions that send empty messages", Tls, slow::empty_messages),
    ("48 5,000 sessions of HTTPS that ask nothing", Https, slow::silent_sessions),
    ("51 rapid reset", Https, http2::rapid_reset),
    ("51 made you reset", Https, http2::made_you_reset),
    ("51 endless CONTINUATION", Https, http2::continuation),
    ("51 SETTINGS", Https, http2::settings),
    ("51 PING", Https, http2::ping),
    ("51 requests without a query", Https, http2::empty_requests),
    ("51 content of a byte a frame", Https, http2::small_data),
    ("51 frames without content", Https, http2::empty_data),
    ("52 5,000 connections", Quic, quic::connections),
    ("52 unfinished long queries", Quic, quic::unfinished),
    ("52 queries that are cancelled", Quic, quic::cancelled),
    ("52 two messages on a stream", Quic, quic::two_messages),
    ("52 ids that are not 0", Quic, quic::odd_ids),
    ("52 5,000 handshakes that are not answered", Quic, quic::unanswered),
];

/// Runs the attacks whose title contains a word, and prints a table of each.
pub(crate) fn run(word: &str) {
    for attack in ATTACKS.iter().filter(|(title, ..)| title.contains(word)) {
        let (title, transport, _) = *attack;
        println!(
            "{title}\n{:8} {:>7} {:>8} {:>7} {:>6} {:>6}{}  what became of it",
            "server",
            "CPU s",
            "MiB +",
            "after",
            "files",
            "after",
            Innocents::HEADING
        );
        for software in Software::ALL.into_iter().filter(|software| software.speaks(transport)) {
            let told = attack_one(software, attack).unwrap_or_else(|failure| format!(" {failure}"));
            println!("{:8}{told}", software.name());
        }
        println!();
    }
}

fn attack_one(software: Software, (_, transport, attack): &Attack) -> Result<String, Failure> {
    let lab = Lab::start(software, Room::DEFAULT)?;
    // What a first connection needs, it needs once.
    transport.connect(&lab.client(), asked_at(Some(*transport)))?;
    let before = lab.usage()?;
    let innocents = Innocents::start(&lab, *transport)?;
    let begun = Instant::now();
    let became = attack(&lab)?;
    let (during, took) = (lab.usage()?, begun.elapsed());
    let people = innocents.stop();
    std::thread::sleep(REST);
    let after = lab.usage()?;
    Ok(format!(
        " {:7.2} {:8.1} {:7.1} {:6} {:6}{people}  {became}, {:.1} s",
        during.cpu.saturating_sub(before.cpu).as_secs_f64(),
        before.growth(&during),
        before.growth(&after),
        during.descriptors,
        after.descriptors,
        took.as_secs_f64()
    ))
}
