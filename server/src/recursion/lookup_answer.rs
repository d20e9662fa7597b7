//! What a look-up found, or why it found nothing.

use std::sync::Arc;

use rhumb_cache::CacheHit;
use rhumb_resolver::AttemptReport;
use rhumb_wire::Rcode;
use rhumb_wire::edns::ExtendedError;

use crate::metrics::{DropReason, LookupResult, ResponseSource};
use crate::query::{WaitedResponse, WaitingClient, answer_waiting, fail_waiting};
use crate::snapshot::ServerState;

/// A response code without an answer.
#[derive(Debug)]
pub(super) struct LookupFailure {
    pub(super) rcode: Rcode,
    /// Why, as far as this server knows.
    pub(super) error: Option<(ExtendedError, &'static str)>,
    /// Why, as the upstream says: an info code and its text.
    pub(super) said: Option<(u16, Box<str>)>,
    /// The response with that, in the cache's form.
    pub(super) message: Option<Vec<u8>>,
}

impl LookupFailure {
    /// Whether the cause is that signatures are wrong or missing, as far as it is told (RFC 8914 sections 4.7 to 4.13).
    pub(super) fn is_bogus(&self) -> bool {
        let bogus = ExtendedError::DnssecBogus.code()..=ExtendedError::NsecMissing.code();
        let is_bogus = |code| bogus.contains(&code) || code == ExtendedError::SignatureReversed.code();
        self.said.as_ref().is_some_and(|(code, _)| is_bogus(*code))
    }

    /// Writes the response to a client that waits, as [`fail_waiting`] does.
    pub(super) fn write(
        &self,
        client: &WaitingClient,
        live: &ServerState,
        out: &mut [u8],
    ) -> Result<WaitedResponse, DropReason> {
        // Of a client that follows aliases the question is another one.
        match &self.message {
            Some(message) if !client.follows => answer_waiting(client, live, message, None, out),
            _ => {
                let said = self.said.as_ref().map(|(code, text)| (*code, &**text));
                // The upstream's own words in place of ours.
                let error = self.error.filter(|_| said.is_none());
                fail_waiting(client, live, self.rcode, error, said, out)
            }
        }
    }
}

/// What a look-up found.
#[derive(Debug)]
pub(super) struct LookupAnswer {
    /// What was learnt, or why there is nothing.
    pub(super) outcome: Result<LookupMessage, LookupFailure>,
    pub(super) tried: Arc<[AttemptReport]>,
}

/// An answer in the cache's form.
#[derive(Debug)]
pub(super) struct LookupMessage {
    pub(super) bytes: Arc<[u8]>,
    /// What the cache says of it, if it came from there.
    pub(super) hit: Option<CacheHit>,
    /// It is past its TTL, and given because nothing better is to be had.
    pub(super) stale: bool,
    /// How its aliases were checked.
    pub(super) aliases: u32,
}

impl LookupMessage {
    /// What the cache has.
    pub(super) fn of_cache(bytes: Arc<[u8]>, hit: CacheHit) -> Self {
        Self { bytes, hit: Some(hit), stale: hit.stale || hit.stands_in, aliases: hit.aliases }
    }
}

/// Whether a failure says that servers could not be reached, or that this was so a moment ago.
pub(super) fn is_unreachable(code: u16) -> bool {
    let codes =
        [ExtendedError::NoReachableAuthority, ExtendedError::NetworkError, ExtendedError::CachedError];
    codes.iter().any(|unreachable| unreachable.code() == code)
}

impl LookupAnswer {
    /// The message, where there is one that is not stale.
    pub(super) fn message(&self) -> Option<&[u8]> {
        let message = self.outcome.as_ref().ok()?;
        message.hit.is_none_or(|hit| !hit.stale).then_some(&*message.bytes)
    }

    /// The message, stale or not.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.outcome.as_ref().ok().map(|message| &*message.bytes)
    }

    /// The same, past its TTL.
    pub(super) fn past_ttl(mut self) -> Self {
        if let Ok(message) = &mut self.outcome {
            message.stale = true;
        }
        self
    }

    /// Whether the answer is past its TTL.
    pub(super) fn is_stale(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|message| message.stale)
    }

    /// Where it comes from.
    pub(super) fn source(&self) -> ResponseSource {
        match &self.outcome {
            Ok(message) if message.hit.is_some() || message.stale => ResponseSource::Cache,
            Ok(_) => ResponseSource::Upstream,
            Err(_) => ResponseSource::Server,
        }
    }

    /// As a look-up is counted that ended so.
    pub(super) fn result(&self) -> LookupResult {
        match &self.outcome {
            Ok(message) if message.stale => LookupResult::Stale,
            Ok(_) => LookupResult::Answered,
            Err(_) => LookupResult::Failed,
        }
    }

    /// A failure that was not looked up.
    pub(super) const fn failure(
        rcode: Rcode,
        error: (ExtendedError, &'static str),
        tried: Arc<[AttemptReport]>,
    ) -> Self {
        let failure = LookupFailure { rcode, error: Some(error), said: None, message: None };
        Self { outcome: Err(failure), tried }
    }
}
