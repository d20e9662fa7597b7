//! The records as they come, one behind the other; those of one owner that follow each other are a run.
//!
//! ```text
//! run: length u8 · name below the apex · records …
//! record: type u16 · bytes of RDATA u16 · TTL u32 · line u32 · RDATA          (in the byte order of the machine)
//! ```

use rhumb_wire::Type;

use super::key::sort_key;

/// Bytes of a record before its RDATA.
const HEAD: usize = 12;

/// Bytes that the records of a small zone take.
const SMALL: usize = 1024;

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
    count: u16,
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

/// All records in the order they came.
#[derive(Debug)]
pub(super) struct RecordLog {
    bytes: Vec<u8>,
}

impl RecordLog {
    /// Empty, with room for a small zone.
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(SMALL) }
    }

    /// Begins a run without records. None once four gigabytes are full.
    pub(super) fn begin(&mut self, below: &[u8]) -> Option<RecordRun> {
        let at = u32::try_from(self.bytes.len() + 1).ok()?;
        self.bytes.push(below.len() as u8);
        self.bytes.extend_from_slice(below);
        let (key, depth) = sort_key(below);
        Some(RecordRun { key, at, count: 0, depth, kinds: TypeFlags::default() })
    }

    /// Begins a run with a record. None once four gigabytes are full.
    #[inline]
    pub(super) fn begin_with(&mut self, below: &[u8], record: &LoggedRecord<'_>) -> Option<RecordRun> {
        let before = self.bytes.len();
        let mut run = self.begin(below)?;
        let pushed = self.push(&mut run, record);
        if pushed.is_none() {
            self.bytes.truncate(before);
        }
        pushed.map(|()| run)
    }

    /// Adds a record to the run begun last. None once four gigabytes are full, or the run is.
    #[inline]
    pub(super) fn push(&mut self, run: &mut RecordRun, record: &LoggedRecord<'_>) -> Option<()> {
        let length = u16::try_from(record.rdata.len()).ok()?;
        u32::try_from(self.bytes.len() + HEAD + record.rdata.len()).ok()?;
        run.count = run.count.checked_add(1)?;
        run.kinds = run.kinds.and(record.rtype);
        let numbers = u64::from(record.rtype.0) | u64::from(length) << 16 | u64::from(record.ttl) << 32;
        let mut head = [0; HEAD];
        if let Some((low, high)) = head.split_first_chunk_mut::<8>() {
            *low = numbers.to_ne_bytes();
            high.copy_from_slice(&record.line.to_ne_bytes());
        }
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(record.rdata);
        Some(())
    }

    /// Whether `run` takes more records of the owner called `below`.
    #[inline]
    pub(super) fn continues(&self, run: &RecordRun, below: &[u8]) -> bool {
        run.count < u16::MAX && self.name(run) == below
    }

    /// The name of a run below the apex.
    #[inline]
    pub(super) fn name(&self, run: &RecordRun) -> &[u8] {
        let before = (run.at as usize).wrapping_sub(1);
        let length = self.bytes.get(before).copied().unwrap_or(0);
        self.slice(run.at, length)
    }

    /// Part of a name.
    #[inline]
    pub(super) fn slice(&self, at: u32, length: u8) -> &[u8] {
        self.bytes.get(at as usize..at as usize + usize::from(length)).unwrap_or(&[])
    }

    /// The records of a run in the order they came.
    #[inline]
    pub(super) fn records(&self, run: &RecordRun) -> RunRecords<'_> {
        let start = run.at as usize + self.name(run).len();
        RunRecords { rest: self.bytes.get(start..).unwrap_or(&[]), left: run.count }
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
