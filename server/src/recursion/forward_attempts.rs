//! What came of the attempts at the upstreams of a route: counted, and in words.

use std::sync::Arc;

use rhumb_resolver::{
    AttemptOutcome, AttemptReport, ExtendedReason, FailureReason, ForwardFailure, SessionFailure,
    SpoofSignal, UnusableReply,
};
use rhumb_wire::DomainName;
use rhumb_wire::edns::ExtendedError;

use crate::metrics::{ServerMetrics, SuspiciousReply, UpstreamFailure, WorkBound};
use crate::query::CIRCLE;
use crate::snapshot::RouteState;

/// Why an answer is empty that nobody has given.
pub(super) const REFERRAL: (ExtendedError, &str) =
    (ExtendedError::InvalidData, "the upstreams only refer to other servers");

/// Counts an attempt at one of the upstreams of a route.
pub(super) fn count(attempt: &AttemptReport, state: &RouteState) {
    let Some(member) = state.member(attempt.server.identity()) else { return };
    let counters = &member.counters;
    if attempt.outcome.was_sent() {
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

/// Counts what is counted of every attempt, whoever was asked.
pub(super) fn count_any(attempt: &AttemptReport, metrics: &ServerMetrics) {
    match attempt.outcome {
        AttemptOutcome::ServerFull => metrics.resolver_bound(WorkBound::Server),
        AttemptOutcome::AllFull => metrics.resolver_bound(WorkBound::UnderWay),
        AttemptOutcome::Suspicious(signal) => metrics.suspicious(match signal {
            SpoofSignal::WrongId => SuspiciousReply::WrongId,
            SpoofSignal::WrongCase => SuspiciousReply::WrongCase,
            SpoofSignal::WrongCookie => SuspiciousReply::WrongCookie,
            SpoofSignal::Strays => SuspiciousReply::Strays,
        }),
        _ => {}
    }
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
        AttemptOutcome::Malformed | AttemptOutcome::Unusable(_) | AttemptOutcome::NoMessage => {
            UpstreamFailure::Unusable
        }
        AttemptOutcome::NoSession(failure) => failure_of_session(failure),
        AttemptOutcome::Closed => UpstreamFailure::Closed,
        AttemptOutcome::HttpStatus(_) => UpstreamFailure::HttpStatus,
        AttemptOutcome::Error(_) => UpstreamFailure::Error,
        AttemptOutcome::Answered(_)
        | AttemptOutcome::Refused(_)
        | AttemptOutcome::WithoutEdns(_)
        | AttemptOutcome::StaleCookie
        | AttemptOutcome::Truncated
        | AttemptOutcome::ServerFull
        | AttemptOutcome::AllFull
        | AttemptOutcome::Overtaken => return None,
    })
}

const fn failure_of_session(failure: SessionFailure) -> UpstreamFailure {
    match failure {
        SessionFailure::WrongName => UpstreamFailure::WrongName,
        SessionFailure::Expired => UpstreamFailure::Expired,
        SessionFailure::NotValidYet => UpstreamFailure::NotValidYet,
        SessionFailure::UnknownIssuer => UpstreamFailure::UnknownIssuer,
        SessionFailure::PinMismatch => UpstreamFailure::PinMismatch,
        SessionFailure::Certificate | SessionFailure::NoRoots => UpstreamFailure::Certificate,
        SessionFailure::Stalled => UpstreamFailure::StalledHandshake,
        SessionFailure::Ended | SessionFailure::Incompatible => UpstreamFailure::Handshake,
    }
}

/// What is wrong with the connections to the upstreams, of the last attempt at one that says so.
pub(super) fn connection_trouble(attempts: &[AttemptReport]) -> Option<String> {
    attempts.iter().enumerate().rev().find_map(|(index, attempt)| {
        let before =
            attempts.iter().take(index).filter(|before| Arc::ptr_eq(&before.server, &attempt.server));
        let is_truncated = before.clone().any(|before| before.outcome == AttemptOutcome::Truncated);
        let why = match attempt.outcome {
            AttemptOutcome::NoSession(why) => why.to_string(),
            AttemptOutcome::Closed => "it closes the connection without a reply".to_owned(),
            AttemptOutcome::HttpStatus(status) => format!("its response has HTTP status {status}"),
            AttemptOutcome::NoMessage => "its response holds no message".to_owned(),
            AttemptOutcome::ConnectionRefused if is_truncated => {
                "its answer does not fit a datagram, and it refuses TCP".to_owned()
            }
            AttemptOutcome::ConnectionRefused => "nothing listens there".to_owned(),
            AttemptOutcome::TimedOut if is_truncated && !attempt.transport.is_datagram() => {
                "its answer does not fit a datagram, and it is silent by TCP".to_owned()
            }
            _ => return None,
        };
        Some(format!("{}: {why}", attempt.server.identity()))
    })
}

/// Why a question has no answer, for the client: an info code and its text. What an upstream gives as its reason stands for ours.
pub(super) fn reason(failure: &ForwardFailure, state: &RouteState, domain: &DomainName) -> (u16, String) {
    if let Some(reason) = &failure.extended {
        return (reason.code, said_upstream(reason));
    }
    let (error, text) = match failure.reason {
        FailureReason::NoUpstream if !state.excluded.is_empty() => (CIRCLE.0, CIRCLE.1.to_owned()),
        FailureReason::NoUpstream => {
            (ExtendedError::NoReachableAuthority, format!("no upstream for {domain} is configured"))
        }
        FailureReason::NoRoute => {
            (ExtendedError::NetworkError, format!("no route to any upstream for {domain}"))
        }
        FailureReason::Full => {
            (ExtendedError::Other, format!("too many queries to the upstreams for {domain} are under way"))
        }
        FailureReason::Silence => match connection_trouble(&failure.attempts) {
            Some(trouble) => {
                (ExtendedError::NetworkError, format!("no upstream for {domain} can be used: {trouble}"))
            }
            None => (ExtendedError::NoReachableAuthority, silence(state, domain)),
        },
        FailureReason::Unusable(why) => {
            (ExtendedError::InvalidData, format!("no usable reply from the upstreams for {domain}: {why}"))
        }
        FailureReason::Rcode(rcode) => {
            (ExtendedError::Other, format!("the upstreams for {domain} say {rcode}"))
        }
    };
    (error.code(), text)
}

/// That no upstream replied.
pub(super) fn silence(state: &RouteState, domain: &DomainName) -> String {
    match state.members.len() {
        1 => format!("the only upstream for {domain} is silent"),
        count => format!("all {count} upstreams for {domain} silent"),
    }
}

/// What an upstream gives as its reason, marked as its own.
pub(super) fn said_upstream(reason: &ExtendedReason) -> String {
    if reason.text.is_empty() { "upstream".to_owned() } else { format!("upstream: {}", reason.text) }
}
