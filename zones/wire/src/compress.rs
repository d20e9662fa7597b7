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
