//! Whether two contents are the same, for all that can be seen of them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, DomainName, MessageWriter, NameRef, Type, header};

use crate::contents::order::NodeOrder;
use crate::contents::{DenialChain, ZoneContents};
use crate::{AnswerRequest, AnswerSummary, FaultSeverity, OneZone, ZoneFault, answer};

/// The errors, without lines.
pub(super) fn faults(faults: &[ZoneFault]) -> BTreeSet<String> {
    let errors = faults.iter().filter(|fault| fault.severity == FaultSeverity::Error);
    errors.map(|fault| format!("{} {}", fault.owner.as_ref().to_lowercase(), fault.kind)).collect()
}

/// Owner, type, TTL, records and signatures of an RRset.
type Listed = (DomainName, Type, u32, Vec<Vec<u8>>, Vec<Vec<u8>>);

/// Everything in a zone, as it is listed.
pub(super) fn records(contents: &ZoneContents) -> Vec<Listed> {
    let rdata = |records: crate::contents::RrsetRecords<'_>| {
        records
            .map(|record| {
                let mut rdata = Vec::new();
                record.rdata(&mut rdata);
                rdata
            })
            .collect()
    };
    let listed = contents.iter().map(|rrset| {
        let owner = rrset.owner().as_ref().to_name();
        (owner, rrset.rtype(), rrset.ttl(), rdata(rrset.records()), rdata(rrset.signatures()))
    });
    listed.collect()
}

/// Name, flags, occlusion and prefix of a node.
type Noted = (Vec<u8>, u8, Option<u8>, Option<u64>);

/// What is noted of the nodes of an order.
fn nodes(contents: &ZoneContents, order: &NodeOrder) -> Vec<Noted> {
    let nodes = order.iter().map(|at| contents.node(at));
    nodes
        .map(|node| {
            (node.name().to_ascii_lowercase(), node.flags().0, node.occluded_by(), node.nsec3_prefix())
        })
        .collect()
}

/// What no list of records shows: the nodes, the orders, the numbers.
pub(super) fn structure(new: &ZoneContents, wanted: &ZoneContents) -> Result<(), TestCaseError> {
    prop_assert_eq!(nodes(new, &new.order), nodes(wanted, &wanted.order));
    prop_assert_eq!(nodes(new, &new.hashed), nodes(wanted, &wanted.hashed));
    for at in new.order.iter() {
        prop_assert_eq!(new.reference(new.node(at).name()), Some(at));
    }
    prop_assert_eq!(new.order.iter().next(), Some(new.root));
    prop_assert_eq!(
        (new.serial, new.negative_ttl, new.records),
        (wanted.serial, wanted.negative_ttl, wanted.records)
    );
    prop_assert!(new.depth >= wanted.depth);
    match (&new.denial, &wanted.denial) {
        (DenialChain::Unsigned, DenialChain::Unsigned) => {}
        (DenialChain::Nsec(ours), DenialChain::Nsec(theirs)) => {
            prop_assert_eq!(nodes(new, ours), nodes(wanted, theirs));
        }
        (DenialChain::Nsec3(ours), DenialChain::Nsec3(theirs)) => {
            prop_assert_eq!((ours.iterations, &ours.salt), (theirs.iterations, &theirs.salt));
            let members = |contents, owners: &Option<NodeOrder>| owners.as_ref().map(|o| nodes(contents, o));
            prop_assert_eq!(members(new, &ours.owners), members(wanted, &theirs.owners));
        }
        (ours, theirs) => prop_assert!(false, "{ours:?} and not {theirs:?}"),
    }
    Ok(())
}

/// The same answers, to the byte, about these names and names around them.
pub(super) fn answers<'n>(
    new: &ZoneContents,
    wanted: &ZoneContents,
    owners: impl Iterator<Item = &'n DomainName>,
) -> Result<(), TestCaseError> {
    let mut names = BTreeSet::new();
    for owner in owners {
        let depth = owner.as_ref().label_count() - new.apex().label_count();
        for above in (0..=depth).map(|labels| owner.as_ref().skip_labels(labels)) {
            names.insert(above.to_name());
            names.extend([b"x", b"*"].map(|label| DomainName::prepend(label, above).unwrap()));
        }
    }
    for name in &names {
        for qtype in [Type::A, Type::DS, Type::ANY] {
            for dnssec_ok in [false, true] {
                let ours = ask(new, name.as_ref(), qtype, dnssec_ok);
                let theirs = ask(wanted, name.as_ref(), qtype, dnssec_ok);
                prop_assert_eq!(ours, theirs, "{} {} {}", name, qtype, dnssec_ok);
            }
        }
    }
    Ok(())
}

fn ask(contents: &ZoneContents, name: NameRef<'_>, qtype: Type, dnssec_ok: bool) -> (AnswerSummary, Vec<u8>) {
    let mut buffer = vec![0; 65535];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 65535, &mut compression);
    w.question(name, qtype, Class::IN).unwrap();
    let asked = AnswerRequest { name, qtype, dnssec_ok, minimal_any: false };
    let reply = answer(contents, &asked, &OneZone, &mut w);
    let length = w.finish(0, header::QR);
    buffer.truncate(length);
    (reply, buffer)
}
