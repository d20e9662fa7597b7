//! The records as they come, one behind the other; those of one owner that follow each other are a run.
//!
//! ```text
//! run: length u8 · name below the apex · records …
//! record: type u16 · bytes of RDATA u16 · TTL u32 · line u32 · RDATA          (in the byte order of the machine)
//! ```
//!
//! They stand in segments, so that nothing is copied when there is more to come, and what is used up can be given back. A run stands
//! in one segment.

use rhumb_wire::Type;

use super::key::sort_key;

/// Bytes of a record before its RDATA.
const HEAD: usize = 12;

/// Bytes of the first segment: what the records of a small zone take.
const SMALL: usize = 1024;
/// The first segments are as large as all before them together, until they have so many bytes; then come those of full size, of which
/// only what is written takes memory.
const FEW: usize = 64 << 10;
/// Bits of a place that say where in its segment it is; the others number the segment.
const SEGMENT_BITS: u32 = 23;
/// Bytes of a segment of full size. Allocators give pieces of eight megabytes back to the system as soon as they are free.
const SEGMENT: usize = 1 << SEGMENT_BITS;
/// Segments that places can number.
const MAX_SEGMENTS: usize = 1 << (u32::BITS - SEGMENT_BITS);

/// What a name owns, as far as others need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct TypeFlags(pub(super) u8);

impl TypeFlags {
    pub(super) const NS: u8 = 1;
    pub(super) const DNAME: u8 = 2;
    pub(super) const CNAME: u8 = 4;
    pub(super) const NSEC: u8 = 8;
    /// A child named `*`.
    pub(super) const WILDCARD: u8 = 16;
    /// MX or SRV.
    pub(super) const SERVICE: u8 = 32;
    /// A or AAAA.
    pub(super) const ADDRESS: u8 = 64;
    pub(super) const PTR: u8 = 128;

    pub(super) const fn has(self, kinds: u8) -> bool {
        self.0 & kinds != 0
    }

    /// These and those of one more record.
    const fn and(self, rtype: Type) -> Self {
        let more = match rtype {
            Type::NS => Self::NS,
            Type::DNAME => Self::DNAME,
            Type::CNAME => Self::CNAME,
            Type::NSEC => Self::NSEC,
            Type::MX | Type::SRV => Self::SERVICE,
            Type::A | Type::AAAA => Self::ADDRESS,
            Type::PTR => Self::PTR,
            _ => 0,
        };
        Self(self.0 | more)
    }
}

/// Records of one owner that came one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordRun {
    /// See [`sort_key`].
    pub(super) key: u64,
    /// Where its name is, behind the length.
    pub(super) at: u32,
    pub(super) count: u16,
    /// Labels below the apex.
    pub(super) depth: u8,
    pub(super) kinds: TypeFlags,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggedRecord<'l> {
    pub(crate) rtype: Type,
    pub(crate) ttl: u32,
    pub(crate) line: u32,
    pub(crate) rdata: &'l [u8],
}

/// A part of the log.
#[derive(Debug)]
struct LogSegment {
    /// Never more than there is room for from the start.
    bytes: Vec<u8>,
    /// Runs in it that may still be read.
    runs: usize,
}

/// All records in the order they came.
#[derive(Debug)]
pub(super) struct RecordLog {
    segments: Vec<LogSegment>,
    /// Bytes of all segments, what is free in them included.
    room: usize,
}

impl RecordLog {
    /// Empty, with room for a small zone.
    pub(super) fn new() -> Self {
        let mut log = Self { segments: Vec::new(), room: 0 };
        log.add_segment(SMALL);
        log
    }

    fn add_segment(&mut self, needed: usize) -> Option<()> {
        let room = if self.room < FEW { self.room.max(SMALL).max(needed) } else { SEGMENT };
        if self.segments.len() >= MAX_SEGMENTS || needed > SEGMENT {
            return None;
        }
        self.segments.push(LogSegment { bytes: Vec::with_capacity(room), runs: 0 });
        self.room += room;
        Some(())
    }

    /// Whether the last segment has room for so many bytes more.
    #[inline]
    fn has_room(&self, bytes: usize) -> bool {
        self.segments.last().is_some_and(|last| last.bytes.capacity() - last.bytes.len() >= bytes)
    }

