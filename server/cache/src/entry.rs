//! One answer: the message, where its TTLs stand, when and where it was learnt.

use std::hash::{Hash, Hasher};

use rhumb_wire::{MessageView, NameRef, Rcode, Type, header};

use crate::origin::AnswerOrigin;
use crate::terms::CacheLimits;

/// What an answer is kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerKey<'a> {
    /// The question as it stands in a message: the name in lower case, type, class.
    pub question: &'a [u8],
    /// The route it is asked through: answers of one route are never given to another.
    pub route: u32,
    /// DNSSEC records were asked for (DO).
    pub dnssec_ok: bool,
    /// Checking was disabled (CD).
    pub checking_disabled: bool,
}

/// The longest question: a name, type and class.
pub(crate) const LONGEST_QUESTION: usize = 255 + 4;

impl AnswerKey<'_> {
    /// The same question of no type, under which the denial of a name is kept. None for what is no question.
    pub(crate) fn of_any_type<'r>(&self, room: &'r mut [u8; LONGEST_QUESTION]) -> Option<AnswerKey<'r>> {
        let question = room.get_mut(..self.question.len())?;
        question.copy_from_slice(self.question);
        let rtype = question.len().checked_sub(4)?;
        question.get_mut(rtype..rtype + 2)?.fill(0);
        Some(AnswerKey { question, ..*self })
    }

    fn bits(&self) -> u8 {
        u8::from(self.dnssec_ok) | u8::from(self.checking_disabled) << 1
    }
}

impl Hash for AnswerKey<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.question);
        state.write_u64(u64::from(self.route) << 8 | u64::from(self.bits()));
    }
}

/// Why an answer was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Its origin is no longer in use.
    #[error("learnt from an upstream that is no longer in use")]
    Gone,
    /// The message cannot be read, or its question is not that of the key.
    #[error("not a message that answers the question")]
    Unreadable,
    /// It would take more than its share of the cache.
    #[error("too large for the cache")]
    TooLarge,
    /// Its TTL is zero.
    #[error("its TTL is zero")]
    Fleeting,
}

/// Bytes an entry costs beside its message: its place in the slab, the table and a queue, and the allocator's share.
const OVERHEAD: u64 = 112;
/// The most TTLs aged in one message; there are never more records in 64 KiB than this.
const MAX_RECORDS: usize = 6000;

/// The kinds of state an entry's `failed_until` does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryState {
    Answer,
    Failure,
}

#[derive(Debug)]
pub(crate) struct CacheEntry {
    pub(crate) hash: u64,
    /// The message, then the offsets of its TTLs, two bytes each.
    data: Box<[u8]>,
    records: u16,
    question: u16,
    /// Bytes of the OPT at the end of the message, which its keeper put there; 0 without one.
    appended: u16,
    pub(crate) bits: u8,
    pub(crate) kind: EntryState,
    pub(crate) route: u32,
    pub(crate) origin: AnswerOrigin,
    pub(crate) stored: u32,
    pub(crate) ttl: u32,
    /// Until when a failed attempt to renew it spares the next one.
    pub(crate) failed_until: u32,
    /// Hits since it was last considered for eviction, up to 3.
    pub(crate) uses: u8,
    pub(crate) prefetched: bool,
    /// It was stale when it was kept.
    pub(crate) stands_in: bool,
    /// The keeper's note.
    pub(crate) aliases: u32,
}

impl CacheEntry {
    /// Errors: `Unreadable`, `TooLarge`.
    pub(crate) fn new(
        key: AnswerKey<'_>,
        message: &[u8],
        ttl: u32,
        origin: AnswerOrigin,
        now: u32,
    ) -> Result<Self, NotKept> {
        let end = header::LENGTH + key.question.len();
        if message.get(header::LENGTH..end) != Some(key.question) {
            return Err(NotKept::Unreadable);
        }
        let parsed = MessageView::parse(message).map_err(|_| NotKept::Unreadable)?;
        let mut offsets = Vec::new();
        let mut appended = 0;
        for record in parsed.records() {
            let record = record.map_err(|_| NotKept::Unreadable)?;
            if record.rtype != Type::OPT {
                offsets.extend_from_slice(&(record.ttl_at() as u16).to_ne_bytes());
            } else if parsed.header().additionals == 1 {
                appended = message.len().saturating_sub(record.owner_at);
            }
        }
        let records = offsets.len() / 2;
        if records > MAX_RECORDS || message.len() > usize::from(u16::MAX) {
            return Err(NotKept::TooLarge);
        }
        let mut data = Vec::with_capacity(message.len() + offsets.len());
        data.extend_from_slice(message);
        data.extend_from_slice(&offsets);
        Ok(Self {
            hash: 0,
            data: data.into_boxed_slice(),
            records: records as u16,
            question: key.question.len() as u16,
            appended: appended as u16,
            bits: key.bits(),
            kind: EntryState::Answer,
            route: key.route,
            origin,
            stored: now,
            ttl,
            failed_until: 0,
            uses: 0,
            prefetched: false,
            stands_in: false,
            aliases: 0,
        })
    }

