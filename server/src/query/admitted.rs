//! A query that was admitted, and the last steps that all its answers share.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::tsig::{TsigKey, TsigSigner};
use rhumb_wire::{QueryMessage, Rcode, header};

use super::client::QueryClient;
use super::context::QueryContext;
use super::edns_context::EdnsContext;
use super::limit::{self, AnswerSource};
use super::outcome::{QueryOutcome, QueryScratch, WaitingClient};
use super::response::{ResponseHead, ResponseLimits, finish, question_only};
use crate::metrics::DropReason;
use crate::rate_limit::RateVerdict;
use crate::snapshot::SnapshotView;

/// A query that may be answered, and the limits of its response.
#[derive(Clone, Copy)]
pub(super) struct AdmittedQuery<'a, 'm> {
    pub(super) query: &'a QueryMessage<'a>,
    pub(super) client: &'a QueryClient<'a>,
    pub(super) context: &'a QueryContext<'m>,
    pub(super) view: &'m SnapshotView,
    pub(super) limits: ResponseLimits,
    /// What the query was signed with.
    pub(super) key: Option<&'a TsigKey>,
}

impl<'a, 'm> AdmittedQuery<'a, 'm> {
    /// A query whose options ask for `edns_context`, and whose response goes into a buffer of so many bytes; room for what
    /// `signer` adds to it is kept.
    #[inline]
    pub(super) fn new(
        query: &'a QueryMessage<'a>,
        mut edns_context: EdnsContext,
        signer: Option<&'a TsigSigner>,
        client: &'a QueryClient<'a>,
        context: &'a QueryContext<'m>,
        buffer: usize,
    ) -> Self {
        edns_context.signature = signer.map_or(0, |signer| signer.record_length() as u16);
        let snapshot = context.snapshot;
        let limits = ResponseLimits::of(query, edns_context, client.transport(), &snapshot.settings, buffer);
        let view = snapshot.view(|| client.ip());
        Self { query, client, context, view, limits, key: signer.map(|signer| &**signer.key()) }
    }
}

impl<'m> AdmittedQuery<'_, 'm> {
    /// An answer of a response code and its reason.
    pub(super) fn refuse(
        &self,
        rcode: Rcode,
        error: (ExtendedError, &'static str),
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        let length = question_only(Some(self.query), &mut scratch.compression, out);
        let head = ResponseHead { error: Some(error), ..ResponseHead::of(rcode) };
        self.conclude(AnswerSource::Nowhere, head, length, scratch, out)
    }

    /// The last step of every answer that is at hand: held against the rate limit, and completed.
    #[inline]
    pub(super) fn conclude(
        &self,
        from: AnswerSource<'m>,
        head: ResponseHead,
        length: usize,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        let settings = &self.context.snapshot.settings;
        scratch.stats.source = from.counted();
        if let Some(limit) = &settings.rate_limit
            && limit::applies(self.client, &self.limits.edns_context, scratch)
        {
            match limit::judge(limit, self.query, self.client, self.context, from, head.rcode) {
                RateVerdict::Pass => {}
                RateVerdict::Slip => return self.slip(scratch, out),
                RateVerdict::Drop => return QueryOutcome::Drop(DropReason::RateLimited),
            }
        }
        QueryOutcome::Reply(self.complete(head, length, scratch, out))
    }

    #[cold]
    fn slip(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let head = ResponseHead::slipped(&self.limits.edns_context);
        let length = question_only(Some(self.query), &mut scratch.compression, out);
        scratch.stats.slipped = true;
        QueryOutcome::Reply(self.complete(head, length, scratch, out))
    }

    /// The client, as it is kept until what it asks was resolved.
    pub(super) fn waiting(&self, scratch: &QueryScratch) -> WaitingClient {
        let edns_context = self.limits.edns_context;
        let is_limited = limit::applies(self.client, &edns_context, scratch);
        WaitingClient { is_limited, ..WaitingClient::of(self.query, self.client, self.context, edns_context) }
    }

    /// Completes the message of `length` bytes, and notes what is counted of it.
    #[inline]
    pub(super) fn complete(
        &self,
        head: ResponseHead,
        length: usize,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> usize {
        scratch.stats.rcode = head.rcode;
        scratch.stats.truncated = head.flags & header::TC != 0;
        finish(self.query, &self.context.snapshot.settings, &self.limits, head, length, out)
    }
}