    /// Begins a run without records, with room for `more` bytes of them. None once the segments are full.
    #[inline]
    pub(super) fn begin(&mut self, below: &[u8], more: usize) -> Option<RecordRun> {
        let needed = 1 + below.len() + more;
        if !self.has_room(needed) {
            self.add_segment(needed)?;
        }
        let number = self.segments.len() - 1;
        let segment = self.segments.last_mut()?;
        let at = ((number << SEGMENT_BITS) + segment.bytes.len() + 1) as u32;
        segment.runs += 1;
        segment.bytes.push(below.len() as u8);
        segment.bytes.extend_from_slice(below);
        let (key, depth) = sort_key(below);
        Some(RecordRun { key, at, count: 0, depth, kinds: TypeFlags::default() })
    }

    /// Begins a run with a record. None once the segments are full.
    #[inline]
    pub(super) fn begin_with(&mut self, below: &[u8], record: &LoggedRecord<'_>) -> Option<RecordRun> {
        let mut run = self.begin(below, HEAD + record.rdata.len())?;
        self.push(&mut run, record).map(|()| run)
    }

    /// Adds a record to the run begun last, for which there is room. None where there is none.
    #[inline]
    pub(super) fn push(&mut self, run: &mut RecordRun, record: &LoggedRecord<'_>) -> Option<()> {
        let length = u16::try_from(record.rdata.len()).ok()?;
        if !self.has_room(HEAD + record.rdata.len()) {
            return None;
        }
        let bytes = &mut self.segments.last_mut()?.bytes;
        run.count = run.count.checked_add(1)?;
        run.kinds = run.kinds.and(record.rtype);
        let numbers = u64::from(record.rtype.0) | u64::from(length) << 16 | u64::from(record.ttl) << 32;
        let mut head = [0; HEAD];
        if let Some((low, high)) = head.split_first_chunk_mut::<8>() {
            *low = numbers.to_ne_bytes();
            high.copy_from_slice(&record.line.to_ne_bytes());
        }
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(record.rdata);
        Some(())
    }

    /// Whether `run`, the last one, takes a record with so much RDATA of the owner called `below`.
    #[inline]
    pub(super) fn continues(&self, run: &RecordRun, below: &[u8], rdata: usize) -> bool {
        run.count < u16::MAX && self.has_room(HEAD + rdata) && self.name(run.at) == below
    }

    /// The run at `at` is not read any more. The memory of a segment of which that is true of all runs is given back.
    pub(super) fn release(&mut self, at: u32) {
        if let Some(segment) = self.segments.get_mut((at >> SEGMENT_BITS) as usize) {
            segment.runs = segment.runs.saturating_sub(1);
            if segment.runs == 0 {
                segment.bytes = Vec::new();
            }
        }
    }

    /// The bytes from `at` on to the end of its segment.
    #[inline]
    fn from(&self, at: u32) -> &[u8] {
        let offset = at as usize & (SEGMENT - 1);
        let segment = self.segments.get((at >> SEGMENT_BITS) as usize);
        segment.and_then(|segment| segment.bytes.get(offset..)).unwrap_or(&[])
    }

    /// The name below the apex of the run at `at`.
    #[inline]
    pub(super) fn name(&self, at: u32) -> &[u8] {
        let from = self.from(at.wrapping_sub(1));
        let length = from.first().copied().unwrap_or(0);
        from.get(1..=usize::from(length)).unwrap_or(&[])
    }

    /// Part of a name.
    #[inline]
    pub(super) fn slice(&self, at: u32, length: u8) -> &[u8] {
        self.from(at).get(..usize::from(length)).unwrap_or(&[])
    }

    /// So many records of the run at `at`, in the order they came.
    #[inline]
    pub(super) fn records(&self, at: u32, count: u16) -> RunRecords<'_> {
        let start = self.name(at).len();
        RunRecords { rest: self.from(at).get(start..).unwrap_or(&[]), left: count }
    }
}

/// Walks the records of a run.
#[derive(Debug)]
pub(super) struct RunRecords<'l> {
    rest: &'l [u8],
    left: u16,
}

impl<'l> Iterator for RunRecords<'l> {
    type Item = LoggedRecord<'l>;

    #[inline]
    fn next(&mut self) -> Option<LoggedRecord<'l>> {
        self.left = self.left.checked_sub(1)?;
        let (head, rest) = self.rest.split_first_chunk::<HEAD>()?;
        let (numbers, line) = head.split_first_chunk::<8>()?;
        let numbers = u64::from_ne_bytes(*numbers);
        let line = line.first_chunk().map_or(0, |line| u32::from_ne_bytes(*line));
        let (rdata, rest) = rest.split_at_checked(usize::from((numbers >> 16) as u16))?;
        self.rest = rest;
        Some(LoggedRecord { rtype: Type(numbers as u16), ttl: (numbers >> 32) as u32, line, rdata })
    }
}
