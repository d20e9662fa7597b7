//! What is held of the links of a chain while it is followed.

use std::sync::Arc;

use rhumb_resolver::OutboundQuestion;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{NameBuf, Type};

use super::kept_reason::ReasonValue;

/// The longest message.
pub(super) const LONGEST: usize = 65_535;

/// What was looked up for a link of a chain and may not be in the cache.
#[derive(Debug, Clone)]
pub struct LinkAnswer {
    /// The route it was asked through.
    pub route: u32,
    /// What was asked.
    pub question: OutboundQuestion,
    /// The answer, in the cache's form.
    pub message: Arc<[u8]>,
    /// Whether it is stale.
    pub stale: bool,
}

/// Buffers that following needs, kept from query to query by the thread that does it.
#[derive(Debug)]
pub(super) struct FollowBuffers {
    /// The answer of one link.
    pub(super) part: Vec<u8>,
    pub(super) compression: NameCompression,
    pub(super) rdata: Vec<u8>,
    /// Why an answer is as it is: of the last link that has a reason.
    pub(super) reason: Option<ReasonValue>,
    /// Proofs that wildcards were expanded rightly, of links that are no longer in `part`.
    pub(super) proofs: Vec<WildcardProof>,
}

impl Default for FollowBuffers {
    fn default() -> Self {
        Self {
            part: vec![0; LONGEST],
            compression: NameCompression::default(),
            rdata: Vec::new(),
            reason: None,
            proofs: Vec::new(),
        }
    }
}

/// A record that proves the expansion of a wildcard.
#[derive(Debug)]
pub(super) struct WildcardProof {
    pub(super) owner: NameBuf,
    pub(super) rtype: Type,
    pub(super) ttl: u32,
    pub(super) rdata: Vec<u8>,
}
