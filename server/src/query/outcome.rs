//! What becomes of a query.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use rhumb_net::LocalAddress;
use rhumb_resolver::OutboundQuestion;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::tsig::TsigSigner;
use rhumb_wire::{DomainName, Rcode, Type};
use serde::Serialize;

use super::edns_context::EdnsContext;
use super::link_parts::{FollowBuffers, LinkAnswer};
use crate::metrics::{AccessList, CacheEvent, DropReason, ResponseSource};
use crate::snapshot::{ForwardRoute, RequestSignature, ServerSnapshot};
use rhumb_wire::Transport;

/// What becomes of a query.
#[derive(Debug)]
pub enum QueryOutcome {
    /// An answer of so many bytes stands in the buffer.
    Reply(usize),
    /// Nothing is sent.
    Drop(DropReason),
    /// More than one response message; on streams alone.
    Messages(Box<dyn MessageSource>),
    /// Others have to be asked first.
    Wait(Box<WaitingQuery>),
}

/// A query that cannot be answered at once.
#[derive(Debug)]
pub struct WaitingQuery {
    /// What is to be done.
    pub work: WaitingWork,
    /// Who waits for it.
    pub client: WaitingClient,
}

/// Work that waits for others.
#[derive(Debug)]
pub enum WaitingWork {
    /// A question is to be resolved.
    Resolve(ResolveWork),
    /// A zone is to be changed.
    Update(UpdateWork),
    /// A zone is to be changed where it comes from.
    Forward(ForwardedUpdate),
}

/// A dynamic update of a zone of other servers.
#[derive(Debug)]
pub struct ForwardedUpdate {
    /// The zone.
    pub zone: DomainName,
    /// The message as it came.
    pub message: Vec<u8>,
}

/// A dynamic update whose client may change something of the zone.
#[derive(Debug)]
pub struct UpdateWork {
    /// The zone.
    pub zone: DomainName,
    /// The message without its TSIG.
    pub message: Vec<u8>,
    /// The name of the key that it was signed with.
    pub key: Option<DomainName>,
    /// The signature, if it was signed.
    pub signature: Option<RequestSignature>,
    /// The names of the certificate that the client showed, as far as rules of the zone have them.
    pub names: Vec<DomainName>,
}

/// A question, and the upstreams that it goes to.
#[derive(Debug)]
pub struct ResolveWork {
    /// Through which upstreams.
    pub route: Arc<ForwardRoute>,
    /// What is to be asked.
    pub question: OutboundQuestion,
    /// Whether nobody is asked: the answer is what is known (RD is not set).
    pub known_only: bool,
}

/// What is kept of a query until it is answered. It keeps the snapshot it began with.
#[derive(Debug)]
pub struct WaitingClient {
    /// Header, question and OPT of the query; its options are in `edns_context`.
    pub query: Box<[u8]>,
    /// Who asks.
    pub peer: SocketAddr,
    /// The address that was asked.
    pub local: LocalAddress,
    /// How the query came.
    pub transport: Transport,
    /// What its options ask of the answer.
    pub edns_context: EdnsContext,
    /// The snapshot it began with.
    pub snapshot: Arc<ServerSnapshot>,
    /// Whether its response is held against the rate limit, where there is one.
    pub is_limited: bool,
    /// Whether its answer is put together link by link.
    pub follows: bool,
    /// What was looked up for its links so far.
    pub links: Vec<LinkAnswer>,
    /// Signs its response, if it signed its query.
    pub signer: Option<Box<TsigSigner>>,
}

/// What is counted of a query and its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryStats {
    /// The type that was asked for; 0 where none could be read.
    pub(super) qtype: Type,
    /// The response code, all of its bits.
    pub(super) rcode: Rcode,
    /// TC.
    pub(super) truncated: bool,
    /// Sent although over the limit.
    pub(super) slipped: bool,
    /// Whether the query has EDNS, and DO in it.
    pub(super) edns: Option<bool>,
    /// What the cache had: a hit, a miss, or something stale.
    pub(super) cache: Option<CacheEvent>,
    /// Where the answer comes from; none for errors.
    pub(super) source: Option<ResponseSource>,
    /// Which access list refused the query.
    pub(super) refused: Option<AccessList>,
}

impl QueryStats {
    /// Before anything was read.
    pub(super) const NOTHING: Self = Self {
        qtype: Type(0),
        rcode: Rcode::NOERROR,
        truncated: false,
        slipped: false,
        edns: None,
        cache: None,
        source: None,
        refused: None,
    };
}

/// Response messages that are made one at a time, whenever the transport has room for the next.
pub trait MessageSource: fmt::Debug + Send {
    /// Writes the next message into `out`, which takes the longest there can be. Gives its length; none after the last.
    ///
    /// Errors: the rest cannot be written, and a client that has a part must be told so by the end of its connection.
    fn next_message(&mut self, out: &mut [u8]) -> Result<Option<usize>, IncompleteResponse>;
}

/// Response messages that end before the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the response cannot be completed")]
pub struct IncompleteResponse;

/// One decision on the way of a query, for `rhumb explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceStep {
    /// Which step of the pipeline.
    pub step: &'static str,
    /// What it found or decided.
    pub what: String,
}

/// What one thread keeps from query to query.
#[derive(Debug)]
pub struct QueryScratch {
    /// Where names of the message being written stand.
    pub(super) compression: NameCompression,
    /// A question in lower case.
    pub(super) question: Vec<u8>,
    /// An entry to be asked for ahead of its end, beside the reply; for the caller to take.
    pub prefetch: Option<ResolveWork>,
    /// For the caller's counters.
    pub(super) stats: QueryStats,
    /// What was decided; nothing is noted where this is none.
    pub trace: Option<Vec<TraceStep>>,
    /// Made for the first chain that is followed.
    pub(super) follow: Option<Box<FollowBuffers>>,
}

impl Default for QueryScratch {
    fn default() -> Self {
        Self::new()
    }
}

impl QueryScratch {
    /// Ready for the first query.
    pub fn new() -> Self {
        Self {
            compression: NameCompression::default(),
            question: Vec::with_capacity(260),
            prefetch: None,
            stats: QueryStats::NOTHING,
            trace: None,
            follow: None,
        }
    }

    /// Notes a decision, where somebody wants to know.
    #[inline]
    pub(super) fn note(&mut self, step: &'static str, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(TraceStep { step, what: what() });
        }
    }
}
