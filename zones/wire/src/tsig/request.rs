//! Requests: signed by those who ask, verified by those who answer.

use std::sync::Arc;

use super::algorithm::TsigAlgorithm;
use super::error::{TsigError, TsigFormatError};
use super::hmac_state::MacValue;
use super::key::{TsigKey, TsigKeyring};
use super::record::{FUDGE, SignedNumbers, TsigRecord, append, update_received, update_variables};
use super::response::ResponseVerifier;
use super::signer::TsigSigner;
use crate::header::MessageHeader;
use crate::writer::BufferFull;

/// Why a request is not carried out.
#[derive(Debug)]
pub enum RequestRejection {
    /// To be answered with FORMERR and without TSIG.
    Format(TsigFormatError),
    /// To be answered with NOTAUTH and an unsigned TSIG, see [`super::write_unsigned_error`] (RFC 8945 section 5.3.2).
    Unsigned(TsigError),
    /// To be answered with NOTAUTH, signed.
    Signed(TsigError, TsigSigner),
}

impl RequestRejection {
    /// What signs the response, if it is signed.
    pub const fn signer(&self) -> Option<&TsigSigner> {
        match self {
            Self::Signed(_, signer) => Some(signer),
            Self::Format(_) | Self::Unsigned(_) => None,
        }
    }

    /// The error of TSIG; none for FORMERR.
    pub const fn error(&self) -> Option<TsigError> {
        match self {
            Self::Format(_) => None,
            Self::Unsigned(error) | Self::Signed(error, _) => Some(*error),
        }
    }
}

/// Verifies the signature of a request; `record` is what [`TsigRecord::find`] found in `message`, `now` is in seconds since
/// 1970. Key, MAC, time and length of the MAC are checked in that order (RFC 8945 section 5.2).
///
/// Errors: see [`RequestRejection`], which says how to answer.
pub fn verify_request(
    message: &[u8],
    record: &TsigRecord<'_>,
    keys: &TsigKeyring,
    now: u64,
) -> Result<TsigSigner, RequestRejection> {
    let algorithm = TsigAlgorithm::from_name(record.algorithm);
    let length = record.mac.len();
    if algorithm.is_some_and(|known| !(known.least_mac_length()..=known.mac_length()).contains(&length)) {
        return Err(RequestRejection::Format(TsigFormatError::MacLength));
    }
    let key = keys.find(record.key_name()).filter(|key| Some(key.algorithm()) == algorithm);
    let key = key.ok_or(RequestRejection::Unsigned(TsigError::BadKey))?;
    let mut state = key.state().clone();
    update_received(&mut state, message, record);
    update_variables(&mut state, key, &record.numbers());
    if !state.verify(record.mac) {
        return Err(RequestRejection::Unsigned(TsigError::BadSignature));
    }
    let mac = MacValue::new(record.mac);
    let error = if !record.is_timely(now) {
        TsigError::BadTime
    } else if length < key.least_mac() {
        TsigError::BadTruncation
    } else {
        return Ok(TsigSigner::new(Arc::clone(key), mac));
    };
    let signer = TsigSigner::with_error(Arc::clone(key), mac, error, record.time);
    Err(RequestRejection::Signed(error, signer))
}

/// Signs the request of `length` bytes in `buffer`, complete but for TSIG: appends the record and counts it. Gives the new
/// length, and what verifies the response. `now` is in seconds since 1970.
///
/// Errors: `BufferFull`, and nothing was written.
pub fn sign_request(
    key: &Arc<TsigKey>,
    buffer: &mut [u8],
    length: usize,
    now: u64,
) -> Result<(usize, ResponseVerifier), BufferFull> {
    let message = buffer.get(..length).ok_or(BufferFull)?;
    let id = MessageHeader::parse(message).ok_or(BufferFull)?.id;
    let numbers = SignedNumbers { time: now, fudge: FUDGE, error: 0, other: &[] };
    let mut state = key.state().clone();
    state.update(message);
    update_variables(&mut state, key, &numbers);
    let mac = state.finish();
    let names = (key.name().as_bytes(), key.algorithm().wire_name());
    let end = append(buffer, length, names, &numbers, mac.as_bytes(), id)?;
    Ok((end, ResponseVerifier::new(Arc::clone(key), mac)))
}