    /// Whether it says that the name of the question does not exist, and not that of an alias.
    pub(crate) fn denies_the_name(&self) -> bool {
        header::MessageHeader::parse(&self.data)
            .is_some_and(|header| header.rcode_low() == Rcode::NXDOMAIN.0 && header.answers == 0)
    }

    /// Takes the type out of the question.
    pub(crate) fn forget_type(&mut self) {
        let end = header::LENGTH + usize::from(self.question);
        if let Some(rtype) = self.data.get_mut(end - 4..end - 2) {
            rtype.fill(0);
        }
    }

    pub(crate) const fn mark_failure(&mut self) {
        self.kind = EntryState::Failure;
    }

    /// Holds its TTLs to the limits; a failure keeps its own, and so does what stands in for one. Errors: `Fleeting`.
    pub(crate) fn hold_to(&mut self, limits: &CacheLimits) -> Result<(), NotKept> {
        if self.kind == EntryState::Answer && !self.stands_in {
            self.ttl = limits.hold(self.ttl);
            let length = self.message_length();
            if let Some((message, offsets)) = self.data.split_at_mut_checked(length) {
                each_ttl(message, offsets, |ttl| limits.hold(ttl));
            }
        }
        if self.ttl == 0 { Err(NotKept::Fleeting) } else { Ok(()) }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.data.len() as u64 + OVERHEAD
    }

    fn message_length(&self) -> usize {
        self.data.len() - usize::from(self.records) * 2
    }

    #[inline]
    pub(crate) fn question(&self) -> &[u8] {
        self.data.get(header::LENGTH..header::LENGTH + usize::from(self.question)).unwrap_or(&[])
    }

    pub(crate) fn owner(&self) -> NameRef<'_> {
        NameRef::parse(self.question()).unwrap_or(NameRef::ROOT)
    }

    #[inline]
    pub(crate) fn is_for(&self, hash: u64, key: &AnswerKey<'_>) -> bool {
        self.hash == hash
            && self.route == key.route
            && self.bits == key.bits()
            && self.question() == key.question
    }

    pub(crate) const fn expires(&self) -> u32 {
        self.stored.saturating_add(self.ttl)
    }

    /// Copies the message out, each TTL `aged` by as many seconds, or at most `cap` where it is served stale. Gives its
    /// length and whether it was cut to its question. The OPT at its end does not count against `limit`, and is left out where `out` has no
    /// room for it.
    #[inline]
    pub(crate) fn copy_to(&self, out: &mut [u8], limit: usize, aged: u32, cap: u32) -> Option<(usize, bool)> {
        let whole = self.message_length();
        let least = whole.saturating_sub(usize::from(self.appended));
        if least > limit || least > out.len() {
            return self.copy_question(out).map(|length| (length, true));
        }
        let length = if whole > out.len() { least } else { whole };
        let (message, offsets) = self.data.split_at_checked(whole)?;
        let out = out.get_mut(..length)?;
        out.copy_from_slice(message.get(..length)?);
        if length < whole {
            out.get_mut(10..header::LENGTH)?.fill(0);
        }
        each_ttl(out, offsets, |ttl| ttl.min(self.ttl).saturating_sub(aged).min(cap));
        Some((length, false))
    }

    fn copy_question(&self, out: &mut [u8]) -> Option<usize> {
        let end = header::LENGTH + usize::from(self.question);
        let head = self.data.get(..end)?;
        let out = out.get_mut(..end)?;
        out.copy_from_slice(head);
        out.get_mut(6..header::LENGTH)?.fill(0);
        if let Some(flags) = out.get_mut(2) {
            *flags |= (header::TC >> 8) as u8;
        }
        Some(end)
    }
}

/// Changes the TTLs that stand at `offsets` of `message`, two bytes each.
#[inline]
fn each_ttl(message: &mut [u8], offsets: &[u8], change: impl Fn(u32) -> u32) {
    for &offset in offsets.as_chunks::<2>().0 {
        let at = usize::from(u16::from_ne_bytes(offset));
        if let Some(ttl) = message.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<4>) {
            *ttl = change(u32::from_be_bytes(*ttl)).to_be_bytes();
        }
    }
}
