//! Signed queries (RFC 8945): verified before anything else is done with them, their responses signed last of all.

use std::time::{SystemTime, UNIX_EPOCH};

use rhumb_wire::header;
use rhumb_wire::tsig::{
    RequestRejection, TsigError, TsigFormatError, TsigKeyring, TsigRecord, TsigSigner, verify_request,
    write_unsigned_error,
};

use super::outcome::{IncompleteResponse, MessageSource, QueryOutcome};
use crate::metrics::DropReason;

/// A query whose signature is good.
#[derive(Debug)]
pub(super) struct VerifiedQuery {
    /// The query without its TSIG.
    pub(super) message: Vec<u8>,
    /// Signs the response.
    pub(super) signer: TsigSigner,
}

/// Verifies the signature of a query.
///
/// Errors: see [`RequestRejection`], which says how to respond.
pub(super) fn verify(message: &[u8], keys: &TsigKeyring) -> Result<VerifiedQuery, RequestRejection> {
    let record = record_of(message).map_err(RequestRejection::Format)?;
    let signer = verify_request(message, &record, keys, unix_time())?;
    let mut message = message.get(..record.at).unwrap_or_default().to_vec();
    if let Some(count) = message.get_mut(header::LENGTH - 2..header::LENGTH) {
        let additionals = count.iter().fold(0, |value: u16, byte| value << 8 | u16::from(*byte));
        count.copy_from_slice(&additionals.saturating_sub(1).to_be_bytes());
    }
    Ok(VerifiedQuery { message, signer })
}

/// The TSIG of a message that has one.
fn record_of(message: &[u8]) -> Result<TsigRecord<'_>, TsigFormatError> {
    TsigRecord::find(message)?.ok_or(TsigFormatError::Position)
}

/// Signs what becomes of a query: its response, each of its response messages, or later the response of one that waits.
pub(super) fn sign_outcome(outcome: QueryOutcome, mut signer: TsigSigner, out: &mut [u8]) -> QueryOutcome {
    match outcome {
        QueryOutcome::Reply(length) => match sign(&mut signer, length, out) {
            Some(length) => QueryOutcome::Reply(length),
            None => QueryOutcome::Drop(DropReason::SendFailed),
        },
        QueryOutcome::Messages(source) => QueryOutcome::Messages(Box::new(SignedMessages { source, signer })),
        QueryOutcome::Wait(mut waiting) => {
            waiting.client.signer = Some(Box::new(signer));
            QueryOutcome::Wait(waiting)
        }
        QueryOutcome::Drop(reason) => QueryOutcome::Drop(reason),
    }
}

/// Signs the message of `length` bytes in `out`. Gives the new length; none where the room that was kept is not there.
pub(super) fn sign(signer: &mut TsigSigner, length: usize, out: &mut [u8]) -> Option<usize> {
    signer.sign(out, length, unix_time()).ok()
}

/// Appends a TSIG without MAC that says what is wrong with that of `request` (RFC 8945 section 5.3.2), if the response stays
/// within `limit`. Gives the new length.
pub(super) fn append_error(
    request: &[u8],
    error: TsigError,
    length: usize,
    limit: usize,
    out: &mut [u8],
) -> usize {
    let Ok(record) = record_of(request) else { return length };
    let limit = limit.min(out.len());
    let room = out.get_mut(..limit).unwrap_or_default();
    write_unsigned_error(&record, error, room, length).unwrap_or(length)
}

/// Response messages that are signed one by one.
#[derive(Debug)]
struct SignedMessages {
    source: Box<dyn MessageSource>,
    signer: TsigSigner,
}

impl MessageSource for SignedMessages {
    fn next_message(&mut self, out: &mut [u8]) -> Result<Option<usize>, IncompleteResponse> {
        let Some(length) = self.source.next_message(out)? else { return Ok(None) };
        sign(&mut self.signer, length, out).map(Some).ok_or(IncompleteResponse)
    }
}

/// Seconds since 1970, which signatures are held against.
fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
