//! What came of the attempts at the upstreams of a route: counted, and in words.

use rhumb_resolver::{
    AttemptOutcome, AttemptReport, ExtendedReason, FailureReason, ForwardFailure, UnusableReply,
};
use rhumb_wire::edns::ExtendedError;

use crate::metrics::UpstreamFailure;
use crate::query::CIRCLE;
use crate::snapshot::RouteState;

/// Why an answer is empty that nobody has given.
pub(super) const REFERRAL: (ExtendedError, &str) =
    (ExtendedError::InvalidData, "the upstreams only refer to other servers");

/// Counts an attempt at one of the upstreams of a route.
pub(super) fn count(attempt: &AttemptReport, state: &RouteState) {
    let Some(member) = state.member(attempt.server.identity()) else { return };
    let counters = &member.counters;
    if attempt.outcome != AttemptOutcome::NoRoute {
        counters.request(!attempt.transport.is_datagram());
    }
    if let AttemptOutcome::Answered(rcode)
    | AttemptOutcome::Refused(rcode)
    | AttemptOutcome::WithoutEdns(rcode) = attempt.outcome
    {
        counters.response(rcode.0, attempt.elapsed);
    }
    if let Some(reason) = failure_of(attempt.outcome) {
        counters.failure(reason);
    }
    counters.set_healthy(attempt.server.is_healthy());
}

/// Why an attempt brought nothing that could be used; none where it did, or where the next one is part of it.
const fn failure_of(outcome: AttemptOutcome) -> Option<UpstreamFailure> {
    Some(match outcome {
        AttemptOutcome::TimedOut => UpstreamFailure::Timeout,
        AttemptOutcome::ConnectionRefused => UpstreamFailure::ConnectionRefused,
        AttemptOutcome::Unreachable | AttemptOutcome::NoRoute => UpstreamFailure::Unreachable,
        AttemptOutcome::Suspicious(_) | AttemptOutcome::Unusable(UnusableReply::Mismatch) => {
            UpstreamFailure::Mismatched
        }
        AttemptOutcome::Malformed | AttemptOutcome::Unusable(_) => UpstreamFailure::Unusable,
        AttemptOutcome::Error(_) => UpstreamFailure::Error,
        AttemptOutcome::Answered(_)
        | AttemptOutcome::Refused(_)
        | AttemptOutcome::WithoutEdns(_)
        | AttemptOutcome::Truncated
        | AttemptOutcome::Overtaken => return None,
    })
}

/// Why a question has no answer, for the client.
pub(super) fn reason(failure: &ForwardFailure, state: &RouteState) -> (ExtendedError, &'static str) {
    match failure.reason {
        FailureReason::NoUpstream if !state.excluded.is_empty() => CIRCLE,
        FailureReason::NoUpstream => (ExtendedError::NoReachableAuthority, "no upstream is configured"),
        FailureReason::NoRoute => (ExtendedError::NetworkError, "no route to any upstream"),
        FailureReason::Silence => (ExtendedError::NoReachableAuthority, "no upstream replied"),
        FailureReason::Unusable(_) => (ExtendedError::InvalidData, "no usable reply from any upstream"),
        FailureReason::Rcode(_) => (ExtendedError::Other, "every upstream failed"),
    }
}

/// What an upstream gives as its reason, marked as its own.
pub(super) fn said_upstream(reason: &ExtendedReason) -> String {
    if reason.text.is_empty() { "upstream".to_owned() } else { format!("upstream: {}", reason.text) }
}
