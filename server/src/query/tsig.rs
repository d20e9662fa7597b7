//! The record that tells the sender of a TSIG that its key is not known here.

use rhumb_wire::{Class, MessageRecord, MessageView, NameBuf, NameRef, QueryMessage, Rcode, Type};

/// Bytes of the record before its data, without owner; and of its data, without algorithm.
const FIXED: usize = 10;
const DATA: usize = 16;

/// The parts of a request's TSIG that come back.
#[derive(Debug)]
pub(super) struct Unknown<'q> {
    key: NameBuf,
    algorithm: NameRef<'q>,
    /// Time signed and fudge.
    time: [u8; 8],
    original: [u8; 2],
}

/// Reads the TSIG of a request (RFC 8945 section 4.2). None where it is malformed.
pub(super) fn read<'q>(query: &QueryMessage<'q>) -> Option<Unknown<'q>> {
    let message = MessageView::parse(query.message).ok()?;
    let record: MessageRecord<'q> =
        message.records().filter_map(Result::ok).find(|r| r.rtype == Type::TSIG)?;
    let mut key = NameBuf::new();
    record.owner(&mut key).ok()?;
    let algorithm = NameRef::parse(record.rdata).ok()?;
    let (time, rest) = record.rdata.get(algorithm.len()..)?.split_first_chunk::<8>()?;
    let (size, rest) = rest.split_first_chunk::<2>()?;
    let (_, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
    let (&[o0, o1, _, _, l0, l1], other) = rest.split_first_chunk::<6>()?;
    let whole = other.len() == usize::from(u16::from_be_bytes([l0, l1]));
    let sound = whole && record.class == Class::ANY && record.ttl == 0;
    sound.then_some(Unknown { key, algorithm, time: *time, original: [o0, o1] })
}

/// Appends a TSIG without MAC that says BADKEY (RFC 8945 sections 5.2.1 and 5.3.2) to the message of `length` bytes, if it
/// stays within `limit`. Gives the new length.
pub(super) fn append(unknown: &Unknown<'_>, length: usize, limit: usize, out: &mut [u8]) -> usize {
    let key = unknown.key.as_ref();
    let data = unknown.algorithm.len() + DATA;
    let end = length + key.len() + FIXED + data;
    if end > limit {
        return length;
    }
    let [t0, t1] = Type::TSIG.0.to_be_bytes();
    let [c0, c1] = Class::ANY.0.to_be_bytes();
    let [d0, d1] = (data as u16).to_be_bytes();
    let [e0, e1] = Rcode::BADKEY.0.to_be_bytes();
    let [o0, o1] = unknown.original;
    let parts: [&[u8]; 5] = [
        key.as_bytes(),
        &[t0, t1, c0, c1, 0, 0, 0, 0, d0, d1],
        unknown.algorithm.as_bytes(),
        &unknown.time,
        &[0, 0, o0, o1, e0, e1, 0, 0],
    ];
    let Some(place) = out.get_mut(length..end) else { return length };
    for (place, byte) in place.iter_mut().zip(parts.into_iter().flatten()) {
        *place = *byte;
    }
    super::response::count_additional(out);
    end
}
