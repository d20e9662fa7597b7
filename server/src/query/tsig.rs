//! Signed queries (RFC 8945): verified before anything else is done with them, their responses signed last of all.

use std::time::{SystemTime, UNIX_EPOCH};

use rhumb_wire::tsig::{
    RequestRejection, TsigAlgorithm, TsigError, TsigFormatError, TsigKeyring, TsigRecord, TsigSigner,
    verify_request, write_unsigned_error,
};
use rhumb_wire::{DomainName, header};

use super::outcome::{IncompleteResponse, MessageSource, QueryOutcome, WaitingWork};
use crate::metrics::{DropReason, TsigReason};
use crate::snapshot::RequestSignature;

/// A query whose signature is good.
#[derive(Debug)]
pub(super) struct VerifiedQuery {
    /// The query without its TSIG.
    pub(super) message: Vec<u8>,
    /// Signs the response.
    pub(super) signer: TsigSigner,
    /// By which it is known if it comes again.
    pub(super) signature: RequestSignature,
}

/// A query whose signature is not good.
#[derive(Debug)]
pub(super) struct RejectedQuery {
    /// How to respond.
    pub(super) rejection: RequestRejection,
    /// What the operator is told.
    pub(super) failure: SignatureFailure,
}

/// What is wrong with a signature: the one cause, in words for the operators of both sides.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignatureFailure {
    #[error("no key is called {0}")]
    UnknownKey(DomainName),
    #[error("the key {0} is of {1}, and the request is signed with another algorithm")]
    OtherAlgorithm(DomainName, TsigAlgorithm),
    #[error("the MAC is wrong: the two sides have different secrets for the key {0}")]
    WrongMac(DomainName),
    #[error("signed with the key {0} by a clock that is {1} s {2}")]
    Clock(DomainName, u64, &'static str),
    #[error("the MAC made with the key {0} is too short")]
    ShortMac(DomainName),
    #[error("{0}")]
    Malformed(TsigFormatError),
}

impl SignatureFailure {
    /// What kept `record` from being verified.
    fn of(record: &TsigRecord<'_>, rejection: &RequestRejection, keys: &TsigKeyring, now: u64) -> Self {
        let name = DomainName::from(record.key_name());
        let error = match rejection {
            RequestRejection::Format(error) => return Self::Malformed(*error),
            RequestRejection::Unsigned(error) | RequestRejection::Signed(error, _) => *error,
        };
        match error {
            TsigError::BadKey => match keys.find(record.key_name()) {
                Some(key) => Self::OtherAlgorithm(name, key.algorithm()),
                None => Self::UnknownKey(name),
            },
            TsigError::BadSignature => Self::WrongMac(name),
            TsigError::BadTime => {
                let side = if record.time < now { "behind" } else { "ahead" };
                Self::Clock(name, now.abs_diff(record.time), side)
            }
            TsigError::BadTruncation => Self::ShortMac(name),
        }
    }

    pub(super) const fn reason(&self) -> TsigReason {
        match self {
            Self::UnknownKey(_) => TsigReason::UnknownKey,
            Self::OtherAlgorithm(..) => TsigReason::OtherAlgorithm,
            Self::WrongMac(_) => TsigReason::WrongMac,
            Self::Clock(..) => TsigReason::Clock,
            Self::ShortMac(_) => TsigReason::ShortMac,
            Self::Malformed(_) => TsigReason::Malformed,
        }
    }
}

/// Verifies the signature of a query.
///
/// Errors: how to respond, and what is wrong.
pub(super) fn verify(message: &[u8], keys: &TsigKeyring) -> Result<VerifiedQuery, Box<RejectedQuery>> {
    let record = record_of(message).map_err(|error| {
        let failure = SignatureFailure::Malformed(error);
        Box::new(RejectedQuery { rejection: RequestRejection::Format(error), failure })
    })?;
    let now = unix_time();
    let signer = verify_request(message, &record, keys, now).map_err(|rejection| {
        let failure = SignatureFailure::of(&record, &rejection, keys, now);
        Box::new(RejectedQuery { rejection, failure })
    })?;
    let mut mac = [0; 10];
    mac.iter_mut().zip(record.mac).for_each(|(to, from)| *to = *from);
    let signature = RequestSignature { mac, until: record.time.saturating_add(record.fudge.into()) };
    let mut message = message.get(..record.at).unwrap_or_default().to_vec();
    if let Some(count) = message.get_mut(header::LENGTH - 2..header::LENGTH) {
        let additionals = count.iter().fold(0, |value: u16, byte| value << 8 | u16::from(*byte));
        count.copy_from_slice(&additionals.saturating_sub(1).to_be_bytes());
    }
    Ok(VerifiedQuery { message, signer, signature })
}

/// The TSIG of a message that has one.
fn record_of(message: &[u8]) -> Result<TsigRecord<'_>, TsigFormatError> {
    TsigRecord::find(message)?.ok_or(TsigFormatError::Position)
}

/// Has an update that waits keep the signature that it came with.
pub(super) fn note_signature(outcome: &mut QueryOutcome, signature: RequestSignature) {
    if let QueryOutcome::Wait(waiting) = outcome
        && let WaitingWork::Update(update) = &mut waiting.work
    {
        update.signature = Some(signature);
    }
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
