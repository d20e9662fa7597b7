//! The chain of NSEC3 records after a change (RFC 5155).

use rhumb_wire::Type;

use super::extend::ChangedNode;
use super::name_change::NameChanges;
use crate::builder::denial::ChainParameters;
use crate::contents::node::ZoneNode;
use crate::contents::order::NodeOrder;
use crate::contents::order::edit::OrderEdit;
use crate::contents::set::RecordImages;
use crate::contents::{DenialChain, Nsec3Chain, ZoneContents, canonical};
use crate::nsec3;

/// The parameters of the chain that these contents have.
pub(super) fn parameters(base: &ZoneContents) -> Option<ChainParameters> {
    match &base.denial {
        DenialChain::Nsec3(chain) => {
            Some(ChainParameters { iterations: chain.iterations, salt: chain.salt.clone() })
        }
        _ => None,
    }
}

/// Those after the change: what NSEC3PARAM at the apex says, if there are NSEC3 records.
pub(super) fn parameters_after(
    base: &ZoneContents,
    names: &NameChanges,
    hashed: &NameChanges,
) -> Option<ChainParameters> {
    let gone = hashed.values().filter(|change| change.base.is_some() && !change.exists).count();
    if gone == base.hashed.len() && !hashed.values().any(|change| change.exists) {
        return None;
    }
    let read = |rdata: &[u8]| {
        let found = nsec3::Nsec3Parameters::parse(rdata).filter(|found| found.flags == 0)?;
        Some(ChainParameters { iterations: found.iterations, salt: found.salt.into() })
    };
    if let Some(taken) = names.get(&[][..]).and_then(|apex| apex.sets.get(&Type::NSEC3PARAM)) {
        return taken.records.iter().find_map(read);
    }
    let set = base.node(base.root).set(Type::NSEC3PARAM)?;
    RecordImages::new(set.image()).find_map(|(_, rdata)| read(rdata))
}

/// The chain of `contents`, which came from `base` by `changed` owners of NSEC3 records.
pub(super) fn chain(
    base: &ZoneContents,
    contents: &ZoneContents,
    parameters: ChainParameters,
    changed: &[ChangedNode<'_>],
) -> Nsec3Chain {
    let owners = match &base.denial {
        DenialChain::Nsec3(old) if old.iterations == parameters.iterations && old.salt == parameters.salt => {
            continued(base, old, contents, &parameters, changed)
        }
        _ => {
            let is_member = |at: &_| belongs(contents.node(*at), &parameters);
            Some(NodeOrder::build(contents.hashed.iter().filter(is_member)))
        }
    };
    let owners = owners.filter(|owners| owners.len() != contents.hashed.len());
    Nsec3Chain { iterations: parameters.iterations, salt: parameters.salt, owners }
}

/// The members after a change that leaves the parameters alone; none if all owners are.
fn continued(
    base: &ZoneContents,
    old: &Nsec3Chain,
    contents: &ZoneContents,
    parameters: &ChainParameters,
    changed: &[ChangedNode<'_>],
) -> Option<NodeOrder> {
    let mut others = old.owners.is_some();
    let mut edits = Vec::with_capacity(changed.len());
    for owner in changed {
        let node = owner.new.filter(|at| belongs(contents.node(*at), parameters));
        others |= node != owner.new;
        edits.push(OrderEdit { node, ..owner.edit() });
    }
    if !others {
        return None;
    }
    let before = old.owners.as_ref().unwrap_or(&base.hashed);
    Some(before.edited(&edits, |at, below| canonical(base.node(at).name(), below)))
}

/// Whether an owner of NSEC3 was made with these parameters.
fn belongs(node: ZoneNode<'_>, wanted: &ChainParameters) -> bool {
    let set = node.set(Type::NSEC3).into_iter();
    set.flat_map(|set| RecordImages::new(set.image())).any(|(_, rdata)| {
        let found = nsec3::Nsec3Parameters::parse(rdata);
        found.is_some_and(|found| found.iterations == wanted.iterations && found.salt == &*wanted.salt)
    })
}
