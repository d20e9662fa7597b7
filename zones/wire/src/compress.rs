//! Name compression for messages being written (RFC 1035 section 4.1.4), in bounded space and time.

use crate::name::{MAX_LABEL, NameRef};

/// Slots of the table; a full neighbourhood means that a name is written out, never that work grows (CVE-2024-8508).
const SLOTS: usize = 128;
/// Slots tried for one suffix.
const PROBES: usize = 4;
/// Offsets from here on do not fit a pointer.
const REACH: usize = 0x4000;

/// Where suffixes of names were written in the message at hand.
#[derive(Clone, Debug)]
pub struct NameCompression {
    slots: [u16; SLOTS],
    used: bool,
}

impl Default for NameCompression {
    fn default() -> Self {
        Self { slots: [0; SLOTS], used: false }
    }
}

/// How a name is to be written: its first `plain` bytes, then a pointer to `target`, or the root label where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressionPlan {
    /// Bytes of the name to be written out.
    pub plain: usize,
    /// The offset to point to.
    pub target: Option<u16>,
}

impl NameCompression {
    /// Forgets the last message.
    pub fn clear(&mut self) {
        if self.used {
            self.slots = [0; SLOTS];
            self.used = false;
        }
    }

    /// Finds the longest suffix of `name` that stands in `message` already, and notes the suffixes that will stand
    /// there once the rest is written at offset `at`.
    pub fn plan(&mut self, message: &[u8], name: NameRef<'_>, at: usize) -> CompressionPlan {
        self.used = true;
        let bytes = name.as_bytes();
        let (offsets, count) = name.label_offsets();
        let mut plan = CompressionPlan { plain: bytes.len() - 1, target: None };
        let mut hash = 0u32;
        let mut searching = true;
        for &offset in offsets.get(..count).unwrap_or(&[]).iter().rev() {
            let offset = usize::from(offset);
            let suffix = bytes.get(offset..).unwrap_or(&[0]);
            hash = hash_label(hash, suffix);
            if searching {
                match self.find(message, suffix, hash) {
                    Some(target) => {
                        plan = CompressionPlan { plain: offset, target: Some(target) };
                        continue;
                    }
                    None => searching = false,
                }
            }
            self.insert(hash, at + offset);
        }
        plan
    }

    fn find(&self, message: &[u8], suffix: &[u8], hash: u32) -> Option<u16> {
        (0..PROBES)
            .map_while(|probe| {
                self.slots.get((hash as usize + probe) % SLOTS).copied().filter(|&slot| slot != 0)
            })
            .find(|&slot| same_name(message, usize::from(slot), suffix))
    }

    fn insert(&mut self, hash: u32, at: usize) {
        if at >= REACH {
            return;
        }
        for probe in 0..PROBES {
            if let Some(slot) = self.slots.get_mut((hash as usize + probe) % SLOTS)
                && *slot == 0
            {
                *slot = at as u16;
                return;
            }
        }
    }

    /// Drops what was noted at or after offset `end`: the message was cut back to there.
    pub fn forget_from(&mut self, end: usize) {
        if !self.used {
            return;
        }
        for slot in &mut self.slots {
            if usize::from(*slot) >= end {
                *slot = 0;
            }
        }
    }
}

fn hash_label(above: u32, suffix: &[u8]) -> u32 {
    let length = suffix.first().copied().unwrap_or(0);
    let label = suffix.get(..=usize::from(length)).unwrap_or(&[]);
    let hash = label.iter().fold(above ^ 0x9e37_79b9, |h, b| {
        (h.rotate_left(5) ^ u32::from(b.to_ascii_lowercase())).wrapping_mul(0x2722_0a95)
    });
    hash ^ (hash >> 15)
}

