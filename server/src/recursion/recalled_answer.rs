//! Answers out of what iteration learnt, for which nobody is asked.

use std::sync::Arc;

use rhumb_cache::AnswerTerms;
use rhumb_resolver::AttemptReport;
use rhumb_resolver::iterate::{self, IteratedAnswer, RecalledQuestion};
use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{NameRef, Rcode};

use super::lookup::{RECHECK_UNREACHABLE, UpstreamLookup};
use super::lookup_answer::{LookupAnswer, LookupMessage};
use crate::query::{add_reason, failure_message, is_own_name};
use crate::snapshot::{RouteState, cache_limits};

/// Why a client that does not want recursion gets nothing.
const NOTHING_KNOWN: &str = "recursion is not desired, and nothing is known of the name";

impl UpstreamLookup {
    /// What is known of the question, for a client that does not want recursion: the answer, or the servers to ask.
    pub(super) fn recalled(&self) -> LookupAnswer {
        let now = self.live.clock.now();
        let question = &self.key.question;
        if let Some(explained) = &self.key.explained {
            explained.add(question, iterate::known_steps(&self.live.resolver, question, now));
        }
        let known = self.recall(0).or_else(|| iterate::refer(&self.live.resolver, question, now));
        let (bytes, whole) = known.map_or_else(
            || {
                let mut message = failure_message(question, Rcode::SERVFAIL);
                add_reason(&mut message, ExtendedError::Other.code(), NOTHING_KNOWN);
                (message, false)
            },
            |known| (known.message, known.whole),
        );
        let aliases = self.check_aliases(&bytes, whole);
        let message = LookupMessage { bytes: bytes.into(), hit: None, stale: false, aliases };
        LookupAnswer { outcome: Ok(message), tried: Arc::default() }
    }

    /// What was known until a while ago (RFC 8767), with the reason why it is given.
    pub(super) fn recalled_stale(&self) -> Option<Vec<u8>> {
        let beyond = cache_limits(&self.live.snapshot.load().config.cache).serve_stale;
        let found = self.recall(beyond).filter(|found| beyond > 0 && found.whole)?;
        let denies = found.rcode == Rcode::NXDOMAIN;
        let error = if denies { ExtendedError::StaleNxdomain } else { ExtendedError::StaleAnswer };
        let mut message = found.message;
        add_reason(&mut message, error.code(), "");
        Some(message)
    }

    /// The stale answer where only its records were kept. It stands in for a short time, for most often servers cannot be reached.
    pub(super) fn stale_again(&self, state: &RouteState) -> Option<LookupAnswer> {
        let message = self.recalled_stale()?;
        Some(self.keep_stale(message, RECHECK_UNREACHABLE, state, Arc::default()))
    }

    /// Keeps a stale answer, which stands in for `ttl` seconds.
    pub(super) fn keep_stale(
        &self,
        answer: Vec<u8>,
        ttl: u32,
        state: &RouteState,
        tried: Arc<[AttemptReport]>,
    ) -> LookupAnswer {
        if self.lacks_addresses(&answer) {
            return self.not_kept(answer, true, tried).past_ttl();
        }
        let now = self.live.clock.now();
        let aliases = self.check_aliases(&answer, true);
        let terms = AnswerTerms { ttl, aliases, origin: state.failures, stands_in: true };
        let kept = self.live.cache.keep(&self.key(), &answer, terms, now);
        self.answered(answer, kept, aliases, tried).past_ttl()
    }

    fn recall(&self, beyond: u32) -> Option<IteratedAnswer> {
        let snapshot = self.live.snapshot.load_full();
        let (question, route) = (&self.key.question, self.route.id());
        let settings = Arc::clone(snapshot.iteration.recalling(snapshot.iteration.course(route))?);
        let own = |name: NameRef<'_>| is_own_name(&snapshot, name, question.qtype, route);
        let now = self.live.clock.now();
        let state = &self.live.resolver;
        RecalledQuestion { state, settings: &settings, question, own: &own, now }.recall(beyond)
    }
}
