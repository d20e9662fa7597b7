//! What the EDNS options of a query ask of its answer.

use rhumb_wire::QueryMessage;
use rhumb_wire::edns::{COOKIE, EXPIRE, EdnsOptions, NSID, PADDING, TCP_KEEPALIVE};

use super::client::QueryClient;
use super::context::unix_seconds;
use crate::cookies::{CheckedCookie, CookieLengthError};
use crate::snapshot::QuerySettings;

/// What the options ask for and this server gives. Options that are unknown ask for nothing (RFC 6891 section 6.1.2), and of one
/// that comes twice the first counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct EdnsContext {
    /// The name of the server (RFC 5001).
    pub(super) nsid: bool,
    /// How long the connection may be idle (RFC 7828 section 3.2.1: by TCP alone).
    pub(super) keepalive: bool,
    /// Padding (RFC 7830 section 6: where nobody can look inside).
    pub(super) padding: bool,
    /// When the zone expires here (RFC 7314).
    pub(super) expire: bool,
    /// The cookie that goes back.
    pub(super) cookie: Option<CheckedCookie>,
    /// Bytes of the TSIG that the response is signed with; 0 without one.
    pub(super) signature: u16,
}

impl EdnsContext {
    /// Reads the options. Those of another version than 0 mean nothing. Errors: a cookie of a wrong length.
    #[inline]
    pub(super) fn of(
        query: &QueryMessage<'_>,
        client: &QueryClient<'_>,
        settings: &QuerySettings,
    ) -> Result<Self, CookieLengthError> {
        match query.edns {
            Some(edns) if !edns.options.is_empty() && edns.version == 0 => {
                Self::read(edns.options, client, settings)
            }
            _ => Ok(Self::default()),
        }
    }

    fn read(
        options: EdnsOptions<'_>,
        client: &QueryClient<'_>,
        settings: &QuerySettings,
    ) -> Result<Self, CookieLengthError> {
        let mut edns_context = Self::default();
        let mut cookie = None;
        for (code, value) in options {
            match code {
                NSID => edns_context.nsid = settings.nsid.is_some(),
                TCP_KEEPALIVE => edns_context.keepalive = client.transport().has_keepalive(),
                EXPIRE => edns_context.expire = true,
                PADDING => edns_context.padding = client.transport().is_encrypted(),
                COOKIE => cookie = cookie.or(Some(value)),
                _ => {}
            }
        }
        if let (Some(value), Some(cookies)) = (cookie, &settings.cookies) {
            edns_context.cookie = Some(cookies.check(value, client.ip(), unix_seconds())?);
        }
        Ok(edns_context)
    }

    /// Whether nothing is asked for that needs room in the answer.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        !self.nsid && !self.keepalive && !self.expire && self.cookie.is_none()
    }

    /// Whether the client has shown that its address is its own.
    pub(super) fn proven(&self) -> bool {
        self.cookie.is_some_and(|cookie| cookie.valid)
    }
}
