//! Cookies towards one server (RFC 7873 section 5.3, RFC 9018).

use std::sync::{Mutex, MutexGuard, PoisonError};

use rhumb_wire::edns::{self, OptRecord};

use super::health::millis;
use super::limits;

/// Bytes of a client cookie.
pub(super) const CLIENT: usize = 8;
/// The least and the most bytes of a server cookie.
const SERVER: std::ops::RangeInclusive<usize> = 8..=32;

/// The cookie of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SentCookie {
    client: [u8; CLIENT],
    /// Empty as long as the server gave none.
    server: Box<[u8]>,
}

/// What a reply says of the cookie of its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReplyCookie {
    /// The reply has no cookie, though its query had one.
    Absent,
    /// That of the query is in it, with this one of the server.
    Right(Box<[u8]>),
    /// Another than that of the query, or of a length that cannot be (RFC 7873 section 5.3).
    Wrong,
}

impl SentCookie {
    /// Whether the server gave a cookie before, so that its replies have one.
    pub(super) fn is_expected(&self) -> bool {
        !self.server.is_empty()
    }

    /// Bytes of its option.
    pub(super) fn length(&self) -> usize {
        4 + CLIENT + self.server.len()
    }

    /// Adds its option to a message.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        for word in [edns::COOKIE, (CLIENT + self.server.len()) as u16] {
            to.extend_from_slice(&word.to_be_bytes());
        }
        to.extend_from_slice(&self.client);
        to.extend_from_slice(&self.server);
    }

    /// Looks for it in a reply.
    pub(super) fn found_in(&self, reply: Option<OptRecord<'_>>) -> ReplyCookie {
        let Some(value) = reply.and_then(|reply| reply.options.find(edns::COOKIE)) else {
            return ReplyCookie::Absent;
        };
        match value.split_first_chunk::<CLIENT>() {
            Some((client, server)) if *client == self.client && SERVER.contains(&server.len()) => {
                ReplyCookie::Right(server.into())
            }
            _ => ReplyCookie::Wrong,
        }
    }
}

/// The cookies of a server, as far as they are known. Times are milliseconds of a clock that only grows.
#[derive(Debug, Default)]
pub(super) struct ServerCookies(Mutex<CookieState>);

#[derive(Debug, Default)]
struct CookieState {
    sent: Option<SentCookie>,
    /// When the client cookie is drawn anew, so that nobody can follow a client by it for long.
    renew_at: u64,
    /// Until when no cookies are sent.
    off_until: u64,
    /// Replies in a row that had none though the server gave one before.
    misses: u32,
}

impl ServerCookies {
    fn state(&self) -> MutexGuard<'_, CookieState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cookie for a query at `now`; none where the server is better asked without.
    pub(super) fn for_query(&self, now: u64, random: impl FnOnce() -> u64) -> Option<SentCookie> {
        let mut state = self.state();
        if state.off_until > now {
            return None;
        }
        if state.sent.is_none() || state.renew_at <= now {
            state.sent = Some(SentCookie { client: random().to_ne_bytes(), server: Box::default() });
            state.renew_at = now + millis(limits::COOKIE_LIFE);
        }
        state.sent.clone()
    }

    /// Whether the server gave one.
    pub(super) fn is_given(&self) -> bool {
        self.state().sent.as_ref().is_some_and(SentCookie::is_expected)
    }

    /// The server gave `server` in reply to `sent`.
    pub(super) fn given(&self, sent: &SentCookie, server: Box<[u8]>) {
        let mut state = self.state();
        state.misses = 0;
        if let Some(held) = state.sent.as_mut().filter(|held| held.client == sent.client) {
            held.server = server;
        }
    }

    /// A reply over a stream, which cannot be forged, has none or a wrong one although the server gave one before.
    pub(super) fn missed(&self, now: u64) {
        let mut state = self.state();
        state.misses += 1;
        state.sent = None;
        if state.misses >= limits::COOKIE_MISSES {
            state.misses = 0;
            state.off_until = now + millis(limits::COOKIE_OFF);
        }
    }

    /// The server answers queries without cookies and not those with.
    pub(super) fn unanswered(&self, now: u64) {
        let mut state = self.state();
        if !state.sent.as_ref().is_some_and(SentCookie::is_expected) {
            state.off_until = now + millis(limits::COOKIE_OFF);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(value: &[u8]) -> Vec<u8> {
        [&[0, 10, 0, value.len() as u8], value].concat()
    }

    #[test]
    fn a_reply_has_the_cookie_of_its_query() {
        let cookies = ServerCookies::default();
        let sent = cookies.for_query(0, || u64::from_ne_bytes(*b"client-1")).unwrap();
        let found = |value: &[u8]| {
            let options = reply(value);
            sent.found_in(Some(OptRecord::new(1232, 0, &options)))
        };
        assert_eq!(found(b"client-1serverxx"), ReplyCookie::Right((*b"serverxx").into()));
        assert_eq!(found(&[&b"client-1"[..], &[7; 32]].concat()), ReplyCookie::Right([7; 32].into()));
        for wrong in [&b"client-2serverxx"[..], b"client-1", b"client", b"", b"client-1serverx", &[b'x'; 41]]
        {
            assert_eq!(found(wrong), ReplyCookie::Wrong, "{wrong:?}");
        }
        let long = [&b"client-1"[..], &[7; 33]].concat();
        assert_eq!(found(&long), ReplyCookie::Wrong);
        assert_eq!(sent.found_in(None), ReplyCookie::Absent);
        assert_eq!(sent.found_in(Some(OptRecord::new(1232, 0, &[]))), ReplyCookie::Absent);
    }

    #[test]
    fn the_cookie_of_the_server_goes_back_to_it() {
        let cookies = ServerCookies::default();
        let first = cookies.for_query(0, || 1).unwrap();
        assert!(!first.is_expected() && !cookies.is_given());
        cookies.given(&first, [9; 16].into());
        let second = cookies.for_query(1, || 2).unwrap();
        assert!(second.is_expected() && cookies.is_given());
        let mut option = Vec::new();
        second.write(&mut option);
        assert_eq!(option, [&[0, 10, 0, 24][..], &1u64.to_ne_bytes(), &[9; 16]].concat());
        assert_eq!(option.len(), second.length());
        // A reply to a query before the client cookie was renewed gives nothing.
        let renewed = cookies.for_query(millis(limits::COOKIE_LIFE), || 3).unwrap();
        assert!(!renewed.is_expected());
        cookies.given(&second, [8; 16].into());
        assert!(!cookies.is_given());
    }

    #[test]
    fn a_server_that_has_none_any_more_is_asked_without() {
        let cookies = ServerCookies::default();
        for now in 0..u64::from(limits::COOKIE_MISSES) {
            assert!(cookies.for_query(now, || 1).is_some());
            cookies.missed(now);
        }
        assert!(cookies.for_query(10, || 1).is_none());
        assert!(cookies.for_query(10 + millis(limits::COOKIE_OFF), || 1).is_some());
    }

    #[test]
    fn one_that_leaves_queries_with_cookies_unanswered_is_asked_without() {
        let cookies = ServerCookies::default();
        let sent = cookies.for_query(0, || 1).unwrap();
        cookies.unanswered(0);
        assert!(cookies.for_query(1, || 1).is_none());
        let later = millis(limits::COOKIE_OFF);
        assert!(cookies.for_query(later, || 1).is_some());
        // Not one that gave a cookie before: somebody else may have lost the queries.
        cookies.given(&sent, [9; 8].into());
        cookies.unanswered(later);
        assert!(cookies.for_query(later, || 1).is_some());
    }
}
