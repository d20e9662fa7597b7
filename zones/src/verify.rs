//! What only shows when a zone is looked at as a whole: its proofs of denial, its signatures, its digest.
//!
//! Nothing is verified by cryptography but the digest of ZONEMD. A zone that is not signed and has no ZONEMD costs a look at
//! its apex at [`VerifyDepth::Load`]. A signed one costs a walk in canonical order, and a sort of 16 bytes for each name if it has
//! NSEC3; a ZONEMD one pass of SHA-2 over all records.

mod chain;
mod defect;
mod digest;
mod display;
mod findings;
mod hashed;
mod keys;
mod links;
mod misplaced;
mod owner;
mod report;
mod signatures;
mod types;

use rhumb_wire::Type;

use crate::contents::{DenialChain, ZoneContents};
use chain::NsecVerifier;
use findings::FindingList;
use hashed::Nsec3Verifier;
use owner::{NodeAuthority, OwnerNode};
use signatures::SignatureVerifier;

pub use defect::ZoneDefect;
pub use findings::{RecordLocator, ZoneFinding};
pub use report::{DigestPolicy, VerifyDepth, VerifyReport};

/// Checks a zone. `now` is in seconds since 1970, compared with the times of signatures in serial arithmetic.
pub fn verify(contents: &ZoneContents, now: u32, depth: VerifyDepth) -> VerifyReport {
    verify_with(contents, now, depth, DigestPolicy::Verify)
}

/// As [`verify`]; `digest` says what is made of ZONEMD.
pub fn verify_with(
    contents: &ZoneContents,
    now: u32,
    depth: VerifyDepth,
    digest: DigestPolicy,
) -> VerifyReport {
    let mut findings = FindingList::new(contents);
    let signed = is_signed(contents, depth);
    let mut expires = None;
    if signed {
        expires = signed_zone(contents, now, depth, &mut findings);
    } else if depth == VerifyDepth::Full {
        for owner in OwnerNode::all(contents) {
            misplaced::look(contents, owner, depth, &mut findings);
        }
    }
    digest::check(contents, digest, &mut findings);
    VerifyReport { findings: findings.finish(), expires }
}

/// Whether a zone means to be signed.
fn is_signed(contents: &ZoneContents, depth: VerifyDepth) -> bool {
    let apex = contents.node(contents.root);
    let signed = |set: &crate::contents::set::StoredRrset<'_>| set.signatures > 0;
    contents.is_signed()
        || apex.sets().any(|set| signed(&set))
        || depth == VerifyDepth::Full
            && OwnerNode::all(contents).any(|owner| owner.node.sets().any(|set| signed(&set)))
}

/// Checks all of a signed zone but its digest. Gives the first expiration.
fn signed_zone<'c>(
    contents: &'c ZoneContents,
    now: u32,
    depth: VerifyDepth,
    findings: &mut FindingList<'c>,
) -> Option<u32> {
    let mut signatures = SignatureVerifier::new(contents, now, findings);
    let mut chain = matches!(contents.denial, DenialChain::Nsec(_)).then(|| NsecVerifier::new(contents));
    let mut hashed = Nsec3Verifier::new(contents);
    if matches!(contents.denial, DenialChain::Unsigned) {
        findings.add(contents.node(contents.root), None, &[], ZoneDefect::NoDenial);
    }
    for owner in OwnerNode::all(contents) {
        let mut reported = None;
        if let Some(chain) = &mut chain {
            reported = chain.look(owner, findings).then_some(Type::NSEC);
        }
        if let Some(hashed) = &mut hashed {
            hashed.look(owner);
        }
        signatures.look(owner, reported, findings);
        misplaced::look(contents, owner, depth, findings);
    }
    if let Some(mut chain) = chain {
        chain.close(findings);
    }
    let missing = hashed.map(|hashed| hashed.check(depth, findings)).unwrap_or_default();
    for at in contents.hashed.iter() {
        let node = contents.node(at);
        let reported = links::is_among(&missing, node).then_some(Type::NSEC3);
        signatures.look(OwnerNode { at, node, authority: NodeAuthority::Nsec3Owner }, reported, findings);
    }
    signatures.earliest()
}
