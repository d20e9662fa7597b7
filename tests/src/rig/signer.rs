//! Signatures, keys and proofs of denial for zones that the rig serves (RFC 4034, RFC 5155), by Ed25519 (RFC 8080).

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::rig::name;
use crate::rig::record::{Record, type_number};

/// The number of Ed25519.
const ALGORITHM: u8 = 15;
/// How long signatures are valid, to either side of now.
const VALID: u32 = 86_400;

/// The key of a zone, the same for the same zone and number.
pub struct ZoneSigner {
    zone: String,
    pair: Ed25519KeyPair,
    flags: u16,
}

/// The flags of an entry point, and the one that revokes it (RFC 5011 section 2.1).
const ENTRY_POINT: u16 = 0x101;
const REVOKED: u16 = 0x80;

impl ZoneSigner {
    /// Key `number` of a zone, which is written with its final dot.
    pub fn new(zone: &str, number: u8) -> Self {
        let seed = Sha256::digest([zone.as_bytes(), &[number]].concat());
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed of 32 bytes");
        Self { zone: zone.to_owned(), pair, flags: ENTRY_POINT }
    }

    /// The same key, revoked: its tag is another one.
    #[must_use]
    pub fn revoked(self) -> Self {
        Self { flags: self.flags | REVOKED, ..self }
    }

    /// The DNSKEY record.
    pub fn key(&self) -> Record {
        let flags = self.flags.to_be_bytes();
        let rdata = [&flags[..], &[3, ALGORITHM], self.pair.public_key().as_ref()].concat();
        record(&self.zone, "DNSKEY", rdata)
    }

    /// The DS record, by SHA-256.
    pub fn digest(&self) -> Record {
        digest_of(&self.key())
    }

    /// The tag of its key.
    pub fn tag(&self) -> u16 {
        key_tag(&self.key().rdata)
    }

    /// One set of records, and the signature over it.
    pub fn sign(&self, records: &[Record]) -> Vec<Record> {
        let labels = name::labels(&records[0].owner);
        let count = labels.len() - usize::from(labels.first().is_some_and(|label| label == b"*"));
        self.sign_as(records, count as u8, &records[0].owner)
    }

    /// The same with a signature that is valid between these moments, in seconds from now.
    pub fn sign_between(&self, records: &[Record], times: (i32, i32)) -> Vec<Record> {
        let labels = name::labels(&records[0].owner).len() as u8;
        self.sign_in(records, labels, &records[0].owner, times)
    }

    /// The same with a signature that counts so many labels, over the owner `signed`.
    pub fn sign_as(&self, records: &[Record], labels: u8, signed: &str) -> Vec<Record> {
        self.sign_in(records, labels, signed, (-VALID.cast_signed(), VALID.cast_signed()))
    }

    fn sign_in(
        &self,
        records: &[Record],
        labels: u8,
        signed: &str,
        (begins, ends): (i32, i32),
    ) -> Vec<Record> {
        let first = &records[0];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs() as u32;
        let (begins, ends) = (now.wrapping_add_signed(begins), now.wrapping_add_signed(ends));
        let mut rdata = first.kind.to_be_bytes().to_vec();
        rdata.extend([ALGORITHM, labels]);
        rdata.extend([first.ttl, ends, begins].iter().flat_map(|word| word.to_be_bytes()));
        rdata.extend(self.tag().to_be_bytes());
        rdata.extend(name::to_wire(&self.zone.to_ascii_lowercase()));
        let mut data = rdata.clone();
        let mut sorted: Vec<&Record> = records.iter().collect();
        sorted.sort_by(|one, other| one.rdata.cmp(&other.rdata));
        for record in sorted {
            data.extend(name::to_wire(&signed.to_ascii_lowercase()));
            data.extend(record.kind.to_be_bytes());
            data.extend([0, 1]);
            data.extend(record.ttl.to_be_bytes());
            data.extend((record.rdata.len() as u16).to_be_bytes());
            data.extend(&record.rdata);
        }
        rdata.extend(self.pair.sign(&data).as_ref());
        let signature = Record { kind: type_number("RRSIG"), rdata, ..first.clone() };
        [records, &[signature]].concat()
    }

    /// Records given as text, which are one set, and the signature over them.
    pub fn sign_lines(&self, lines: &[&str]) -> Vec<Record> {
        self.sign(&lines.iter().map(|line| Record::from_text(line)).collect::<Vec<_>>())
    }
}

fn record(owner: &str, kind: &str, rdata: Vec<u8>) -> Record {
    Record { owner: owner.to_owned(), kind: type_number(kind), class: 1, ttl: 300, rdata }
}

/// The DS record of a key, by SHA-256.
pub fn digest_of(key: &Record) -> Record {
    let digest = Sha256::digest([name::to_wire(&key.owner), key.rdata.clone()].concat());
    let tag = key_tag(&key.rdata).to_be_bytes();
    record(&key.owner, "DS", [&tag[..], &[key.rdata[3], 2], &digest].concat())
}

