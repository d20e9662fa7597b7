//! The record: found, read, written, and what of it is signed.

use crate::header::{self, MessageHeader};
use crate::message::{MessageView, ReadError};
use crate::name::{NameBuf, NameRef};
use crate::number::{Class, Type};
use crate::section::MessageSection;
use crate::writer::BufferFull;

use super::error::{TsigError, TsigFormatError};
use super::hmac_state::{HmacState, MacValue};
use super::key::{FIXED, TsigKey, length_of};

/// Seconds by which clocks may differ, as signatures made here have it (RFC 8945 section 10 recommends it).
pub const FUDGE: u16 = 300;

/// The TSIG record of a message.
#[derive(Clone, Debug)]
pub struct TsigRecord<'m> {
    /// Where it begins: the message without it ends there.
    pub at: usize,
    key_name: NameBuf,
    /// The name of the algorithm.
    pub algorithm: NameRef<'m>,
    /// When it was signed, in seconds since 1970.
    pub time: u64,
    /// Seconds by which the clocks may differ.
    pub fudge: u16,
    /// The MAC, perhaps truncated.
    pub mac: &'m [u8],
    /// The id that the message had when it was signed.
    pub original_id: u16,
    /// The error field; 0 in requests.
    pub error: u16,
    /// Other data: with BADTIME the server's time in six bytes.
    pub other: &'m [u8],
}

impl<'m> TsigRecord<'m> {
    /// The TSIG record of a message; none if it has none.
    ///
    /// Errors: see [`TsigFormatError`]; a request then gets FORMERR.
    pub fn find(message: &'m [u8]) -> Result<Option<Self>, TsigFormatError> {
        let view = MessageView::parse(message)?;
        let mut found = None;
        let mut records = view.records();
        for record in records.by_ref() {
            let record = record?;
            if found.is_some() {
                return Err(TsigFormatError::Position);
            }
            if record.rtype != Type::TSIG {
                continue;
            }
            if record.section != MessageSection::Additional {
                return Err(TsigFormatError::Position);
            }
            if record.class != Class::ANY || record.ttl != 0 {
                return Err(TsigFormatError::Fixed);
            }
            let mut key_name = NameBuf::new();
            record.owner(&mut key_name).map_err(ReadError::from)?;
            found =
                Some(Self::parse(record.owner_at, &key_name, record.rdata).ok_or(TsigFormatError::Rdata)?);
        }
        // Bytes behind the last record are neither signed nor anybody's.
        match found {
            Some(_) if records.offset() != message.len() => Err(TsigFormatError::Position),
            found => Ok(found),
        }
    }

    fn parse(at: usize, key_name: &NameBuf, rdata: &'m [u8]) -> Option<Self> {
        let algorithm = NameRef::parse(rdata).ok()?;
        let (&[t0, t1, t2, t3, t4, t5, f0, f1, m0, m1], rest) =
            rdata.get(algorithm.len()..)?.split_first_chunk::<10>()?;
        let (mac, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([m0, m1])))?;
        let (&[i0, i1, e0, e1, o0, o1], other) = rest.split_first_chunk::<6>()?;
        (other.len() == usize::from(u16::from_be_bytes([o0, o1]))).then_some(Self {
            at,
            key_name: *key_name,
            algorithm,
            time: u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]),
            fudge: u16::from_be_bytes([f0, f1]),
            mac,
            original_id: u16::from_be_bytes([i0, i1]),
            error: u16::from_be_bytes([e0, e1]),
            other,
        })
    }

    /// The name of the key.
    pub fn key_name(&self) -> NameRef<'_> {
        self.key_name.as_ref()
    }

    /// Whether `now` is within the fudge of the time it was signed at (RFC 8945 section 5.2.3).
    pub(super) const fn is_timely(&self, now: u64) -> bool {
        now.abs_diff(self.time) <= self.fudge as u64
    }

    /// The server's time that comes with BADTIME.
    pub(super) fn server_time(&self) -> Option<u64> {
        let time: &[u8; 6] = self.other.try_into().ok()?;
        Some(time.iter().fold(0, |time, byte| time << 8 | u64::from(*byte)))
    }

    /// The numbers that are signed.
    pub(super) const fn numbers(&self) -> SignedNumbers<'m> {
        SignedNumbers { time: self.time, fudge: self.fudge, error: self.error, other: self.other }
    }
}

/// The numbers of a record that are signed with the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedNumbers<'d> {
    pub(super) time: u64,
    pub(super) fudge: u16,
    pub(super) error: u16,
    pub(super) other: &'d [u8],
}

