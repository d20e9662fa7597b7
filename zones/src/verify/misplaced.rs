//! Records at names where they have no meaning, and aliases that lead nowhere.

use rhumb_wire::{NameBuf, NameRef, Type};

use super::defect::ZoneDefect;
use super::findings::FindingList;
use super::owner::{NodeAuthority, OwnerNode};
use super::report::VerifyDepth;
use crate::contents::ZoneContents;
use crate::contents::node::NodeFlags;
use crate::contents::set::{FIXED, RecordImages, StoredRrset, expand};
use crate::lookup::MatchKind;

/// Aliases followed. A bound on work.
const MOST_ALIASES: usize = 16;

/// Looks at one name.
pub(super) fn look<'c>(
    contents: &'c ZoneContents,
    owner: OwnerNode<'c>,
    depth: VerifyDepth,
    findings: &mut FindingList<'c>,
) {
    let node = owner.node;
    if owner.authority == NodeAuthority::Authoritative {
        for set in node.sets().filter(|set| set.records > 0) {
            let rtype = set.rtype;
            let defect = match rtype {
                Type::DS if owner.is_apex() => ZoneDefect::DsAtApex,
                Type::DS => ZoneDefect::DsWithoutNs,
                Type::DNSKEY | Type::CDNSKEY | Type::CDS | Type::CSYNC | Type::NSEC3PARAM
                    if !owner.is_apex() =>
                {
                    ZoneDefect::BelongsAtApex(rtype)
                }
                Type::CNAME if depth == VerifyDepth::Full => match alias(contents, owner, &set) {
                    Some(defect) => defect,
                    None => continue,
                },
                _ => continue,
            };
            findings.add(node, Some(rtype), &[], defect);
        }
    }
    if owner.is_apex() && !matches!(contents.denial, crate::contents::DenialChain::Nsec3(_)) {
        let (announced, some) = (owner.has(Type::NSEC3PARAM), contents.hashed.iter().next());
        match some {
            Some(at) => {
                findings.add(contents.node(at), Some(Type::NSEC3), &[], ZoneDefect::ChainNotAnnounced);
            }
            None if announced => findings.add(node, Some(Type::NSEC3PARAM), &[], ZoneDefect::NoChain),
            None => {}
        }
    }
}

/// Where an alias leads, as far as this zone can tell.
fn alias(contents: &ZoneContents, owner: OwnerNode<'_>, set: &StoredRrset<'_>) -> Option<ZoneDefect> {
    let mut name = contents.owner(owner.node);
    let mut target = target(set, name.as_ref())?;
    for _ in 0..MOST_ALIASES {
        let found = contents.lookup(target.as_ref())?;
        match found.kind() {
            MatchKind::NoName => return Some(ZoneDefect::DanglingAlias(target.as_ref().to_name())),
            MatchKind::Exact | MatchKind::Wildcard => {}
            MatchKind::AtCut | MatchKind::BelowCut | MatchKind::BelowDname => return None,
        }
        if !found.node.flags().has(NodeFlags::CNAME) {
            return None;
        }
        let next = found.node.set(Type::CNAME).filter(|set| set.records > 0)?;
        if found.node.identity() == owner.node.identity() {
            return Some(ZoneDefect::AliasLoop);
        }
        name = contents.owner(found.node);
        target = self::target(&next, name.as_ref())?;
    }
    None
}

/// The target of a CNAME.
fn target(set: &StoredRrset<'_>, owner: NameRef<'_>) -> Option<NameBuf> {
    let (at, _) = RecordImages::new(set.image()).next()?;
    let mut target = NameBuf::new();
    expand(set.image(), at + FIXED, owner, &mut target)?;
    Some(target)
}
