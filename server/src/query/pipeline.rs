//! The steps of a query, in their order.

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::tsig::{RequestRejection, TsigSigner};
use rhumb_wire::{Class, QueryMessage, Rcode, Type, header};
use rhumb_zones::ZoneContents;
use rhumb_zones::answer::AnswerKind;

use super::admit::{MessageRejection, admit, usual};
use super::admitted::AdmittedQuery;
use super::alias_scan::is_whole;
use super::client::QueryClient;
use super::context::QueryContext;
use super::deny::{bad_cookie, deny};
use super::edns_context::EdnsContext;
use super::kept_reason::{CIRCLE, ONE_LABEL};
use super::limit::AnswerSource;
use super::outcome::{QueryOutcome, QueryScratch, QueryStats, ResolveWork, WaitingQuery, WaitingWork};
use super::response::{ResponseHead, ResponseLimits, question_only};
use super::tsig::{self, VerifiedQuery};
use super::updated::forwarded;
use super::{authoritative, cached, chaos, discovery};
use crate::metrics::AccessList;
use crate::snapshot::{AnswerAuthority, ForwardCourse, IterationPlan, RouteCourse, RouteEntry, SnapshotView};

/// Answers `message`, which `client` sent, into `out`; or says that nothing is sent; or what has to be looked up first.
///
/// The same for every transport. It waits for nothing, and allocates nothing where the answer is at hand.
#[inline]
pub fn respond(
    message: &[u8],
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> QueryOutcome {
    scratch.stats = QueryStats::NOTHING;
    match admit(message, client) {
        Ok(query) => respond_to(&query, None, client, context, scratch, out),
        Err(MessageRejection::Signed) => match forwarded(message, client, context, scratch) {
            Some(outcome) => outcome,
            None => respond_signed(message, client, context, scratch, out),
        },
        Err(denied) => deny(denied, message, None, client, context, scratch, out),
    }
}

/// Responds to a query that was admitted; `signer` is to sign the response.
#[inline]
fn respond_to(
    query: &QueryMessage<'_>,
    signer: Option<&TsigSigner>,
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> QueryOutcome {
    let Ok(edns_context) = EdnsContext::of(query, client, &context.snapshot.settings) else {
        return bad_cookie(query.message, signer, client, context, scratch, out);
    };
    scratch.stats.qtype = query.qtype;
    scratch.stats.edns = query.edns.map(|edns| edns.dnssec_ok());
    let admitted = AdmittedQuery::new(query, edns_context, signer, client, context, out.len());
    if usual(query) { admitted.route(scratch, out) } else { admitted.unusual(scratch, out) }
}

/// Responds to a signed query: as to the query within, and signs the response; or says what is wrong with the signature.
#[cold]
fn respond_signed(
    message: &[u8],
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> QueryOutcome {
    let rejected = match tsig::verify(message, &context.snapshot.settings.keys) {
        Ok(VerifiedQuery { message, signer, signature }) => {
            scratch.note("admit", || format!("signed with {}", signer.key().name()));
            let mut outcome = match admit(&message, client) {
                Ok(query) => respond_to(&query, Some(&signer), client, context, scratch, out),
                Err(denied) => deny(denied, &message, Some(&signer), client, context, scratch, out),
            };
            tsig::note_signature(&mut outcome, signature);
            return tsig::sign_outcome(outcome, signer, out);
        }
        Err(rejected) => rejected,
    };
    scratch.note("admit", || rejected.failure.to_string());
    context.server.metrics.tsig_failed(rejected.failure.reason());
    if let Some(left_out) = context.server.tsig_log.pass(context.micros) {
        let (client, failure) = (client.peer(), &rejected.failure);
        tracing::warn!(%client, left_out, "TSIG: {failure}");
    }
    let rejection = rejected.rejection;
    let rcode = if rejection.error().is_some() { Rcode::NOTAUTH } else { Rcode::FORMERR };
    let denied = MessageRejection::Question(rcode, None);
    let outcome = deny(denied, message, rejection.signer(), client, context, scratch, out);
    match (rejection, outcome) {
        (RequestRejection::Unsigned(error), QueryOutcome::Reply(length)) if !scratch.stats.slipped => {
            let limit = largest_response(message, client, context, out.len());
            QueryOutcome::Reply(tsig::append_error(message, error, length, limit, out))
        }
        (RequestRejection::Signed(_, signer), outcome) => tsig::sign_outcome(outcome, signer, out),
        (_, outcome) => outcome,
    }
}

/// The most bytes of the response to `message`.
fn largest_response(
    message: &[u8],
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    buffer: usize,
) -> usize {
    let settings = &context.snapshot.settings;
    QueryMessage::parse(message).map_or(0, |query| {
        ResponseLimits::of(&query, EdnsContext::default(), client.transport(), settings, buffer).whole
    })
}

/// Writes a truncated answer to `message` (TC, no records but OPT and TSIG): in place of one that the path does not take in one
/// piece. It is held against no limit. None for what is not answered by a message with a question.
#[cold]
pub fn respond_truncated(
    message: &[u8],
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> Option<usize> {
    scratch.stats = QueryStats::NOTHING;
    match admit(message, client) {
        Ok(query) => truncated_response(&query, None, client, context, scratch, out),
        Err(MessageRejection::Signed) => {
            let VerifiedQuery { message, mut signer, .. } =
                tsig::verify(message, &context.snapshot.settings.keys).ok()?;
            let query = admit(&message, client).ok()?;
            let length = truncated_response(&query, Some(&signer), client, context, scratch, out)?;
            tsig::sign(&mut signer, length, out)
        }
        Err(_) => None,
    }
}

fn truncated_response(
    query: &QueryMessage<'_>,
    signer: Option<&TsigSigner>,
    client: &QueryClient<'_>,
    context: &QueryContext<'_>,
    scratch: &mut QueryScratch,
    out: &mut [u8],
) -> Option<usize> {
    let edns_context = EdnsContext::of(query, client, &context.snapshot.settings).ok()?;
    let admitted = AdmittedQuery::new(query, edns_context, signer, client, context, out.len());
    let length = question_only(Some(query), &mut scratch.compression, out);
    let head = ResponseHead { flags: header::TC, ..ResponseHead::of(Rcode::NOERROR) };
    Some(admitted.complete(head, length, scratch, out))
}

impl<'m> AdmittedQuery<'_, 'm> {
    /// Answers from a zone, a built-in name, the cache, or waits for an upstream.
    #[inline]
    fn route(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let Self { query, client, view, .. } = self;
        if let Some(entry) = view.zone_of(query.name, query.qtype) {
            let recurses = self.recurses();
            if recurses && let Some(route) = view.route_below(entry, query.name, query.qtype) {
                return self.forward(route, scratch, out);
            }
            let (length, mut head, kind) = authoritative::from_zone(self, entry, recurses, scratch, out);
            if recurses && self.leads_elsewhere(kind) {
                return self.follow_or_wait(scratch, out);
            }
            head.flags |= recursion_available(client, view);
            return self.conclude(AnswerSource::Zone(entry), head, length, scratch, out);
        }
        if !view.allows(client.ip()) {
            scratch.note("route", || format!("{} may not ask for what no zone holds", client.ip()));
            scratch.stats.refused = Some(AccessList::Recursion);
            return self.refuse(Rcode::REFUSED, (ExtendedError::Prohibited, ""), scratch, out);
        }
        match view.authority_beyond_zones(query.name) {
            AnswerAuthority::BuiltIn(contents) => self.built_in(contents, scratch, out),
            AnswerAuthority::Forward(entry) if !query.recursion_desired() && self.may_recall(entry) => {
                self.recall(entry, scratch, out)
            }
            AnswerAuthority::Forward(_) if !query.recursion_desired() => {
                // What the cache holds says what others asked for (cache snooping).
                scratch.note("route", || "forwarded, but recursion is not desired".to_owned());
                let error = (ExtendedError::NotAuthoritative, "");
                self.refuse(Rcode::REFUSED, error, scratch, out)
            }
            AnswerAuthority::Forward(entry) if view.keeps_from(entry, query.name, query.qtype) => {
                scratch.note("route", || "a name of one label, which is kept from upstreams".to_owned());
                self.refuse(Rcode::NXDOMAIN, ONE_LABEL, scratch, out)
            }
            AnswerAuthority::Forward(entry) => self.forward(entry, scratch, out),
            AnswerAuthority::Zone(_) | AnswerAuthority::None => {
                scratch.note("route", || "no zone and no forwarded domain covers the name".to_owned());
                self.refuse(Rcode::REFUSED, (ExtendedError::NotAuthoritative, ""), scratch, out)
            }
        }
    }

    /// Answers a name that never leaves this host.
    fn built_in(
        &self,
        contents: &'m ZoneContents,
        scratch: &mut QueryScratch,
        out: &mut [u8],
    ) -> QueryOutcome {
        let Self { query, limits, .. } = self;
        let discovers = discovery::is_zone(contents.apex());
        let told = if discovers { self.designated(scratch, out) } else { None };
        let (length, mut head) =
            told.unwrap_or_else(|| authoritative::from_built_in(query, contents, limits, scratch, out));
        if discovers {
            head = discovery::without_name_error(head);
        }
        head.flags |= header::RA;
        self.conclude(AnswerSource::BuiltIn(contents), head, length, scratch, out)
    }

    /// The encrypted listeners, for clients that look for them.
    fn designated(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> Option<(usize, ResponseHead)> {
        let Self { query, client, context, limits, .. } = self;
        let designated = context.server.designated.load();
        let limit = limits.message();
        let (length, cut) =
            discovery::answer(query, client, &designated, limit, &mut scratch.compression, out)?;
        scratch.note("route", || "the encrypted listeners of this server (RFC 9462)".to_owned());
        let flags = header::AA | if cut { header::TC } else { 0 };
        Some((length, ResponseHead { flags, ..ResponseHead::of(Rcode::NOERROR) }))
    }

    /// Whether an answer out of a zone is to be followed further: its alias leads out of what is served here, or its name is
    /// delegated and a forwarded domain covers it.
    #[inline]
    fn leads_elsewhere(&self, kind: AnswerKind) -> bool {
        match kind {
            AnswerKind::Chain => true,
            AnswerKind::Referral => {
                !matches!(self.view.authority_beyond_zones(self.query.name), AnswerAuthority::None)
            }
            _ => false,
        }
    }

    /// Other classes and meta-types: they are answered from zones, as types that no name has, and never asked elsewhere.
    #[cold]
    fn unusual(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let Self { query, client, view, .. } = self;
        match (query.class, query.qtype) {
            (Class::CH, _) => return self.chaos(scratch, out),
            (_, Type::AXFR | Type::IXFR) => return self.transfer(scratch, out),
            (Class::IN, Type::ANY) => return self.route(scratch, out),
            _ => {}
        }
        let Some(entry) = view.zone_of(query.name, query.qtype) else {
            scratch
                .note("route", || "no zone covers the name, and such a question is not forwarded".to_owned());
            return self.refuse(Rcode::REFUSED, (ExtendedError::NotAuthoritative, ""), scratch, out);
        };
        let (length, mut head, _) = authoritative::from_zone(self, entry, false, scratch, out);
        head.flags |= recursion_available(client, view);
        if query.class == Class::ANY {
            // There may be records of other classes elsewhere (RFC 1035 section 6.2).
            head.flags &= !header::AA;
        }
        self.conclude(AnswerSource::Zone(entry), head, length, scratch, out)
    }

    fn chaos(&self, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let (settings, limit) = (&self.context.snapshot.settings, self.limits.message());
        scratch.note("route", || "the class CH".to_owned());
        match chaos::answer(self.query, settings, limit, &mut scratch.compression, out) {
            // What the server says of itself is limited as its errors are: it is the same for all zones.
            Some(length) => {
                self.conclude(AnswerSource::Nowhere, ResponseHead::of(Rcode::NOERROR), length, scratch, out)
            }
            None => self.refuse(Rcode::REFUSED, (ExtendedError::NotSupported, ""), scratch, out),
        }
    }

    /// Whether a client that does not want recursion gets what is known through a route: of one that iterates. Who may ask it may also ask
    /// what it knows; upstreams of others are not given away so.
    fn may_recall(&self, entry: &RouteEntry) -> bool {
        self.context.snapshot.iteration.course(entry.route.id()) == RouteCourse::Iterate
    }

    /// Answers with what is known: the answer itself, or the servers to ask.
    fn recall(&self, entry: &RouteEntry, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let Self { query, context, limits, .. } = self;
        let cached = cached::answer(query, context, entry, limits, scratch, out);
        if cached.is_some_and(|cached| is_whole(cached.aliases, context.snapshot)) {
            return self.forward(entry, scratch, out);
        }
        scratch.note("route", || "recursion is not desired: what is known".to_owned());
        let work = WaitingWork::Resolve(ResolveWork { known_only: true, ..cached::work(query, entry) });
        let client = self.waiting(scratch);
        QueryOutcome::Wait(Box::new(WaitingQuery { work, client }))
    }

    /// Answers from what was learnt through a route, or says what is to be looked up.
    fn forward(&self, entry: &RouteEntry, scratch: &mut QueryScratch, out: &mut [u8]) -> QueryOutcome {
        let Self { query, context, limits, .. } = self;
        scratch.note("route", || told(entry, &context.snapshot.iteration));
        let Some(cached) = cached::answer(query, context, entry, limits, scratch, out) else {
            if context.server.circles.has_sent(query.name) {
                scratch.note("route", || "a name that was sent to an upstream and came back".to_owned());
                return self.refuse(Rcode::SERVFAIL, CIRCLE, scratch, out);
            }
            let work = WaitingWork::Resolve(cached::work(query, entry));
            let client = self.waiting(scratch);
            return QueryOutcome::Wait(Box::new(WaitingQuery { work, client }));
        };
        let outcome = if is_whole(cached.aliases, context.snapshot) {
            self.conclude(AnswerSource::Cache, cached.head, cached.length, scratch, out)
        } else {
            self.follow_or_wait(scratch, out)
        };
        // A flood that is answered by nothing is no reason to ask upstreams.
        if cached.prefetch && matches!(outcome, QueryOutcome::Reply(_)) {
            scratch.prefetch = Some(cached::work(query, entry));
        }
        outcome
    }
}

fn told(entry: &RouteEntry, plan: &IterationPlan) -> String {
    let domain = entry.route.domain();
    match plan.course(entry.route.id()) {
        RouteCourse::Iterate if domain.as_ref().is_root() => "resolved from the root".to_owned(),
        RouteCourse::Iterate => format!("resolved from the stub {domain} ({})", entry.place),
        RouteCourse::Forward(ForwardCourse { validates: true, .. }) => {
            format!("forwarded by {domain} ({}), validated here", entry.place)
        }
        RouteCourse::Forward(_) => format!("forwarded by {domain} ({})", entry.place),
    }
}

fn recursion_available(client: &QueryClient<'_>, view: &SnapshotView) -> u16 {
    if !view.routes.is_empty() && view.allows(client.ip()) { header::RA } else { 0 }
}
