//! Signatures: whether there is one where one has to be, what it says, and when it expires.

use rhumb_wire::Type;

use super::defect::Defect;
use super::findings::Findings;
use super::keys::{AlgorithmSet, Keys};
use super::owner::Owner;
use crate::contents::Contents;
use crate::contents::node::Node;
use crate::contents::set::{Images, Set};
use crate::fold;

/// Bytes of RRSIG before the signer's name (RFC 4034 section 3.1).
const HEAD: usize = 18;

/// Looks at the signatures of one name after the other.
#[derive(Debug)]
pub(super) struct Signatures<'c> {
    contents: &'c Contents,
    apex_labels: usize,
    keys: Keys,
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

impl<'c> Signatures<'c> {
    pub(super) fn new(contents: &'c Contents, now: u32, findings: &mut Findings<'c>) -> Self {
        let keys = Keys::of(contents);
        if keys.is_empty() {
            findings.add(contents.node(contents.root), None, &[], Defect::NoKey);
        }
        Self { contents, apex_labels: contents.apex().label_count(), keys, now, earliest: None }
    }

    /// Looks at one name. That records of type `told` are missing is known already.
    pub(super) fn look(&mut self, owner: Owner<'c>, told: Option<Type>, findings: &mut Findings<'c>) {
        let node = owner.node;
        for set in node.sets() {
            let rtype = set.rtype;
            if set.records == 0 {
                if told != Some(rtype) {
                    findings.add(node, Some(Type::RRSIG), &rtype.0.to_be_bytes(), Defect::Orphan(rtype));
                }
            } else if !owner.is_authoritative(rtype) {
                if set.signatures > 0 {
                    findings.add(node, Some(Type::RRSIG), &rtype.0.to_be_bytes(), Defect::InVain(rtype));
                }
            } else if set.signatures == 0 {
                findings.add(node, Some(rtype), &[], Defect::Unsigned(rtype));
            } else {
                self.set(owner, &set, findings);
            }
        }
    }

    /// When the first signature expires.
    pub(super) fn earliest(&self) -> Option<u32> {
        self.earliest.map(|seconds| self.now.wrapping_add(seconds.cast_unsigned()))
    }

    fn set(&mut self, owner: Owner<'c>, set: &Set<'c>, findings: &mut Findings<'c>) {
        let labels = self.apex_labels + owner.labels();
        let mut signed = AlgorithmSet::default();
        for (_, rdata) in Images::new(set.signature_image()) {
            let Some(fields) = Fields::parse(rdata) else { continue };
            signed.insert(fields.algorithm);
            self.times(owner.node, set.rtype, &fields, findings);
            let mut add = |defect| findings.add(owner.node, Some(Type::RRSIG), fields.head, defect);
            if !self.is_signer(fields.signer) {
                add(Defect::WrongSigner(set.rtype));
            } else if !self.keys.is_empty() && !self.keys.has(fields.tag, fields.algorithm) {
                let (tag, algorithm) = (fields.tag, fields.algorithm);
                add(Defect::UnknownKey { rtype: set.rtype, tag, algorithm });
            }
            if usize::from(fields.labels) != labels {
                add(Defect::WrongLabels { rtype: set.rtype, found: fields.labels });
            }
            if fields.ttl != set.ttl() {
                add(Defect::WrongTtl { rtype: set.rtype, signed: fields.ttl, ttl: set.ttl() });
            }
        }
        let rtype = set.rtype;
        for algorithm in self.keys.algorithms().without(signed) {
            findings.add(owner.node, Some(rtype), &[], Defect::NoSignatureOf { rtype, algorithm });
        }
    }

    fn times(&mut self, node: Node<'c>, rtype: Type, fields: &Fields<'_>, findings: &mut Findings<'c>) {
        let left = fields.expiration.wrapping_sub(self.now).cast_signed();
        let begun = self.now.wrapping_sub(fields.inception).cast_signed();
        self.earliest = Some(self.earliest.map_or(left, |earliest| earliest.min(left)));
        let (since, from) = (fields.expiration, fields.inception);
        if left < 0 {
            findings.add(node, Some(Type::RRSIG), fields.head, Defect::Expired { rtype, since });
        } else if begun < 0 {
            findings.add(node, Some(Type::RRSIG), fields.head, Defect::NotYetValid { rtype, from });
        }
    }

    /// Whether the name that begins `bytes` is the apex.
    fn is_signer(&self, bytes: &[u8]) -> bool {
        let apex = self.contents.apex().as_bytes();
        bytes.get(..apex.len()).is_some_and(|signer| fold::eq(signer, apex))
    }
}
