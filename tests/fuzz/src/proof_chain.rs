//! The NSEC or NSEC3 records of a zone (RFC 4034 section 4, RFC 5155 section 7.1).

use std::collections::BTreeMap;

use rhumb_cache::RecordSet;
use rhumb_wire::{DomainName, NameRef, Type};
use sha1::{Digest, Sha1};

use super::zone_model::{ZoneModel, is_delegation};

const SALT: &[u8] = b"salt";

/// How names are hashed.
#[derive(Clone, Copy)]
pub struct HashParameters {
    pub iterations: u16,
    /// Whether delegations without DS are left out.
    pub opt_out: bool,
}

/// The NSEC records, in order.
pub fn nsec_chain(zone: &ZoneModel) -> Vec<RecordSet> {
    let owners: Vec<_> = zone.names.iter().collect();
    let nexts = owners.iter().cycle().skip(1);
    let records = owners.iter().zip(nexts).map(|((owner, types), (next, _))| {
        let types = [types.as_slice(), &[Type::NSEC, Type::RRSIG]].concat();
        let rdata = [next.as_ref().as_bytes(), &bitmap(&types)].concat();
        record((*owner).clone(), Type::NSEC, &rdata)
    });
    records.collect()
}

/// The NSEC3 records, in the order of the hashes.
pub fn nsec3_chain(zone: &ZoneModel, parameters: HashParameters) -> Vec<RecordSet> {
    let mut hashed = BTreeMap::new();
    for (name, types) in &zone.names {
        if parameters.opt_out && is_delegation(types) && !types.contains(&Type::DS) {
            continue;
        }
        // Names without records on the way to it have one too.
        let mut at = name.as_ref();
        loop {
            hashed.insert(hash(at, parameters.iterations), zone.types(at).to_vec());
            match at.parent() {
                Some(parent) if at != zone.apex.as_ref() => at = parent,
                _ => break,
            }
        }
    }
    let owners: Vec<_> = hashed.iter().collect();
    let nexts = owners.iter().cycle().skip(1);
    let records = owners.iter().zip(nexts).map(|((owner, types), (next, _))| {
        let [high, low] = parameters.iterations.to_be_bytes();
        let head = [1, u8::from(parameters.opt_out), high, low, SALT.len() as u8];
        let rdata = [&head, SALT, &[20], next.as_slice(), &bitmap(types)].concat();
        let owner = DomainName::prepend(&base32hex(owner), zone.apex.as_ref());
        record(owner.unwrap_or_else(|_| DomainName::root()), Type::NSEC3, &rdata)
    });
    records.collect()
}

/// A record without signatures.
pub fn record(owner: DomainName, rtype: Type, rdata: &[u8]) -> RecordSet {
    let none = std::iter::empty().collect();
    RecordSet { owner, rtype, ttl: 60, records: std::iter::once(rdata).collect(), signatures: none }
}

/// The bitmap of types, all below 256; none for none.
fn bitmap(types: &[Type]) -> Vec<u8> {
    let mut bits = [0_u8; 32];
    for rtype in types {
        if let Some(byte) = bits.get_mut(usize::from(rtype.0 / 8)) {
            *byte |= 0x80 >> (rtype.0 % 8);
        }
    }
    let length = bits.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if length == 0 { Vec::new() } else { [&[0, length as u8], bits.get(..length).unwrap_or(&[])].concat() }
}

fn hash(name: NameRef<'_>, iterations: u16) -> [u8; 20] {
    let once = |data: &[u8]| -> [u8; 20] { Sha1::new_with_prefix(data).chain_update(SALT).finalize().into() };
    let first = once(name.to_lowercase().as_ref().as_bytes());
    (0..iterations).fold(first, |hash, _| once(&hash))
}

/// RFC 4648 section 7.
fn base32hex(hash: &[u8; 20]) -> Vec<u8> {
    let bit = |at: usize| hash.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 != 0);
    let digit = |at: usize| (0..5).fold(0_u8, |value, next| value << 1 | u8::from(bit(5 * at + next)));
    (0..32)
        .map(|at| b"0123456789abcdefghijklmnopqrstuv".get(usize::from(digit(at))).copied().unwrap_or(b'0'))
        .collect()
}
