//! Signing the messages of a response.

use std::sync::Arc;

use super::error::TsigError;
use super::hmac_state::{HmacState, MacValue};
use super::key::TsigKey;
use super::record::{FUDGE, SignedNumbers, append, time_bytes, update_mac, update_timers, update_variables};
use crate::header::MessageHeader;
use crate::writer::BufferFull;

/// Signs the response to one request, or each message of it.
#[derive(Debug, Clone)]
pub struct TsigSigner {
    key: Arc<TsigKey>,
    /// That of the request, then that of the last message that was signed.
    previous: MacValue,
    /// HMAC over `previous` and the messages since that were not signed.
    pending: Option<Box<HmacState>>,
    is_first: bool,
    /// What the response says, and when the request was signed.
    error: Option<(TsigError, u64)>,
}

impl TsigSigner {
    /// For the response to a request with this MAC.
    pub(super) const fn new(key: Arc<TsigKey>, request_mac: MacValue) -> Self {
        Self { key, previous: request_mac, pending: None, is_first: true, error: None }
    }

    /// For a response that says what was wrong with a request, signed at `time`.
    pub(super) const fn with_error(key: Arc<TsigKey>, mac: MacValue, error: TsigError, time: u64) -> Self {
        Self { key, previous: mac, pending: None, is_first: true, error: Some((error, time)) }
    }

    /// The key that the request was signed with.
    pub const fn key(&self) -> &Arc<TsigKey> {
        &self.key
    }

    /// Bytes of the record that [`Self::sign`] adds: the room to keep free.
    pub fn record_length(&self) -> usize {
        let time = matches!(self.error, Some((TsigError::BadTime, _)));
        self.key.signed_length() + if time { 6 } else { 0 }
    }

    /// Signs the message of `length` bytes in `buffer`, complete but for TSIG: appends the record and counts it. Gives the new
    /// length. `now` is in seconds since 1970.
    ///
    /// Errors: `BufferFull`, and nothing was written.
    pub fn sign(&mut self, buffer: &mut [u8], length: usize, now: u64) -> Result<usize, BufferFull> {
        let message = buffer.get(..length).ok_or(BufferFull)?;
        let id = MessageHeader::parse(message).ok_or(BufferFull)?.id;
        let server_time = time_bytes(now);
        let numbers = match self.error {
            // The client's time, and the server's as other data (RFC 8945 section 5.2.3).
            Some((error @ TsigError::BadTime, time)) => {
                SignedNumbers { time, fudge: FUDGE, error: error.code(), other: &server_time }
            }
            Some((error, _)) => SignedNumbers { time: now, fudge: FUDGE, error: error.code(), other: &[] },
            None => SignedNumbers { time: now, fudge: FUDGE, error: 0, other: &[] },
        };
        let mut state = self.state();
        state.update(message);
        if self.is_first {
            update_variables(&mut state, &self.key, &numbers);
        } else {
            update_timers(&mut state, &numbers);
        }
        let mac = state.finish();
        let names = (self.key.name().as_bytes(), self.key.algorithm().wire_name());
        let end = append(buffer, length, names, &numbers, mac.as_bytes(), id)?;
        (self.previous, self.pending, self.is_first) = (mac, None, false);
        Ok(end)
    }

    /// Takes in a message of a response in several that goes out without a signature, to be signed with the next one that has
    /// one (RFC 8945 section 5.3.1). The first and the last have to be signed, and one in a hundred.
    pub fn pass(&mut self, message: &[u8]) {
        let mut state = self.state();
        state.update(message);
        self.pending = Some(Box::new(state));
    }

    fn state(&self) -> HmacState {
        if let Some(state) = &self.pending {
            return (**state).clone();
        }
        let mut state = self.key.state().clone();
        update_mac(&mut state, &self.previous);
        state
    }
}
