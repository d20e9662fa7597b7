//! Signatures: whether there is one where one has to be, what it says, and when it expires.

use rhumb_wire::Type;

use super::defect::ZoneDefect;
use super::findings::FindingList;
use super::keys::{AlgorithmSet, ZoneKeys};
use super::owner::OwnerNode;
use crate::contents::ZoneContents;
use crate::contents::node::ZoneNode;
use crate::contents::set::{RecordImages, StoredRrset};
use crate::fold;

/// Bytes of RRSIG before the signer's name (RFC 4034 section 3.1).
const HEAD: usize = 18;

/// Looks at the signatures of one name after the other.
#[derive(Debug)]
pub(super) struct SignatureVerifier<'c> {
    contents: &'c ZoneContents,
    apex_labels: usize,
    keys: ZoneKeys,
    now: u32,
    /// Seconds from now to the first expiration.
    earliest: Option<i32>,
}

/// The fields of RRSIG.
#[derive(Clone, Copy)]
struct Fields<'r> {
    head: &'r [u8; HEAD],
    signer: &'r [u8],
    algorithm: u8,
    labels: u8,
    ttl: u32,
    expiration: u32,
    inception: u32,
    tag: u16,
}

impl<'r> Fields<'r> {
    fn parse(rdata: &'r [u8]) -> Option<Self> {
        let (head, signer) = rdata.split_first_chunk::<HEAD>()?;
        let &[_, _, algorithm, labels, t0, t1, t2, t3, e0, e1, e2, e3, i0, i1, i2, i3, high, low] = head;
        Some(Self {
            head,
            signer,
            algorithm,
            labels,
            ttl: u32::from_be_bytes([t0, t1, t2, t3]),
            expiration: u32::from_be_bytes([e0, e1, e2, e3]),
            inception: u32::from_be_bytes([i0, i1, i2, i3]),
            tag: u16::from_be_bytes([high, low]),
        })
    }
}

impl<'c> SignatureVerifier<'c> {
    pub(super) fn new(contents: &'c ZoneContents, now: u32, findings: &mut FindingList<'c>) -> Self {
        let keys = ZoneKeys::of(contents);
        if keys.is_empty() {
            findings.add(contents.node(contents.root), None, &[], ZoneDefect::NoKey);
        }
        Self { contents, apex_labels: contents.apex().label_count(), keys, now, earliest: None }
    }

    /// Looks at one name. That records of type `reported` are missing is reported already.
    pub(super) fn look(
        &mut self,
        owner: OwnerNode<'c>,
        reported: Option<Type>,
        findings: &mut FindingList<'c>,
    ) {
        let node = owner.node;
        for set in node.sets() {
            let rtype = set.rtype;
            if set.records == 0 {
                if reported != Some(rtype) {
                    findings.add(
                        node,
                        Some(Type::RRSIG),
                        &rtype.0.to_be_bytes(),
                        ZoneDefect::OrphanSignature(rtype),
                    );
                }
            } else if !owner.is_authoritative(rtype) {
                if set.signatures > 0 {
                    findings.add(
                        node,
                        Some(Type::RRSIG),
                        &rtype.0.to_be_bytes(),
                        ZoneDefect::UselessSignature(rtype),
                    );
                }
            } else if set.signatures == 0 {
                findings.add(node, Some(rtype), &[], ZoneDefect::Unsigned(rtype));
            } else {
                self.set(owner, &set, findings);
            }
        }
    }

    /// When the first signature expires.
    pub(super) fn earliest(&self) -> Option<u32> {
        self.earliest.map(|seconds| self.now.wrapping_add(seconds.cast_unsigned()))
    }

    fn set(&mut self, owner: OwnerNode<'c>, set: &StoredRrset<'c>, findings: &mut FindingList<'c>) {
        let labels = self.apex_labels + owner.labels();
        let mut signed = AlgorithmSet::default();
        for (_, rdata) in RecordImages::new(set.signature_image()) {
            let Some(fields) = Fields::parse(rdata) else { continue };
            signed.insert(fields.algorithm);
            self.times(owner.node, set.rtype, &fields, findings);
            let mut add = |defect| findings.add(owner.node, Some(Type::RRSIG), fields.head, defect);
            if !self.is_signer(fields.signer) {
                add(ZoneDefect::WrongSigner(set.rtype));
            } else if !self.keys.is_empty() && !self.keys.has(fields.tag, fields.algorithm) {
                let (tag, algorithm) = (fields.tag, fields.algorithm);
                add(ZoneDefect::UnknownKey { rtype: set.rtype, tag, algorithm });
            }
            if usize::from(fields.labels) != labels {
                add(ZoneDefect::WrongLabels { rtype: set.rtype, found: fields.labels });
            }
            if fields.ttl != set.ttl() {
                add(ZoneDefect::WrongTtl { rtype: set.rtype, signed: fields.ttl, ttl: set.ttl() });
            }
        }
        let rtype = set.rtype;
        for algorithm in self.keys.algorithms().without(signed) {
            findings.add(owner.node, Some(rtype), &[], ZoneDefect::NoSignatureOf { rtype, algorithm });
        }
    }

    fn times(
        &mut self,
        node: ZoneNode<'c>,
        rtype: Type,
        fields: &Fields<'_>,
        findings: &mut FindingList<'c>,
    ) {
        let left = fields.expiration.wrapping_sub(self.now).cast_signed();
        let begun = self.now.wrapping_sub(fields.inception).cast_signed();
        self.earliest = Some(self.earliest.map_or(left, |earliest| earliest.min(left)));
        let (since, from) = (fields.expiration, fields.inception);
        if left < 0 {
            findings.add(node, Some(Type::RRSIG), fields.head, ZoneDefect::Expired { rtype, since });
        } else if begun < 0 {
            findings.add(node, Some(Type::RRSIG), fields.head, ZoneDefect::NotYetValid { rtype, from });
        }
    }

    /// Whether the name that begins `bytes` is the apex.
    fn is_signer(&self, bytes: &[u8]) -> bool {
        let apex = self.contents.apex().as_bytes();
        bytes.get(..apex.len()).is_some_and(|signer| fold::eq(signer, apex))
    }
}
