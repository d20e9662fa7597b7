//! The ring of NSEC3 records (RFC 5155 section 7.1).

use std::collections::HashSet;

use rhumb_wire::Type;

use super::defect::ZoneDefect;
use super::findings::FindingList;
use crate::contents::arena::NodeRef;
use crate::contents::node::ZoneNode;
use crate::contents::set::RecordImages;
use crate::contents::{Nsec3Chain, ZoneContents};
use crate::{fold, nsec3};

/// The opt-out flag (RFC 5155 section 3.1.2.1).
const OPT_OUT: u8 = 1;

/// An NSEC3 record of the chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChainMember<'c> {
    /// The first 64 bits of the hash that its owner is.
    pub(super) prefix: u64,
    pub(super) at: NodeRef,
    pub(super) opt_out: bool,
    /// The hash of the next, as it stands.
    next: &'c [u8],
    pub(super) bitmap: &'c [u8],
}

/// The owners of NSEC3 records.
#[derive(Debug, Default)]
pub(super) struct ChainMembers<'c> {
    /// Those of the chain, in order.
    pub(super) chain: Vec<ChainMember<'c>>,
    /// The first 64 bits of the owners of other NSEC3 records, in order.
    pub(super) others: Vec<u64>,
}

/// Sorts out which NSEC3 records belong to the chain.
pub(super) fn members<'c>(
    contents: &'c ZoneContents,
    chain: &Nsec3Chain,
    findings: &mut FindingList<'c>,
) -> ChainMembers<'c> {
    let mut members = ChainMembers::default();
    let announced = announced(contents);
    for at in contents.hashed.iter() {
        let node = contents.node(at);
        let Some(prefix) = node.nsec3_prefix().or_else(|| nsec3::prefix_of_label(node.name())) else {
            continue;
        };
        let Some(set) = node.sets().find(|set| set.rtype == Type::NSEC3 && set.records > 0) else { continue };
        let mut belongs = false;
        let mut foreign = None;
        for (_, rdata) in RecordImages::new(set.image()) {
            let parameters = nsec3::Nsec3Parameters::parse(rdata);
            let Some(found) = parameters else { continue };
            if !(found.iterations == chain.iterations && found.salt == &*chain.salt) {
                foreign =
                    foreign.or(Some(rdata).filter(|_| !announced.contains(&(found.iterations, found.salt))));
                continue;
            }
            if belongs {
                findings.add(node, Some(Type::NSEC3), &[], ZoneDefect::SeveralNsec3);
                continue;
            }
            belongs = true;
            let opt_out = found.flags & OPT_OUT != 0;
            let (next, bitmap) = tail(rdata, found.salt.len());
            members.chain.push(ChainMember { prefix, at, opt_out, next, bitmap });
        }
        if let Some(rdata) = foreign {
            findings.add(node, Some(Type::NSEC3), rdata, ZoneDefect::ForeignNsec3);
        }
        if !belongs {
            members.others.push(prefix);
        }
    }
    members
}

/// The next hash and the bitmap of an NSEC3 record.
fn tail(rdata: &[u8], salt: usize) -> (&[u8], &[u8]) {
    let rest = rdata.get(5 + salt..).unwrap_or(&[]);
    let Some((&length, rest)) = rest.split_first() else { return (&[], &[]) };
    rest.split_at_checked(usize::from(length)).unwrap_or((&[], &[]))
}

/// Iterations and salts that NSEC3PARAM records name.
fn announced(contents: &ZoneContents) -> HashSet<(u16, &[u8])> {
    let apex = contents.node(contents.root);
    let sets = apex.sets().filter(|set| set.rtype == Type::NSEC3PARAM);
    let records = sets.flat_map(|set| RecordImages::new(set.image()));
    let parameters = records.filter_map(|(_, rdata)| nsec3::Nsec3Parameters::parse(rdata));
    parameters.filter(|found| found.flags == 0).map(|found| (found.iterations, found.salt)).collect()
}

/// Follows the ring. That hashes are `missing` was reported at their names.
pub(super) fn follow<'c>(
    contents: &'c ZoneContents,
    chain: &[ChainMember<'c>],
    missing: &[u64],
    findings: &mut FindingList<'c>,
) {
    let following = chain.iter().skip(1).chain(chain.first());
    for (member, follower) in chain.iter().zip(following) {
        let next = member.next.first_chunk::<{ nsec3::HASH }>();
        let label = next.filter(|_| member.next.len() == nsec3::HASH).map(nsec3::label);
        let follows = contents.node(follower.at).name().get(1..).unwrap_or(&[]);
        let leads = label.is_some_and(|label| fold::eq(&label, follows));
        let prefix = next.and_then(|next| next.first_chunk()).map(|prefix| u64::from_be_bytes(*prefix));
        if leads || prefix.is_some_and(|prefix| missing.binary_search(&prefix).is_ok()) {
            continue;
        }
        findings.add(
            contents.node(member.at),
            Some(Type::NSEC3),
            &[],
            ZoneDefect::WrongNextHash {
                next: label.map_or_else(String::new, |label| label.escape_ascii().to_string()),
                follows: follows.escape_ascii().to_string(),
            },
        );
    }
}

/// Whether the hash that a node's name is stands among these.
pub(super) fn is_among(hashes: &[u64], node: ZoneNode<'_>) -> bool {
    let prefix = nsec3::prefix_of_label(node.name());
    prefix.is_some_and(|prefix| hashes.binary_search(&prefix).is_ok())
}