/// A DNSKEY record of any algorithm and public key.
pub fn key_of(zone: &str, algorithm: u8, public: &[u8]) -> Record {
    record(zone, "DNSKEY", [&[1, 1, 3, algorithm], public].concat())
}

/// A signature over a set that nobody made, by a key of this tag; the number makes it another one.
pub fn junk_signature(
    set: &Record,
    signer: &str,
    algorithm: u8,
    tag: u16,
    (number, length): (u8, usize),
) -> Record {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs() as u32;
    let labels = name::labels(&set.owner).len() as u8;
    let mut rdata = set.kind.to_be_bytes().to_vec();
    rdata.extend([algorithm, labels]);
    rdata.extend([set.ttl, now + VALID, now - VALID].iter().flat_map(|word| word.to_be_bytes()));
    rdata.extend(tag.to_be_bytes());
    rdata.extend(name::to_wire(signer));
    rdata.extend(vec![number; length]);
    Record { kind: type_number("RRSIG"), rdata, ..set.clone() }
}

/// The tag of a key (RFC 4034 appendix B).
pub fn key_tag(rdata: &[u8]) -> u16 {
    let word = |(at, byte): (usize, &u8)| u32::from(*byte) << if at % 2 == 0 { 8 } else { 0 };
    let sum: u32 = rdata.iter().enumerate().map(word).sum();
    ((sum + (sum >> 16)) & 0xffff) as u16
}

/// An NSEC record.
pub fn nsec(owner: &str, next: &str, types: &[&str]) -> Record {
    record(owner, "NSEC", [name::to_wire(next), bit_maps(types)].concat())
}

/// The NSEC3 record whose owner is the hash of `from` and whose next one is that of `to`, each moved by what stands beside it:
/// `-1` and `1` make the narrowest record around a name.
pub fn nsec3(
    zone: &str,
    iterations: u16,
    (from, by): (&str, i8),
    (to, next_by): (&str, i8),
    types: &[&str],
) -> Record {
    let owner = moved(hash(from, iterations), by);
    let next = moved(hash(to, iterations), next_by);
    let mut rdata = vec![1, 0];
    rdata.extend(iterations.to_be_bytes());
    rdata.extend([0, 20]);
    rdata.extend(next);
    rdata.extend(bit_maps(types));
    let parent = if zone == "." { "" } else { zone };
    record(&format!("{}.{parent}", base32hex(&owner)), "NSEC3", rdata)
}

fn hash(owner: &str, iterations: u16) -> [u8; 20] {
    let first: [u8; 20] = Sha1::digest(name::to_wire(&owner.to_ascii_lowercase())).into();
    (0..iterations).fold(first, |hash, _| Sha1::digest(hash).into())
}

fn moved(mut hash: [u8; 20], by: i8) -> [u8; 20] {
    let last = u128::from_be_bytes(*hash.last_chunk().expect("twenty bytes"));
    let moved = last.wrapping_add_signed(by.into());
    hash[4..].copy_from_slice(&moved.to_be_bytes());
    hash
}

/// Without padding (RFC 4648 section 7).
fn base32hex(bytes: &[u8; 20]) -> String {
    let digit = |at: usize| {
        let bits = (at..at + 5).map(|bit| bytes[bit / 8] >> (7 - bit % 8) & 1);
        char::from(b"0123456789abcdefghijklmnopqrstuv"[usize::from(bits.fold(0, |all, bit| all << 1 | bit))])
    };
    (0..160).step_by(5).map(digit).collect()
}

/// The bit map of types below 256 (RFC 4034 section 4.1.2).
fn bit_maps(types: &[&str]) -> Vec<u8> {
    let mut bits = [0_u8; 32];
    for kind in types.iter().map(|mnemonic| type_number(mnemonic)) {
        bits[usize::from(kind / 8)] |= 0x80 >> (kind % 8);
    }
    let length = bits.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if length == 0 { Vec::new() } else { [&[0, length as u8], &bits[..length]].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 5155 appendix A: `example` with salt aabbccdd is not to be had without salt, but the form of the hash is.
    #[test]
    fn hashes_have_the_form_of_owners() {
        let record = nsec3("example.", 1, ("example.", 0), ("example.", 1), &["A", "RRSIG"]);
        assert_eq!(record.owner.len(), 32 + ".example.".len());
        assert_eq!(record.rdata[..6], [1, 0, 0, 1, 0, 20]);
        assert_eq!(record.rdata[26..], [0, 6, 0x40, 0, 0, 0, 0, 2]);
    }

    /// The key of RFC 8080 section 6.1.
    #[test]
    fn the_tag_of_rfc_8080() {
        let key = [
            0x97, 0x4d, 0x96, 0xa2, 0x2d, 0x22, 0x4b, 0xc0, 0x1a, 0xdb, 0x91, 0x50, 0x91, 0x47, 0x7d, 0x44,
            0xcc, 0xd9, 0x1c, 0x9a, 0x41, 0xa1, 0x14, 0x30, 0x01, 0x01, 0x17, 0xd5, 0x2c, 0x59, 0x24, 0x0e,
        ];
        assert_eq!(key_tag(&[&[1, 1, 3, ALGORITHM], &key[..]].concat()), 3613);
    }
}
