//! The heads of responses with an answer, and of those that say why there is none.

use rhumb_wire::doh::{DohRejection, MEDIA_TYPE, METHODS, freshness};

/// What stands in the head of a response beside the length of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DohResponseHead {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    /// How long it may be kept, in seconds; none for one that must not be.
    pub(super) max_age: Option<u32>,
    /// The methods that are served, where it was another.
    pub(super) allow: Option<&'static str>,
}

impl DohResponseHead {
    /// That of a response with an answer.
    pub(super) fn of_answer(message: &[u8]) -> Self {
        Self { status: 200, content_type: MEDIA_TYPE, max_age: Some(freshness(message)), allow: None }
    }

    /// That of a response whose body says in words why there is no answer.
    pub(super) fn of_rejection(why: DohRejection) -> Self {
        let allow = (why == DohRejection::Method).then_some(METHODS);
        Self { status: why.status(), content_type: "text/plain; charset=utf-8", max_age: None, allow }
    }
}

/// The body of a response without an answer.
pub(super) fn rejection_text(why: DohRejection) -> String {
    format!("{why}\n")
}

/// What `cache-control` says.
pub(super) const NO_STORE: &str = "no-store";
/// What `cache-control` says, before a number of seconds.
pub(super) const MAX_AGE: &str = "max-age=";
