//! Server cookies in the form that servers of several makers share (RFC 9018), so that an anycast set may mix them.

use std::net::IpAddr;

use rhumb_config::CookieSecret;
use siphasher::sip::SipHasher24;

/// Bytes of a client cookie (RFC 7873 section 4).
const CLIENT: usize = 8;
/// Bytes of a server cookie of the shared form (RFC 9018 section 4).
const SERVER: usize = 16;
/// The version of the shared form.
const VERSION: u8 = 1;
/// For how many seconds a cookie is good (RFC 9018 section 4.3).
const LIFE: i32 = 3600;
/// From which age in seconds on it is renewed.
const RENEWED: i32 = 1800;
/// How many seconds ahead the clock of another server of the set may be.
const AHEAD: i32 = 300;

/// The value of an option that goes back: the client's cookie and the server's.
pub type CookieReply = [u8; CLIENT + SERVER];

/// What the value of a COOKIE option came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedCookie {
    /// Whether it held a server cookie made here for this client, so that its address is its own.
    pub valid: bool,
    /// What goes back.
    pub reply: CookieReply,
}

/// The value is neither a client cookie nor that with a server cookie (RFC 7873 section 5.2.2: FORMERR).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cookie of a length that there is not")]
pub struct CookieLengthError;

/// The secrets that cookies are made with: the first makes them, all are accepted.
#[derive(Debug, Clone)]
pub struct ServerCookies {
    secrets: Box<[CookieSecret]>,
}

impl ServerCookies {
    /// Cookies made with the first of `secrets`. `None` without any.
    pub fn new(secrets: &[CookieSecret]) -> Option<Self> {
        (!secrets.is_empty()).then(|| Self { secrets: secrets.into() })
    }

    /// Checks the value of an option that `client` sent, at `now` in seconds since 1970 (they may wrap).
    ///
    /// A cookie that is good and less than half an hour old goes back as it came; else a new one is made. One that is not good
    /// is as none (RFC 7873 section 5.2.4). Errors: the length.
    pub fn check(&self, value: &[u8], client: IpAddr, now: u32) -> Result<CheckedCookie, CookieLengthError> {
        let (&cookie, theirs) = value.split_first_chunk::<CLIENT>().ok_or(CookieLengthError)?;
        if !theirs.is_empty() && !(8..=32).contains(&theirs.len()) {
            return Err(CookieLengthError);
        }
        let (valid, reply) = match <[u8; SERVER]>::try_from(theirs) {
            Ok(server) => self.check_server(cookie, server, client, now),
            Err(_) => (false, None),
        };
        Ok(CheckedCookie { valid, reply: reply.unwrap_or_else(|| self.make(cookie, client, now)) })
    }

    /// Whether the server's cookie is good, and what goes back if it may be kept.
    fn check_server(
        &self,
        cookie: [u8; CLIENT],
        server: [u8; SERVER],
        client: IpAddr,
        now: u32,
    ) -> (bool, Option<CookieReply>) {
        let [version, r0, r1, r2, t0, t1, t2, t3, hash @ ..] = server;
        let made = u32::from_be_bytes([t0, t1, t2, t3]);
        // Serial numbers (RFC 1982): the difference is right beyond the year 2106 too.
        let age = now.wrapping_sub(made).cast_signed();
        if version != VERSION || !(-AHEAD..=LIFE).contains(&age) {
            return (false, None);
        }
        let fixed = [version, r0, r1, r2, t0, t1, t2, t3];
        let found = self.secrets.iter().position(|secret| hash_of(secret, cookie, fixed, client) == hash);
        let keep = found == Some(0) && age <= RENEWED;
        (found.is_some(), keep.then(|| joined(cookie, fixed, hash)))
    }

    fn make(&self, cookie: [u8; CLIENT], client: IpAddr, now: u32) -> CookieReply {
        let [t0, t1, t2, t3] = now.to_be_bytes();
        let fixed = [VERSION, 0, 0, 0, t0, t1, t2, t3];
        let hash = self.secrets.first().map_or([0; 8], |secret| hash_of(secret, cookie, fixed, client));
        joined(cookie, fixed, hash)
    }
}

fn joined(cookie: [u8; CLIENT], fixed: [u8; 8], hash: [u8; 8]) -> CookieReply {
    let mut reply = [0; CLIENT + SERVER];
    if let ([first, second, third], []) = reply.as_chunks_mut::<8>() {
        (*first, *second, *third) = (cookie, fixed, hash);
    }
    reply
}

/// The hash of RFC 9018 section 4.4: over the client's cookie, what stands before the hash, and the client's address.
fn hash_of(secret: &CookieSecret, cookie: [u8; CLIENT], fixed: [u8; 8], client: IpAddr) -> [u8; 8] {
    let mut input = [0; CLIENT + 8 + 16];
    let (head, tail) = input.split_at_mut(CLIENT + 8);
    if let ([first, second], []) = head.as_chunks_mut::<8>() {
        (*first, *second) = (cookie, fixed);
    }
    let length = match client.to_canonical() {
        IpAddr::V4(address) => fill(tail, &address.octets()),
        IpAddr::V6(address) => fill(tail, &address.octets()),
    };
    let input = input.get(..CLIENT + 8 + length).unwrap_or(&input);
    SipHasher24::new_with_key(secret.key()).hash(input).to_le_bytes()
}

/// Copies an address to the beginning of `place`; its length.
fn fill(place: &mut [u8], address: &[u8]) -> usize {
    if let Some(place) = place.get_mut(..address.len()) {
        place.copy_from_slice(address);
    }
    address.len()
}

#[cfg(test)]
mod tests;
