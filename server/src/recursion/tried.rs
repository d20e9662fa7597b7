//! What was tried to find an answer, in words.

use std::sync::Arc;

use rhumb_resolver::{AttemptOutcome, AttemptReport};
use serde::Serialize;

/// An attempt as `explain` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct TriedServer {
    /// The upstream's address.
    pub upstream: String,
    /// How it was asked, such as `udp`.
    pub transport: &'static str,
    /// What came of it.
    pub outcome: String,
    /// Milliseconds it took.
    pub ms: f64,
}

/// The attempts of a look-up.
pub(super) fn tried(attempts: &[AttemptReport]) -> Arc<[TriedServer]> {
    attempts
        .iter()
        .map(|attempt| TriedServer {
            upstream: attempt.server.identity().to_string(),
            transport: attempt.transport.name(),
            outcome: outcome_words(attempt.outcome),
            ms: attempt.elapsed.as_secs_f64() * 1000.0,
        })
        .collect()
}

/// What came of an attempt, in words.
pub fn outcome_words(outcome: AttemptOutcome) -> String {
    match outcome {
        AttemptOutcome::Answered(rcode) => format!("answered {rcode}"),
        AttemptOutcome::Refused(rcode) => format!("passed over: {rcode}"),
        AttemptOutcome::WithoutEdns(rcode) => format!("{rcode}, asked again without EDNS"),
        AttemptOutcome::StaleCookie => "BADCOOKIE, asked again".to_owned(),
        AttemptOutcome::Truncated => "truncated, asked again over TCP".to_owned(),
        AttemptOutcome::Suspicious(why) => format!("{why}, asked again over TCP"),
        AttemptOutcome::Malformed => "malformed".to_owned(),
        AttemptOutcome::Unusable(why) => format!("unusable: {why}"),
        AttemptOutcome::TimedOut => "timed out".to_owned(),
        AttemptOutcome::ConnectionRefused => "connection refused".to_owned(),
        AttemptOutcome::Unreachable => "unreachable".to_owned(),
        AttemptOutcome::NoSession(why) => format!("no session: {why}"),
        AttemptOutcome::Closed => "the connection was closed without a reply".to_owned(),
        AttemptOutcome::HttpStatus(status) => format!("HTTP status {status}"),
        AttemptOutcome::NoMessage => "a response without a message".to_owned(),
        AttemptOutcome::Error(kind) => kind.to_string(),
        AttemptOutcome::NoRoute => "no route, nothing sent".to_owned(),
        AttemptOutcome::ServerFull => "too many queries to it are under way, nothing sent".to_owned(),
        AttemptOutcome::AllFull => "too many queries are under way, nothing sent".to_owned(),
        AttemptOutcome::Overtaken => "another answer came first".to_owned(),
    }
}