/// Whether the name at `at` of a message that we wrote ourselves is `suffix`, a name in wire form, case aside (RFC 4343 section
/// 4.1).
pub fn same_name(message: &[u8], mut at: usize, mut suffix: &[u8]) -> bool {
    for _ in 0..MAX_LABEL * 4 {
        let Some(&length) = message.get(at) else { return false };
        if length >= 0xc0 {
            let Some(&low) = message.get(at + 1) else { return false };
            at = usize::from(u16::from_be_bytes([length & 0x3f, low]));
            continue;
        }
        let size = 1 + usize::from(length);
        match (message.get(at..at + size), suffix.split_at_checked(size)) {
            (Some(here), Some((wanted, rest))) if here.eq_ignore_ascii_case(wanted) => {
                if length == 0 {
                    return true;
                }
                at += size;
                suffix = rest;
            }
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::DomainName;

    #[test]
    fn names_that_share_slots_are_found_again() {
        let mut compression = NameCompression::default();
        let mut message = vec![0; 12];
        let names: Vec<DomainName> = (0..24).map(|number| format!("n{number}.").parse().unwrap()).collect();
        let mut places = Vec::new();
        for name in &names {
            let plan = compression.plan(&message, name.as_ref(), message.len());
            assert_eq!(plan, CompressionPlan { plain: name.as_ref().len() - 1, target: None });
            places.push(message.len() as u16);
            message.extend_from_slice(name.as_ref().as_bytes());
        }
        for (name, place) in names.iter().zip(places) {
            let plan = compression.plan(&message, name.as_ref(), message.len());
            assert_eq!(plan, CompressionPlan { plain: 0, target: Some(place) }, "{name}");
        }
    }

    /// A name, how many of its bytes go out, and where it points to.
    type PlannedName = (&'static str, usize, Option<u16>);

    /// Each name is planned and written behind the ones before it.
    #[test]
    fn the_longest_suffix_that_was_written_is_pointed_to() {
        let cases: &[(&str, &[PlannedName])] = &[
            ("the root alone", &[(".", 0, None), (".", 0, None)]),
            ("a name again", &[("www.example.", 12, None), ("www.example.", 0, Some(12))]),
            ("in another case", &[("www.example.", 12, None), ("WWW.Example.", 0, Some(12))]),
            ("a name above", &[("www.example.", 12, None), ("example.", 0, Some(16))]),
            ("a name below", &[("example.", 8, None), ("a.b.example.", 4, Some(12))]),
            ("beside it", &[("www.example.", 12, None), ("mail.example.", 5, Some(16))]),
            ("another top", &[("www.example.", 12, None), ("www.test.", 9, None)]),
            ("an end of a label", &[("www.example.", 12, None), ("ample.", 6, None), ("xexample.", 9, None)]),
            (
                "through a pointer",
                &[("example.", 8, None), ("www.example.", 4, Some(12)), ("a.www.example.", 2, Some(21))],
            ),
            (
                "the longest of several",
                &[
                    ("b.c.", 4, None),
                    ("a.b.c.", 2, Some(12)),
                    ("x.b.c.", 2, Some(12)),
                    ("y.a.b.c.", 2, Some(17)),
                ],
            ),
        ];
        for (case, names) in cases {
            let (mut compression, mut message) = (NameCompression::default(), vec![0; 12]);
            for &(text, plain, target) in *names {
                let name: DomainName = text.parse().unwrap();
                let plan = compression.plan(&message, name.as_ref(), message.len());
                assert_eq!(plan, CompressionPlan { plain, target }, "{case}: {text}");
                message.extend_from_slice(&name.as_ref().as_bytes()[..plain]);
                match target {
                    Some(target) => message.extend_from_slice(&(0xc000 | target).to_be_bytes()),
                    None => message.push(0),
                }
            }
        }
    }

    #[test]
    fn what_is_forgotten_is_not_pointed_to() {
        let [first, second]: [DomainName; 2] = ["first.", "second."].map(|text| text.parse().unwrap());
        let message = [&[0; 12][..], first.as_ref().as_bytes(), second.as_ref().as_bytes()].concat();
        // The first stands at 12, the second at 19.
        for (end, left) in
            [(12, [false, false]), (13, [true, false]), (19, [true, false]), (20, [true, true])]
        {
            let mut compression = NameCompression::default();
            compression.plan(&message, first.as_ref(), 12);
            compression.plan(&message, second.as_ref(), 19);
            compression.forget_from(end);
            let found = [&first, &second]
                .map(|name| compression.plan(&message, name.as_ref(), message.len()).target.is_some());
            assert_eq!(found, left, "from {end}");
        }
        let mut compression = NameCompression::default();
        compression.plan(&message, first.as_ref(), 12);
        compression.clear();
        assert_eq!(compression.plan(&message, first.as_ref(), message.len()).target, None);
    }

    #[test]
    fn names_are_compared_label_by_label() {
        // At 0 "b", at 3 "a.b" by a pointer, at 7 a pointer to that, at 9 one to itself, at 11 half of one.
        let message = b"\x01b\0\x01a\xc0\0\xc0\x03\xc0\x09\xc0";
        for (case, at, name, same) in [
            ("the same", 0, &b"\x01b\0"[..], true),
            ("in another case", 0, b"\x01B\0", true),
            ("another label", 0, b"\x01c\0", false),
            ("one label more", 0, b"\x01b\x01c\0", false),
            ("one label less", 3, b"\x01a\0", false),
            ("by a pointer", 3, b"\x01a\x01b\0", true),
            ("by two", 7, b"\x01a\x01b\0", true),
            ("another label behind a pointer", 3, b"\x01a\x01a\0", false),
            ("without an end", 9, b"\x01a\0", false),
            ("cut off", 11, b"\x01a\0", false),
            ("behind the end", 12, b"\0", false),
            ("the root", 2, b"\0", true),
        ] {
            assert_eq!(same_name(message, at, name), same, "{case}");
        }
        // Many labels, all written out, or each behind a pointer of its own.
        let many = [&[1, b'a'].repeat(126)[..], &[0]].concat();
        assert!(same_name(&many, 0, &many));
        let mut chain = vec![1, b'a', 0];
        for _ in 1..126 {
            let before = if chain.len() == 3 { 0 } else { chain.len() as u16 - 4 };
            chain.extend_from_slice(&[1, b'a']);
            chain.extend_from_slice(&(0xc000 | before).to_be_bytes());
        }
        assert!(same_name(&chain, chain.len() - 4, &many));
    }

    #[test]
    fn what_is_out_of_reach_is_not_pointed_to() {
        for (at, target) in [(REACH - 1, true), (REACH, false)] {
            let name: DomainName = "far.".parse().unwrap();
            let (mut compression, mut message) = (NameCompression::default(), vec![0; at]);
            compression.plan(&message, name.as_ref(), at);
            message.extend_from_slice(name.as_ref().as_bytes());
            assert_eq!(compression.plan(&message, name.as_ref(), message.len()).target.is_some(), target);
        }
    }
}