/// The MAC that goes before what is signed, with its length (RFC 8945 section 4.3.1).
pub(super) fn update_mac(state: &mut HmacState, mac: &MacValue) {
    state.update(&(mac.as_bytes().len() as u16).to_be_bytes());
    state.update(mac.as_bytes());
}

/// A received message as it was before `record` was added to it: that record left out, not counted, and with the id it had
/// (RFC 8945 section 4.3.2).
pub(super) fn update_received(state: &mut HmacState, message: &[u8], record: &TsigRecord<'_>) {
    if let Some(mut head) = MessageHeader::parse(message) {
        head.id = record.original_id;
        head.additionals = head.additionals.saturating_sub(1);
        state.update(&head.to_bytes());
    }
    state.update(message.get(header::LENGTH..record.at).unwrap_or(&[]));
}

/// The variables of a request's or a first response's TSIG (RFC 8945 section 4.3.3).
pub(super) fn update_variables(state: &mut HmacState, key: &TsigKey, numbers: &SignedNumbers<'_>) {
    state.update(key.name().as_bytes());
    state.update(&Class::ANY.0.to_be_bytes());
    state.update(&[0; 4]);
    state.update(key.algorithm().wire_name());
    update_timers(state, numbers);
    state.update(&numbers.error.to_be_bytes());
    state.update(&(numbers.other.len() as u16).to_be_bytes());
    state.update(numbers.other);
}

/// The timers, all of it that later messages of a response sign (RFC 8945 section 4.3.3.1).
pub(super) fn update_timers(state: &mut HmacState, numbers: &SignedNumbers<'_>) {
    state.update(&time_bytes(numbers.time));
    state.update(&numbers.fudge.to_be_bytes());
}

/// The lower 48 bits of a time.
pub(super) fn time_bytes(time: u64) -> [u8; 6] {
    time.to_be_bytes().last_chunk().copied().unwrap_or_default()
}

/// Appends a record to the message of `length` bytes in `buffer` and counts it. Gives the new length.
///
/// Errors: `BufferFull`, and nothing was written.
pub(super) fn append(
    buffer: &mut [u8],
    length: usize,
    names: (&[u8], &[u8]),
    numbers: &SignedNumbers<'_>,
    mac: &[u8],
    original_id: u16,
) -> Result<usize, BufferFull> {
    let (name, algorithm) = names;
    let end = length + length_of(name.len(), algorithm.len(), mac.len(), numbers.other.len());
    let rdata = end - length - name.len() - FIXED;
    if u16::try_from(end).is_err() || length < header::LENGTH {
        return Err(BufferFull);
    }
    let Some(mut room) = buffer.get_mut(length..end) else { return Err(BufferFull) };
    let mut write = |bytes: &[u8]| {
        let (place, rest) = std::mem::take(&mut room).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        room = rest;
    };
    write(name);
    write(&Type::TSIG.0.to_be_bytes());
    write(&Class::ANY.0.to_be_bytes());
    write(&[0; 4]);
    write(&(rdata as u16).to_be_bytes());
    write(algorithm);
    write(&time_bytes(numbers.time));
    write(&numbers.fudge.to_be_bytes());
    write(&(mac.len() as u16).to_be_bytes());
    write(mac);
    write(&original_id.to_be_bytes());
    write(&numbers.error.to_be_bytes());
    write(&(numbers.other.len() as u16).to_be_bytes());
    write(numbers.other);
    if let Some(head) = MessageHeader::parse(buffer)
        && let Some(place) = buffer.first_chunk_mut::<{ header::LENGTH }>()
    {
        *place = MessageHeader { additionals: head.additionals.saturating_add(1), ..head }.to_bytes();
    }
    Ok(end)
}

/// Appends to the response of `length` bytes in `buffer` a TSIG without MAC that says BADKEY or BADSIG (RFC 8945 section
/// 5.3.2), with the names and times of the request's `record`. Gives the new length.
///
/// Errors: `BufferFull`, and nothing was written.
pub fn write_unsigned_error(
    record: &TsigRecord<'_>,
    error: TsigError,
    buffer: &mut [u8],
    length: usize,
) -> Result<usize, BufferFull> {
    let numbers = SignedNumbers { time: record.time, fudge: record.fudge, error: error.code(), other: &[] };
    let names = (record.key_name().as_bytes(), record.algorithm.as_bytes());
    append(buffer, length, names, &numbers, &[], record.original_id)
}
