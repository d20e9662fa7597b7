//! Signatures (RFC 4034 section 3).

use rhumb_cache::RecordSet;
use rhumb_wire::{NameBuf, NameRef, Type, rdata};

use super::zone_key::ZoneKey;

/// A signature record, read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RrsigRecord<'r> {
    /// Everything before the signer's name.
    fixed: &'r [u8; 18],
    pub(crate) signer: NameRef<'r>,
    pub(crate) signature: &'r [u8],
}

impl<'r> RrsigRecord<'r> {
    /// None where it is not well-formed.
    pub(crate) fn parse(rdata: &'r [u8]) -> Option<Self> {
        let (fixed, rest) = rdata.split_first_chunk::<18>()?;
        let signer = NameRef::parse(rest).ok()?;
        Some(Self { fixed, signer, signature: rest.get(signer.len()..)? })
    }

    fn word(&self, at: usize) -> u32 {
        self.fixed
            .get(at..at + 4)
            .and_then(<[u8]>::first_chunk::<4>)
            .map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    pub(crate) const fn algorithm(&self) -> u8 {
        self.fixed[2]
    }

    pub(crate) fn labels(&self) -> usize {
        usize::from(self.fixed[3])
    }

    pub(crate) fn original_ttl(&self) -> u32 {
        self.word(4)
    }

    pub(crate) fn expiration(&self) -> u32 {
        self.word(8)
    }

    pub(crate) fn inception(&self) -> u32 {
        self.word(12)
    }

    pub(crate) const fn key_tag(&self) -> u16 {
        u16::from_be_bytes([self.fixed[16], self.fixed[17]])
    }

    /// Whether it names this key.
    pub(crate) fn is_by(&self, key: &ZoneKey) -> bool {
        key.tag() == self.key_tag() && key.algorithm() == self.algorithm()
    }

    /// What is signed (RFC 4034 section 3.1.8.1). None where the number of labels does not fit the owner.
    pub(crate) fn signed_data(&self, set: &RecordSet) -> Option<Vec<u8>> {
        let owner = signed_owner(set.owner.as_ref(), self.labels())?;
        let mut records: Vec<Vec<u8>> = set
            .records
            .iter()
            .map(|rdata| {
                let mut rdata = rdata.to_vec();
                rdata::make_canonical(set.rtype, &mut rdata);
                rdata
            })
            .collect();
        records.sort_unstable();
        records.dedup();
        let mut data = self.fixed.to_vec();
        data.extend(self.signer.as_bytes().to_ascii_lowercase());
        for rdata in records {
            data.extend_from_slice(owner.as_ref().as_bytes());
            data.extend_from_slice(&set.rtype.0.to_be_bytes());
            data.extend_from_slice(&[0, 1]);
            data.extend_from_slice(&self.original_ttl().to_be_bytes());
            data.extend_from_slice(&u16::try_from(rdata.len()).ok()?.to_be_bytes());
            data.extend_from_slice(&rdata);
        }
        Some(data)
    }
}

/// The labels of a name as signatures count them: without the root and a leading `*`.
pub(crate) fn signed_labels(name: NameRef<'_>) -> usize {
    name.label_count() - usize::from(name.is_wildcard())
}

/// The owner that was signed: the wildcard where the signature has fewer labels than the name.
fn signed_owner(owner: NameRef<'_>, labels: usize) -> Option<NameBuf> {
    let own = signed_labels(owner);
    let mut name = NameBuf::new();
    match labels.cmp(&own) {
        std::cmp::Ordering::Greater => return None,
        std::cmp::Ordering::Equal => name.set_lowercase(owner),
        std::cmp::Ordering::Less => {
            let parent = owner.skip_labels(owner.label_count() - labels).to_lowercase();
            name.push_label(b"*").ok()?;
            name.finish(parent.as_ref()).ok()?;
        }
    }
    Some(name)
}

/// The signers that the signatures of a set name, each once.
pub(crate) fn signers(set: &RecordSet) -> Vec<NameRef<'_>> {
    let mut signers = Vec::new();
    for signature in set.signatures.iter().filter_map(RrsigRecord::parse) {
        let own = set.owner.as_ref().is_at_or_below(signature.signer);
        // The parent signs DS.
        let own_side = set.rtype != Type::DS || signature.signer != set.owner.as_ref();
        if own && own_side && !signers.contains(&signature.signer) {
            signers.push(signature.signer);
        }
    }
    signers
}
