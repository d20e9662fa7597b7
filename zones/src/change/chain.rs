//! The chain of NSEC3 records after a change (RFC 5155).

use rhumb_wire::Type;

use super::draft::Drafts;
use super::press::Changed;
use crate::builder::denial::Parameters;
use crate::contents::node::Node;
use crate::contents::order::{Edit, Order};
use crate::contents::set::Images;
use crate::contents::{Chain, Contents, Denial, canonical};
use crate::nsec3;

/// The parameters of the chain that these contents have.
pub(super) fn parameters(base: &Contents) -> Option<Parameters> {
    match &base.denial {
        Denial::Nsec3(chain) => Some(Parameters { iterations: chain.iterations, salt: chain.salt.clone() }),
        _ => None,
    }
}

/// Those after the change: what NSEC3PARAM at the apex says, if there are NSEC3 records.
pub(super) fn parameters_after(base: &Contents, names: &Drafts, hashed: &Drafts) -> Option<Parameters> {
    let gone = hashed.values().filter(|draft| draft.base.is_some() && !draft.exists).count();
    if gone == base.hashed.len() && !hashed.values().any(|draft| draft.exists) {
        return None;
    }
    let read = |rdata: &[u8]| {
        let found = nsec3::Parameters::parse(rdata).filter(|found| found.flags == 0)?;
        Some(Parameters { iterations: found.iterations, salt: found.salt.into() })
    };
    if let Some(taken) = names.get(&[][..]).and_then(|apex| apex.sets.get(&Type::NSEC3PARAM)) {
        return taken.records.iter().find_map(read);
    }
    let set = base.node(base.root).set(Type::NSEC3PARAM)?;
    Images::new(set.image()).find_map(|(_, rdata)| read(rdata))
}

/// The chain of `contents`, which came from `base` by `changed` owners of NSEC3 records.
pub(super) fn chain(
    base: &Contents,
    contents: &Contents,
    parameters: Parameters,
    changed: &[Changed<'_>],
) -> Chain {
    let owners = match &base.denial {
        Denial::Nsec3(old) if old.iterations == parameters.iterations && old.salt == parameters.salt => {
            continued(base, old, contents, &parameters, changed)
        }
        _ => {
            let is_member = |at: &_| belongs(contents.node(*at), &parameters);
            Some(Order::build(&contents.hashed.iter().filter(is_member).collect::<Vec<_>>()))
        }
    };
    let owners = owners.filter(|owners| owners.len() != contents.hashed.len());
    Chain { iterations: parameters.iterations, salt: parameters.salt, owners }
}

/// The members after a change that leaves the parameters alone; none if all owners are.
fn continued(
    base: &Contents,
    old: &Chain,
    contents: &Contents,
    parameters: &Parameters,
    changed: &[Changed<'_>],
) -> Option<Order> {
    let mut others = old.owners.is_some();
    let mut edits = Vec::with_capacity(changed.len());
    for owner in changed {
        let node = owner.new.filter(|at| belongs(contents.node(*at), parameters));
        others |= node != owner.new;
        edits.push(Edit { node, ..owner.edit() });
    }
    if !others {
        return None;
    }
    let before = old.owners.as_ref().unwrap_or(&base.hashed);
    Some(before.edited(&edits, |at, below| canonical(base.node(at).name(), below)))
}

/// Whether an owner of NSEC3 was made with these parameters.
fn belongs(node: Node<'_>, wanted: &Parameters) -> bool {
    let set = node.set(Type::NSEC3).into_iter();
    set.flat_map(|set| Images::new(set.image())).any(|(_, rdata)| {
        let found = nsec3::Parameters::parse(rdata);
        found.is_some_and(|found| found.iterations == wanted.iterations && found.salt == &*wanted.salt)
    })
}
