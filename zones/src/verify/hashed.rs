//! Which names need an NSEC3 record, and whether they have the right one (RFC 5155 section 7.1).

use rhumb_wire::Type;

use super::defect::ZoneDefect;
use super::findings::FindingList;
use super::links::{self, ChainMember, ChainMembers};
use super::owner::{NodeAuthority, OwnerNode};
use super::report::VerifyDepth;
use super::types::difference;
use crate::contents::arena::NodeRef;
use crate::contents::{DenialChain, Nsec3Chain, ZoneContents};
use crate::{fold, nsec3};

/// Iterations beyond which validators take the zone for unsigned (RFC 9276 section 3.2).
const MANY: u16 = 50;

/// The names of the zone by hash.
#[derive(Debug)]
pub(super) struct Nsec3Verifier<'c> {
    contents: &'c ZoneContents,
    chain: &'c Nsec3Chain,
    names: Vec<Wanted>,
    /// The empty non-terminals above the last name: their places in `names`, the topmost first.
    above: Vec<u32>,
}

/// A name that needs an NSEC3 record, or may have one.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// The first 64 bits of its hash.
    prefix: u64,
    at: NodeRef,
    /// Whether opt-out may leave it out: it is an insecure delegation, or there are only such below it.
    insecure: bool,
}

impl<'c> Nsec3Verifier<'c> {
    /// None for a zone without an NSEC3 chain.
    pub(super) fn new(contents: &'c ZoneContents) -> Option<Self> {
        let DenialChain::Nsec3(chain) = &contents.denial else { return None };
        Some(Self { contents, chain, names: Vec::new(), above: Vec::new() })
    }

    /// Takes the next name in canonical order.
    pub(super) fn look(&mut self, owner: OwnerNode<'c>) {
        if owner.authority == NodeAuthority::Occluded {
            return;
        }
        let node = owner.node;
        while let Some(&top) = self.above.last() {
            let Some(wanted) = self.names.get(top as usize) else { break };
            if is_below(node.name(), self.contents.node(wanted.at).name()) {
                break;
            }
            self.above.pop();
        }
        let empty = !node.sets().any(|set| set.records > 0);
        let insecure = empty || owner.authority == NodeAuthority::Delegation && !owner.has(Type::DS);
        if !insecure {
            for top in self.above.drain(..) {
                if let Some(wanted) = self.names.get_mut(top as usize) {
                    wanted.insecure = false;
                }
            }
        }
        if empty {
            self.above.push(self.names.len() as u32);
        }
        let prefix = node.nsec3_prefix().unwrap_or_else(|| {
            self.hash(owner).first_chunk().map_or(0, |prefix| u64::from_be_bytes(*prefix))
        });
        self.names.push(Wanted { prefix, at: owner.at, insecure });
    }

    /// Compares them with the chain. Gives the hashes that it lacks, in order.
    pub(super) fn check(mut self, depth: VerifyDepth, findings: &mut FindingList<'c>) -> Vec<u64> {
        let contents = self.contents;
        let apex = contents.node(contents.root);
        if self.chain.iterations > MANY {
            let iterations = self.chain.iterations;
            findings.add(apex, Some(Type::NSEC3PARAM), &[], ZoneDefect::ManyIterations(iterations));
        }
        let members = links::members(contents, self.chain, findings);
        if members.chain.is_empty() {
            findings.add(apex, Some(Type::NSEC3PARAM), &[], ZoneDefect::NoChain);
            return Vec::new();
        }
        self.names.sort_unstable_by_key(|wanted| wanted.prefix);
        let missing = self.compare(&members, depth, findings);
        links::follow(contents, &members.chain, &missing, findings);
        missing
    }

    fn compare(
        &self,
        members: &ChainMembers<'c>,
        depth: VerifyDepth,
        findings: &mut FindingList<'c>,
    ) -> Vec<u64> {
        let mut missing = Vec::new();
        let mut rest = members.chain.iter().peekable();
        // What covers a hash before the first of the chain is the last.
        let mut before = members.chain.last();
        for wanted in &self.names {
            while let Some(member) = rest.next_if(|member| member.prefix < wanted.prefix) {
                self.superfluous(member, findings);
                before = Some(member);
            }
            match rest.peek() {
                Some(&member) if member.prefix == wanted.prefix => {
                    rest.next();
                    before = Some(member);
                    self.meet(wanted, member, depth, findings);
                }
                _ if wanted.insecure && before.is_some_and(|member| member.opt_out) => {}
                _ => {
                    missing.push(wanted.prefix);
                    // A record with other parameters stands in its place, and was reported.
                    if members.others.binary_search(&wanted.prefix).is_err() {
                        findings.add(self.contents.node(wanted.at), None, &[], ZoneDefect::NoNsec3);
                    }
                }
            }
        }
        rest.for_each(|member| self.superfluous(member, findings));
        missing
    }

    /// An NSEC3 record that no name has.
    fn superfluous(&self, member: &ChainMember<'c>, findings: &mut FindingList<'c>) {
        findings.add(self.contents.node(member.at), Some(Type::NSEC3), &[], ZoneDefect::Nsec3WithoutName);
    }

    /// A name and its NSEC3 record.
    fn meet(
        &self,
        wanted: &Wanted,
        member: &ChainMember<'c>,
        depth: VerifyDepth,
        findings: &mut FindingList<'c>,
    ) {
        let (node, record) = (self.contents.node(wanted.at), self.contents.node(member.at));
        let owner = OwnerNode::at(self.contents, wanted.at);
        if depth == VerifyDepth::Full {
            let label = nsec3::label(&self.hash(owner));
            if !record.name().get(1..).is_some_and(|name| fold::eq(name, &label)) {
                self.superfluous(member, findings);
                findings.add(node, None, &[], ZoneDefect::NoNsec3);
                return;
            }
        }
        let signed = owner.authority == NodeAuthority::Delegation && owner.has(Type::DS)
            || owner.authority == NodeAuthority::Authoritative && node.sets().any(|set| set.records > 0);
        if let Some(difference) = difference(member.bitmap, owner.listed(signed)) {
            let name = self.contents.owner(node).as_ref().to_name();
            findings.add(record, Some(Type::NSEC3), &[], ZoneDefect::hashed_bitmap(name, difference));
        }
    }

    fn hash(&self, owner: OwnerNode<'c>) -> [u8; nsec3::HASH] {
        let name = self.contents.owner(owner.node);
        nsec3::hash(name.as_ref(), self.chain.iterations, &self.chain.salt)
    }
}

/// Whether a name lies below another.
fn is_below(name: &[u8], above: &[u8]) -> bool {
    let Some(at) = name.len().checked_sub(above.len()).filter(|at| *at > 0) else { return false };
    let Some((head, tail)) = name.split_at_checked(at) else { return false };
    if !fold::eq(tail, above) {
        return false;
    }
    let mut rest = head;
    while let Some((&length, after)) = rest.split_first() {
        let Some(after) = after.get(usize::from(length)..) else { return false };
        rest = after;
    }
    true
}
