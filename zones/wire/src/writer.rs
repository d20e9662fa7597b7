//! A message being written into a caller's buffer, never beyond a limit.

use crate::compress::NameCompression;
use crate::header::{self, MessageHeader};
use crate::name::NameRef;
use crate::number::{Class, Type};
use crate::section::MessageSection;

/// No room is left below the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is full")]
pub struct BufferFull;

/// Writes a message from its header on. Whatever ends in [`BufferFull`] may have written a part: go back to a [`WriterMark`].
#[derive(Debug)]
pub struct MessageWriter<'b, 'c> {
    buffer: &'b mut [u8],
    at: usize,
    limit: usize,
    counts: [u16; 4],
    compression: &'c mut NameCompression,
}

/// A place to go back to.
#[derive(Clone, Copy, Debug)]
pub struct WriterMark {
    at: usize,
    counts: [u16; 4],
}

impl<'b, 'c> MessageWriter<'b, 'c> {
    /// Starts after the header in `buffer`; at most `limit` bytes in all (and never more than the buffer has).
    #[inline]
    pub fn new(buffer: &'b mut [u8], limit: usize, compression: &'c mut NameCompression) -> Self {
        compression.clear();
        let limit = limit.min(buffer.len()).min(usize::from(u16::MAX));
        Self { buffer, at: header::LENGTH, limit, counts: [0; 4], compression }
    }

    /// Bytes written so far.
    #[inline]
    pub const fn len(&self) -> usize {
        self.at
    }

    /// Whether nothing stands behind the header.
    pub const fn is_empty(&self) -> bool {
        self.at == header::LENGTH
    }

    /// Bytes left below the limit.
    #[inline]
    pub const fn room(&self) -> usize {
        self.limit.saturating_sub(self.at)
    }

