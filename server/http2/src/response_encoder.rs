//! The heads of responses (RFC 7541).

use std::collections::VecDeque;

use super::header_table::{FIELD_OVERHEAD, TABLE_SIZE};

/// The fields that responses have, by their index in the static table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResponseField {
    /// `allow`.
    Allow = 22,
    /// `cache-control`.
    CacheControl = 24,
    /// `content-length`.
    ContentLength = 28,
    /// `content-type`.
    ContentType = 31,
    /// `date`.
    Date = 33,
}

/// The index of `:status` with the value that comes first, 200.
const STATUS: usize = 8;
/// The first index of what this side has the client remember.
const FIRST_DYNAMIC: usize = 62;
/// What a field begins with that is not to be remembered, and whose name has an index of more than four bits (RFC 7541, section 6.2.2).
const LITERAL: u8 = 0x0f;

impl ResponseField {
    /// The place among those whose value stays the same for many responses: the client remembers them.
    const fn place(self) -> Option<usize> {
        match self {
            Self::ContentType => Some(0),
            Self::Date => Some(1),
            Self::Allow | Self::CacheControl | Self::ContentLength => None,
        }
    }

    const fn name_length(self) -> usize {
        match self {
            Self::Allow => 5,
            Self::CacheControl => 13,
            Self::ContentLength => 14,
            Self::ContentType => 12,
            Self::Date => 4,
        }
    }
}

/// A value that the client was told to remember.
#[derive(Debug, Default)]
struct RememberedField {
    value: Vec<u8>,
    /// How many were remembered up to this one; 0 for none.
    number: usize,
}

/// Writes the heads of the responses of a connection, all of which have to be sent, in order.
#[derive(Debug)]
pub(super) struct ResponseEncoder {
    remembered: [RememberedField; 2],
    /// What each field counts that the client remembers, oldest first.
    sizes: VecDeque<usize>,
    size: usize,
    limit: usize,
    /// How many it was told to remember.
    told: usize,
    /// The least limit since the last head, where it was changed.
    changed: Option<usize>,
}

impl ResponseEncoder {
    pub(super) fn new() -> Self {
        Self {
            remembered: <[RememberedField; 2]>::default(),
            sizes: VecDeque::new(),
            size: 0,
            limit: TABLE_SIZE,
            told: 0,
            changed: None,
        }
    }

    /// The client remembers no more than `last` bytes from now on, and was at `least` meanwhile (RFC 7541, section 4.2).
    pub(super) fn set_limit(&mut self, (least, last): (u32, u32)) {
        let limit = TABLE_SIZE.min(last as usize);
        if limit != self.limit || (least as usize) < limit {
            self.changed = Some(self.changed.unwrap_or(limit).min(least as usize).min(limit));
            self.limit = limit;
        }
    }

    /// Appends the block of a head.
    pub(super) fn encode(&mut self, status: u16, fields: &[(ResponseField, &[u8])], out: &mut Vec<u8>) {
        if let Some(least) = self.changed.take() {
            if least < self.limit {
                put_integer(out, 0x20, 5, least);
                self.evict(least);
            }
            put_integer(out, 0x20, 5, self.limit);
            self.evict(self.limit);
        }
        match status {
            200 => out.push(0x88),
            400 => out.push(0x8c),
            404 => out.push(0x8d),
            _ => {
                put_integer(out, 0, 4, STATUS);
                put_string(out, status.to_string().as_bytes());
            }
        }
        for (field, value) in fields {
            self.put(*field, value, out);
        }
    }

    fn put(&mut self, field: ResponseField, value: &[u8], out: &mut Vec<u8>) {
        let size = field.name_length() + value.len() + FIELD_OVERHEAD;
        let Some(place) = field.place().filter(|_| size <= self.limit) else {
            out.extend_from_slice(&[LITERAL, field as u8 - LITERAL]);
            return put_string(out, value);
        };
        let gone = self.told - self.sizes.len();
        if let Some(known) = self.remembered.get_mut(place) {
            if known.number > gone && known.value == value {
                return put_integer(out, 0x80, 7, FIRST_DYNAMIC + self.told - known.number);
            }
            known.value.clear();
            known.value.extend_from_slice(value);
            known.number = self.told + 1;
        }
        put_integer(out, 0x40, 6, field as usize);
        put_string(out, value);
        self.evict(self.limit - size);
        self.sizes.push_back(size);
        self.size += size;
        self.told += 1;
    }

    /// Lets go of the oldest until this size is left.
    fn evict(&mut self, limit: usize) {
        while self.size > limit
            && let Some(oldest) = self.sizes.pop_front()
        {
            self.size -= oldest;
        }
    }
}

/// An integer behind the bits of `first` (RFC 7541, section 5.1).
#[inline]
fn put_integer(out: &mut Vec<u8>, first: u8, bits: u32, value: usize) {
    let most = (1 << bits) - 1;
    if value < most {
        out.push(first | value as u8);
    } else {
        out.push(first | most as u8);
        put_rest(out, value - most);
    }
}

/// What an integer has beyond the bits of its first byte.
#[cold]
fn put_rest(out: &mut Vec<u8>, mut rest: usize) {
    while rest >= 0x80 {
        out.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A string as it is (RFC 7541, section 5.2).
#[inline]
fn put_string(out: &mut Vec<u8>, value: &[u8]) {
    put_integer(out, 0, 7, value.len());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests;
