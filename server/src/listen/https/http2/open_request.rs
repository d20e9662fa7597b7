//! A request whose body is still coming.

use rhumb_wire::doh::{DohRejection, DohRequest};
use tokio::time::Instant;

use super::replies::RepliedRequest;
use crate::listen::https::bounds::{LARGE, LONGEST, PASSED_OVER};
use crate::listen::https::connection::AskedQuery;

/// What is known of it.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) request: RepliedRequest,
    pub(super) found: Result<AskedQuery, DohRejection>,
    /// As much of the query as is here.
    pub(super) query: Vec<u8>,
    /// How much came that is no query.
    pub(super) passed: usize,
    /// Whether it is one of the few large ones.
    pub(super) is_large: bool,
    /// Whether more may come to be passed over.
    pub(super) is_passed_over: bool,
    /// When it has to be whole.
    pub(super) due: Instant,
}

/// What a request needs to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NeededRoom {
    None,
    /// Room for a large query.
    Large,
    /// Room for what is passed over.
    PassedOver,
    /// It is not listened to any more.
    Enough,
}

impl OpenRequest {
    /// Its head is there, and `query` where that has it.
    pub(super) const fn new(
        request: RepliedRequest,
        found: Result<AskedQuery, DohRejection>,
        query: Vec<u8>,
        due: Instant,
    ) -> Self {
        Self { request, found, query, passed: 0, is_large: false, is_passed_over: false, due }
    }

    /// Whether the query is in the body.
    pub(super) const fn has_body(&self) -> bool {
        matches!(self.found, Ok((_, DohRequest::Body)))
    }

    /// Takes some of the body.
    pub(super) fn take(&mut self, content: &[u8]) {
        if !self.has_body() {
            self.passed += content.len();
        } else if self.query.len() + content.len() <= LONGEST {
            self.query.extend_from_slice(content);
        } else {
            self.found = Err(DohRejection::Length);
            self.query = Vec::new();
        }
    }

    /// What has to be done so that more of it can come.
    pub(super) fn needs(&self) -> NeededRoom {
        if self.has_body() {
            let is_large = self.query.len() >= LARGE && !self.is_large;
            return if is_large { NeededRoom::Large } else { NeededRoom::None };
        }
        // One that was large before has had its room.
        let is_due = self.is_large || self.passed >= LARGE;
        if self.passed > PASSED_OVER {
            NeededRoom::Enough
        } else if is_due && !self.is_passed_over {
            NeededRoom::PassedOver
        } else {
            NeededRoom::None
        }
    }
}