    /// Moves the limit, for room kept back (OPT, TSIG) and given free again; never beyond the buffer.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(self.buffer.len()).min(usize::from(u16::MAX));
    }

    /// The limit.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// What is written so far; the header's bytes are whatever the buffer held.
    #[inline]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.at).unwrap_or(&[])
    }

    /// Remembers this place.
    #[inline]
    pub const fn mark(&self) -> WriterMark {
        WriterMark { at: self.at, counts: self.counts }
    }

    /// Goes back: what was written since is gone, the counts too.
    pub fn rollback(&mut self, mark: WriterMark) {
        self.at = mark.at;
        self.counts = mark.counts;
        self.compression.forget_from(mark.at);
    }

    /// Goes back to offset `at`: for bytes that were not counted.
    pub fn cut(&mut self, at: usize) {
        self.at = self.at.min(at.max(header::LENGTH));
        self.compression.forget_from(self.at);
    }

    /// Writes bytes. Errors: `BufferFull`, with nothing written.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        self.append(bytes).map(|_| ())
    }

    /// Writes bytes and gives them back for changes in place. Errors: `BufferFull`, with nothing written.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> Result<&mut [u8], BufferFull> {
        let end = self.at + bytes.len();
        if end > self.limit {
            return Err(BufferFull);
        }
        let place = self.buffer.get_mut(self.at..end).ok_or(BufferFull)?;
        place.copy_from_slice(bytes);
        self.at = end;
        Ok(place)
    }

    /// Overwrites two bytes that were written; an offset beyond them is left alone.
    #[inline]
    pub fn patch_u16(&mut self, at: usize, value: u16) {
        let written = self.buffer.get_mut(..self.at).unwrap_or(&mut []);
        if let Some(place) = written.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *place = value.to_be_bytes();
        }
    }

    /// Overwrites four bytes that were written; an offset beyond them is left alone.
    pub fn patch_u32(&mut self, at: usize, value: u32) {
        let written = self.buffer.get_mut(..self.at).unwrap_or(&mut []);
        if let Some(place) = written.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *place = value.to_be_bytes();
        }
    }

    /// Writes one byte. Errors: `BufferFull`.
    pub fn u8(&mut self, value: u8) -> Result<(), BufferFull> {
        self.bytes(&[value])
    }

    /// Writes two bytes. Errors: `BufferFull`.
    pub fn u16(&mut self, value: u16) -> Result<(), BufferFull> {
        self.bytes(&value.to_be_bytes())
    }

    /// Writes four bytes. Errors: `BufferFull`.
    pub fn u32(&mut self, value: u32) -> Result<(), BufferFull> {
        self.bytes(&value.to_be_bytes())
    }

    /// Writes a name, compressed. Errors: `BufferFull`, with nothing written.
    pub fn name(&mut self, name: NameRef<'_>) -> Result<(), BufferFull> {
        let written = self.buffer.get(..self.at).unwrap_or(&[]);
        let plan = self.compression.plan(written, name, self.at);
        let mut tail = [0u8; 2];
        let tail: &[u8] = match plan.target {
            Some(target) => {
                tail = (0xc000 | target).to_be_bytes();
                &tail
            }
            None => tail.get(..1).unwrap_or(&[]),
        };
        let plain = name.as_bytes().get(..plan.plain).unwrap_or(&[]);
        let start = self.at;
        if self.at + plain.len() + tail.len() > self.limit {
            self.compression.forget_from(start);
            return Err(BufferFull);
        }
        self.bytes(plain)?;
        self.bytes(tail)
    }

    /// Writes a name in full (RFC 3597 section 4: names in RDATA of newer types). Errors: `BufferFull`.
    pub fn name_plain(&mut self, name: NameRef<'_>) -> Result<(), BufferFull> {
        self.bytes(name.as_bytes())
    }

    /// Copies the question of a request, so that the name keeps its case, and notes it for compression. Errors: `BufferFull`.
    pub fn question(&mut self, name: NameRef<'_>, qtype: Type, class: Class) -> Result<(), BufferFull> {
        self.name(name)?;
        self.u16(qtype.0)?;
        self.u16(class.0)?;
        self.count(MessageSection::Question);
        Ok(())
    }

    /// Writes a record with its owner compressed; `rdata` writes the RDATA. Errors: `BufferFull`, with nothing written.
    pub fn record(
        &mut self,
        section: MessageSection,
        owner: NameRef<'_>,
        rtype: Type,
        class: Class,
        ttl: u32,
        rdata: impl FnOnce(&mut Self) -> Result<(), BufferFull>,
    ) -> Result<(), BufferFull> {
        let mark = self.mark();
        let done = self
            .name(owner)
            .and_then(|()| self.u16(rtype.0))
            .and_then(|()| self.u16(class.0))
            .and_then(|()| self.u32(ttl))
            .and_then(|()| self.with_length(rdata));
        match done {
            Ok(()) => self.count(section),
            Err(BufferFull) => self.rollback(mark),
        }
        done
    }

    /// Writes two bytes of length and then what `inside` writes. Errors: `BufferFull`; a part may have been written.
    pub fn with_length<E: From<BufferFull>>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let at = self.at;
        self.u16(0)?;
        inside(self)?;
        let length = (self.at - at - 2) as u16;
        if let Some(place) = self.buffer.get_mut(at..at + 2) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }

    /// Counts one more entry of a section that was written by hand.
    #[inline]
    pub fn count(&mut self, section: MessageSection) {
        self.count_many(section, 1);
    }

    /// Counts entries of a section that were written by hand.
    #[inline]
    pub fn count_many(&mut self, section: MessageSection, entries: u16) {
        if let Some(count) = self.counts.get_mut(section as usize) {
            *count = count.saturating_add(entries);
        }
    }

    /// Entries of a section.
    pub fn counted(&self, section: MessageSection) -> u16 {
        self.counts.get(section as usize).copied().unwrap_or(0)
    }

    /// Writes the header and ends the message: its length in bytes.
    #[inline]
    pub fn finish(self, id: u16, flags: u16) -> usize {
        let [questions, answers, authorities, additionals] = self.counts;
        let head = MessageHeader { id, flags, questions, answers, authorities, additionals };
        if let Some(room) = self.buffer.first_chunk_mut::<{ header::LENGTH }>() {
            *room = head.to_bytes();
        }
        self.at
    }
}

#[cfg(test)]
mod tests;
