//! The digest of the whole zone (RFC 8976).

use std::cmp::Ordering;

use rhumb_wire::{Class, NameBuf, Type, rdata};
use sha2::{Digest, Sha384, Sha512};

use super::defect::ZoneDefect;
use super::findings::FindingList;
use super::report::DigestPolicy;
use crate::contents::node::ZoneNode;
use crate::contents::set::RecordImages;
use crate::contents::{ZoneContents, ZoneRrset, canonical};

const SIMPLE: u8 = 1;
const SHA384: u8 = 1;
const SHA512: u8 = 2;
/// Bytes of ZONEMD before the digest.
const HEAD: usize = 6;

#[derive(Clone, Copy)]
struct Zonemd<'r> {
    rdata: &'r [u8],
    serial: u32,
    scheme: u8,
    hash: u8,
    digest: &'r [u8],
}

impl<'r> Zonemd<'r> {
    fn parse(rdata: &'r [u8]) -> Option<Self> {
        let (&[s0, s1, s2, s3, scheme, hash], digest) = rdata.split_first_chunk::<HEAD>()?;
        Some(Self { rdata, serial: u32::from_be_bytes([s0, s1, s2, s3]), scheme, hash, digest })
    }

    /// What a finding about it begins with.
    fn begins(&self) -> &'r [u8] {
        self.rdata.get(..HEAD).unwrap_or(&[])
    }

    fn is_right(&self, contents: &ZoneContents) -> bool {
        match self.hash {
            SHA384 => of_zone::<Sha384>(contents).as_ref() == self.digest,
            _ => of_zone::<Sha512>(contents).as_ref() == self.digest,
        }
    }
}

/// Verifies ZONEMD at the apex, where there is one (RFC 8976 section 4). One record that is right is enough.
pub(super) fn check(contents: &ZoneContents, policy: DigestPolicy, findings: &mut FindingList<'_>) {
    if policy == DigestPolicy::Ignore {
        return;
    }
    let is_required = policy == DigestPolicy::Require;
    let apex = contents.node(contents.root);
    let Some(set) = apex.sets().find(|set| set.rtype == Type::ZONEMD && set.records > 0) else {
        if is_required {
            findings.add(apex, Some(Type::SOA), &[], ZoneDefect::DigestMissing);
        }
        return;
    };
    let all = || RecordImages::new(set.image()).filter_map(|(_, rdata)| Zonemd::parse(rdata));
    let mut mismatch = None;
    for hash in [SHA384, SHA512] {
        let mut found = all().filter(|found| found.scheme == SIMPLE && found.hash == hash);
        // Two of the same scheme and hash algorithm count for none (RFC 8976 section 2).
        let (Some(found), None) = (found.next(), found.next()) else { continue };
        if found.serial == contents.serial() && found.is_right(contents) {
            return;
        }
        mismatch = mismatch.or(Some(found));
    }
    let Some(found) = mismatch.or_else(|| all().next()) else { return };
    let defect = if mismatch.is_none() {
        if is_required { ZoneDefect::DigestMissing } else { ZoneDefect::NoDigestSupported }
    } else if found.serial == contents.serial() {
        ZoneDefect::WrongDigest
    } else {
        ZoneDefect::OtherSerial { serial: contents.serial(), digested: found.serial }
    };
    findings.add(apex, Some(Type::ZONEMD), found.begins(), defect);
}

/// A record of the owner at hand: where its RDATA stands in the room for them.
#[derive(Clone, Copy)]
struct Part {
    rtype: Type,
    ttl: u32,
    start: usize,
    end: usize,
}

/// The digest of scheme SIMPLE (RFC 8976 section 3.3.1).
fn of_zone<D: Digest>(contents: &ZoneContents) -> impl AsRef<[u8]> {
    let mut digest = D::new();
    let mut owner = NameBuf::new();
    let (mut room, mut parts, mut record) = (Vec::new(), Vec::new(), Vec::new());
    let mut names = contents.order.iter().peekable();
    let mut hashed = contents.hashed.iter().peekable();
    loop {
        // The owner of an NSEC3 record may also be an ordinary name.
        let order = match (names.peek(), hashed.peek()) {
            (Some(&name), Some(&hash)) => canonical(contents.node(name).name(), contents.node(hash).name()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        let name = if order == Ordering::Greater { None } else { names.next() };
        let hash = if order == Ordering::Less { None } else { hashed.next() };
        room.clear();
        parts.clear();
        for node in name.into_iter().chain(hash).map(|at| contents.node(at)) {
            owner.set_lowercase(contents.owner(node).as_ref());
            take(contents, node, &mut room, &mut parts);
        }
        let bytes = |part: &Part| room.get(part.start..part.end).unwrap_or(&[]);
        parts.sort_unstable_by(|a, b| a.rtype.0.cmp(&b.rtype.0).then_with(|| bytes(a).cmp(bytes(b))));
        for part in &parts {
            record.clear();
            record.extend_from_slice(owner.as_ref().as_bytes());
            record.extend_from_slice(&part.rtype.0.to_be_bytes());
            record.extend_from_slice(&Class::IN.0.to_be_bytes());
            record.extend_from_slice(&part.ttl.to_be_bytes());
            record.extend_from_slice(&(bytes(part).len() as u16).to_be_bytes());
            record.extend_from_slice(bytes(part));
            digest.update(&record);
        }
    }
    digest.finalize()
}

/// The records of a node in canonical form, but ZONEMD at the apex and its signatures.
fn take(contents: &ZoneContents, node: ZoneNode<'_>, room: &mut Vec<u8>, parts: &mut Vec<Part>) {
    for set in node.sets() {
        if set.rtype == Type::ZONEMD && node.name().is_empty() {
            continue;
        }
        let rrset = ZoneRrset::new(contents.apex(), node, set);
        for view in rrset.records().chain(rrset.signatures()) {
            let start = room.len();
            view.rdata(room);
            if let Some(bytes) = room.get_mut(start..) {
                rdata::make_canonical(view.rtype(), bytes);
            }
            parts.push(Part { rtype: view.rtype(), ttl: view.ttl(), start, end: room.len() });
        }
    }
}
