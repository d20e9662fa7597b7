//! What is counted of the messages to a server, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rhumb_wire::Rcode;

/// The response codes that are counted apart, in the order of [`TransportCounts::responses`]; the last takes all others.
pub const RCODE_CLASSES: [&str; 7] =
    ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "other"];

/// Where `rcode` is counted: an index of [`RCODE_CLASSES`].
pub fn rcode_class(rcode: Rcode) -> usize {
    usize::from(rcode.0).min(RCODE_CLASSES.len() - 1)
}

/// Messages to one server over one transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportCounts {
    /// Queries sent.
    pub queries: u64,
    /// Replies by response code, see [`RCODE_CLASSES`].
    pub responses: [u64; RCODE_CLASSES.len()],
    /// Queries whose reply was not there in time.
    pub timeouts: u64,
    /// Queries that ended in an error of the network.
    pub errors: u64,
    /// Replies with TC set.
    pub truncated: u64,
    /// Datagrams with a wrong id.
    pub wrong_ids: u64,
    /// Replies whose question is in another case than it was sent in.
    pub wrong_cases: u64,
    /// Replies without the cookie that they should have.
    pub wrong_cookies: u64,
    /// Datagrams with the right id and another question, or that are no reply at all.
    pub strays: u64,
    /// Replies that cannot be read, or have the right id and question and hold no usable answer.
    pub unusable: u64,
}

#[derive(Debug, Default)]
pub(super) struct TransportCounters {
    pub(super) queries: SharedCounter,
    responses: [SharedCounter; RCODE_CLASSES.len()],
    pub(super) timeouts: SharedCounter,
    pub(super) errors: SharedCounter,
    pub(super) truncated: SharedCounter,
    pub(super) wrong_ids: SharedCounter,
    pub(super) wrong_cases: SharedCounter,
    pub(super) wrong_cookies: SharedCounter,
    pub(super) strays: SharedCounter,
    pub(super) unusable: SharedCounter,
}

impl TransportCounters {
    pub(super) fn response(&self, rcode: Rcode) {
        if let Some(counter) = self.responses.get(rcode_class(rcode)) {
            counter.add();
        }
    }

    pub(super) fn read(&self) -> TransportCounts {
        TransportCounts {
            queries: self.queries.get(),
            responses: self.responses.each_ref().map(SharedCounter::get),
            timeouts: self.timeouts.get(),
            errors: self.errors.get(),
            truncated: self.truncated.get(),
            wrong_ids: self.wrong_ids.get(),
            wrong_cases: self.wrong_cases.get(),
            wrong_cookies: self.wrong_cookies.get(),
            strays: self.strays.get(),
            unusable: self.unusable.get(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct SharedCounter(AtomicU64);

impl SharedCounter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
