//! Changes of a zone at random: messages for it, and new texts of its file.

use std::collections::BTreeSet;

use rhumb_tests::rig::{Message, Record, rng};

use crate::differential::chance::Chance;

/// Opcode 5 (RFC 2136).
const UPDATE: u16 = 5 << 11;
/// Class ANY.
const ANY: u16 = 255;
/// Type ANY.
const ALL: u16 = 255;

/// What becomes of a zone, from a seed (`RHUMB_TEST_SEED`).
pub(super) struct RandomChanges {
    zone: &'static str,
    seed: u64,
    chance: Chance,
    /// Lines of the file behind those that it always has.
    lines: BTreeSet<String>,
    edits: u32,
}

impl RandomChanges {
    pub(super) fn new(zone: &'static str) -> Self {
        let given = std::env::var("RHUMB_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| rng::bits() >> 16);
        Self { zone, seed, chance: Chance::new(seed), lines: BTreeSet::new(), edits: 0 }
    }

    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// A record that may stand in the zone with any other: owner, type and RDATA. Aliases and delegations have names of their own.
    fn record(&mut self) -> (String, &'static str, String) {
        let host = self.chance.below(30);
        let (byte, small) = (self.chance.below(250) + 1, self.chance.below(4));
        let name = match self.chance.below(6) {
            0 => format!("*.h{host}"),
            1 => format!("a.b.H{host}"),
            _ => format!("h{host}"),
        };
        match self.chance.below(9) {
            0 => (format!("c{host}"), "CNAME", format!("h{small}.{}.", self.zone)),
            1 => (format!("d{small}"), "NS", format!("ns{small}.d{small}.{}.", self.zone)),
            2 => (format!("ns{small}.d{small}"), "A", format!("192.0.2.{byte}")),
            3 => (name, "AAAA", format!("2001:db8::{byte:x}")),
            4 => (name, "MX", format!("{byte} Mail{small}.h{host}.{}.", self.zone)),
            5 => (name, "SRV", format!("1 {small} {byte} h{small}.{}.", self.zone)),
            6 => (name, "TXT", format!("\"{}\" \"{small}\"", "x".repeat(byte))),
            _ => (name, "A", format!("10.0.{small}.{byte}")),
        }
    }

    /// Some messages, each with some operations.
    pub(super) fn updates(&mut self) -> Vec<Message> {
        (0..self.chance.below(4)).map(|_| self.update()).collect()
    }

    fn update(&mut self) -> Message {
        let mut message = Message::query(&format!("{}.", self.zone), "SOA").no_recursion();
        message.flags = UPDATE;
        for _ in 0..=self.chance.below(8) {
            let (name, kind, data) = self.record();
            let owner = format!("{name}.{}.", self.zone);
            let ttl = 60 + self.chance.below(3);
            let mut record = Record::from_text(&format!("{owner} {ttl} IN {kind} {data}"));
            match self.chance.below(6) {
                // All of a type, or of the name.
                0 => record = Record { class: ANY, ttl: 0, rdata: Vec::new(), ..record },
                1 => record = Record { class: ANY, ttl: 0, rdata: Vec::new(), kind: ALL, ..record },
                _ => {}
            }
            message.authority.push(record);
        }
        message
    }

    /// What stands in the file next, and the text that marks it, in two of three rounds.
    pub(super) fn edit(&mut self) -> Option<(Vec<String>, u32)> {
        if self.chance.below(3) == 0 {
            return None;
        }
        for _ in 0..=self.chance.below(12) {
            let (name, kind, data) = self.record();
            if self.chance.below(3) == 0 {
                // What there was of a name goes.
                self.lines.retain(|line| !line.starts_with(&format!("{name} ")));
            } else {
                if kind == "CNAME" {
                    self.lines.retain(|line| !line.starts_with(&format!("{name} ")));
                }
                self.lines.insert(format!("{name} {kind} {data}\n"));
            }
        }
        self.edits += 1;
        let marker = self.edits;
        let lines = self.lines.iter().cloned().chain([format!("edit TXT \"{marker}\"\n")]);
        Some((lines.collect(), marker))
    }
}
