//! Verifying the messages of a response.

use std::sync::Arc;

use super::algorithm::TsigAlgorithm;
use super::error::{ResponseError, TsigError, TsigFormatError};
use super::hmac_state::{HmacState, MacValue};
use super::key::TsigKey;
use super::record::{TsigRecord, update_mac, update_received, update_timers, update_variables};

/// Messages in a row that need no signature of their own (RFC 8945 section 5.3.1).
const MOST_UNSIGNED: u32 = 99;

/// Verifies the response to one request, or each message of it.
#[derive(Debug, Clone)]
pub struct ResponseVerifier {
    key: Arc<TsigKey>,
    /// That of the request, then that of the last message that was signed.
    previous: MacValue,
    /// HMAC over `previous` and the messages since that were not signed.
    pending: Option<Box<HmacState>>,
    is_first: bool,
    unsigned: u32,
}

impl ResponseVerifier {
    pub(super) const fn new(key: Arc<TsigKey>, request_mac: MacValue) -> Self {
        Self { key, previous: request_mac, pending: None, is_first: true, unsigned: 0 }
    }

    /// Takes the next message of a response. Gives where it ends without its TSIG; of a message without one, which may only
    /// stand between two with one, the whole length. `now` is in seconds since 1970.
    ///
    /// Errors: see [`ResponseError`]; nothing of the response is then to be used.
    pub fn verify(&mut self, message: &[u8], now: u64) -> Result<usize, ResponseError> {
        let Some(record) = TsigRecord::find(message)? else { return self.unsigned(message) };
        let algorithm = self.key.algorithm();
        if record.key_name() != self.key.name()
            || TsigAlgorithm::from_name(record.algorithm) != Some(algorithm)
        {
            return Err(ResponseError::OtherKey);
        }
        let error = TsigError::from_code(record.error);
        if let Some(error) = error.filter(|_| record.mac.is_empty()) {
            return Err(ResponseError::Rejected(error));
        }
        if !(algorithm.least_mac_length()..=algorithm.mac_length()).contains(&record.mac.len()) {
            return Err(TsigFormatError::MacLength.into());
        }
        let mut state = self.state();
        update_received(&mut state, message, &record);
        if self.is_first {
            update_variables(&mut state, &self.key, &record.numbers());
        } else {
            update_timers(&mut state, &record.numbers());
        }
        if !state.verify(record.mac) {
            return Err(ResponseError::BadSignature);
        }
        if let Some(error) = error {
            return Err(ResponseError::RejectedSigned { error, server_time: record.server_time() });
        }
        if !record.is_timely(now) {
            return Err(ResponseError::BadTime);
        }
        if record.mac.len() < self.key.least_mac() {
            return Err(ResponseError::BadTruncation);
        }
        (self.previous, self.pending) = (MacValue::new(record.mac), None);
        (self.is_first, self.unsigned) = (false, 0);
        Ok(record.at)
    }

    /// Whether the response may end here: its last message was signed.
    pub const fn is_complete(&self) -> bool {
        !self.is_first && self.unsigned == 0
    }

    fn unsigned(&mut self, message: &[u8]) -> Result<usize, ResponseError> {
        if self.is_first || self.unsigned >= MOST_UNSIGNED {
            return Err(ResponseError::NotSigned);
        }
        let mut state = self.state();
        state.update(message);
        self.pending = Some(Box::new(state));
        self.unsigned += 1;
        Ok(message.len())
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
