//! From the names and records collected to contents.

use super::ZoneBuilder;
use super::check;
use super::denial::ChainParameters;
use super::emitter::Emitter;
use super::finish_depth::FinishDepth;
use super::tree::NameTree;
use crate::contents::arena::NodeRef;
use crate::contents::index::NodeIndex;
use crate::contents::order::NodeOrder;
use crate::contents::{DenialChain, Nsec3Chain, ReadyProofs, ZoneContents};
use crate::fault::{FaultKind, FaultSeverity, ZoneFault};

pub(super) fn finish(
    builder: ZoneBuilder,
    depth: FinishDepth,
) -> Result<(ZoneContents, Vec<ZoneFault>), Vec<ZoneFault>> {
    let ZoneBuilder { apex, start, mut log, names, hashed, soa, soa_ttl, .. } = builder;
    let names = NameTree::new(&log, names);
    let hashed = NameTree::new(&log, hashed);
    let chain = ChainParameters::of(&log, &names, &hashed);
    let mut emitter = Emitter::new(apex.as_ref(), start, chain.as_ref(), depth);
    let nodes = emitter.names(&mut log, &names);
    let members = emitter.hashed(&mut log, &hashed);
    let Emitter { arena, mut faults, records, owners, .. } = emitter;
    check::apex(apex.as_ref(), &names, &soa, &mut faults);
    let deepest = names.entries.iter().map(|entry| usize::from(entry.depth)).max().unwrap_or(0);
    // The tables that the nodes were made by are about as large as those that are made next.
    let kept = (depth == FinishDepth::Warnings).then_some((log, names));
    drop(hashed);
    let (Some(nodes), Some((hashed, members))) = (nodes, members) else {
        faults.push(apex.as_ref(), 0, FaultKind::TooLarge);
        return Err(faults.into_all());
    };
    let denial = match chain {
        Some(ChainParameters { iterations, salt }) => {
            let others = members.len() != hashed.len();
            let owners = others.then(|| NodeOrder::build(members));
            DenialChain::Nsec3(Box::new(Nsec3Chain { iterations, salt, owners }))
        }
        None if owners.is_empty() => DenialChain::Unsigned,
        None => DenialChain::Nsec(NodeOrder::build(owners)),
    };
    let (serial, minimum) = soa_numbers(&soa);
    let contents = ZoneContents {
        depth: deepest,
        apex,
        start,
        arena: arena.finish(),
        names: NodeIndex::build(&nodes),
        order: NodeOrder::build(nodes.iter().map(|(_, at)| *at)),
        hashed: NodeOrder::build(hashed),
        // The apex comes before all other names, and is always there.
        root: nodes.first().map_or(NodeRef(0), |(_, at)| *at),
        serial,
        negative_ttl: soa_ttl.min(minimum),
        records,
        denial,
        ready: ReadyProofs::default(),
    };
    if let Some((log, names)) = kept {
        check::targets(&log, &names, &contents, &mut faults);
    }
    let faults = faults.into_all();
    if faults.iter().any(|fault| fault.severity == FaultSeverity::Error) {
        return Err(faults);
    }
    Ok((contents.made_ready(), faults))
}

/// Serial and minimum of a SOA's RDATA.
fn soa_numbers(rdata: &[u8]) -> (u32, u32) {
    let Some(numbers) = rdata.last_chunk::<20>() else { return (0, 0) };
    let word =
        |at: usize| numbers.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_be_bytes(*b));
    (word(0), word(16))
}

#[cfg(test)]
mod tests {
    use rhumb_wire::{DomainName, Type};

    use super::*;

    /// A zone of so many names in no order, the records of each in two runs, every tenth an NSEC3 record.
    fn scattered(names: u32) -> ZoneBuilder {
        let apex: DomainName = "example.".parse().unwrap();
        let mut builder = ZoneBuilder::new(apex.as_ref());
        let mut add = |owner: &str, rtype, rdata: &[u8]| {
            let owner: DomainName = owner.parse().unwrap();
            builder.add(owner.as_ref(), rtype, 60, rdata, 0).unwrap();
        };
        for round in 0..2u8 {
            for number in (0..names).map(|at| at * 7919 % names) {
                let [_, high, middle, low] = number.to_be_bytes();
                match number % 10 {
                    0 => {
                        let owner = format!("{number:032}.example.");
                        add(&owner, Type::NSEC3, &[1, 0, 0, 0, 0, 1, round, 0, 1, 64]);
                    }
                    1 => add(&format!("c{number}.a.b.example."), Type::NS, b"\x01n\x07example\0"),
                    _ => add(&format!("h{number}.example."), Type::A, &[round, high, middle, low]),
                }
            }
        }
        add("example.", Type::SOA, &[b"\0\0".as_slice(), &[0, 0, 0, 9].repeat(5)].concat());
        builder
    }

    #[test]
    fn contents_are_the_same_whatever_is_given_back_meanwhile() {
        let (with, faults) = scattered(30_000).finish().unwrap();
        let without = scattered(30_000).finish_unwarned().unwrap();
        assert!(!faults.is_empty());
        assert_eq!(with.record_count(), without.record_count());
        let all = |contents: &ZoneContents| {
            let records = contents.iter().flat_map(|set| {
                let owner = set.owner().as_ref().to_string();
                set.records().map(move |record| {
                    let mut rdata = Vec::new();
                    record.rdata(&mut rdata);
                    (owner.clone(), set.rtype(), rdata)
                })
            });
            records.collect::<Vec<_>>()
        };
        assert!(all(&with) == all(&without));
        assert_eq!(with.order.len(), without.order.len());
        assert_eq!(with.hashed.len(), without.hashed.len());
    }
}
