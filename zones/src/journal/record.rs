//! One record: what it says of a version, its frame in the log, and what can be wrong with that.
//!
//! ```text
//! START · length of all (4) · length of the label (2) · CRC-32C of these and the label (4) · label
//! payload
//! CRC-32C of the payload (4) · zone · length of all (4) · CRC-32C of zone and length (4) · END
//! ```
//! The label: kind (1) · cause (1) · sequence (8) · base (8) · time (8) · expires (8) · from (4) · to (4) · zone · who (the rest).
//! Numbers are big-endian.

use rhumb_wire::{DomainName, NameRef};

use super::checksum::crc32c;

/// How a record begins.
const START: [u8; 4] = [0xf5, b'r', b'Z', 0x1a];
/// How it ends.
const END: [u8; 4] = [0xf6, b'e', b'Z', 0x0a];
/// Bytes before the label.
const HEAD: usize = 14;
/// Bytes of the label before the zone's name.
const NUMBERS: usize = 42;
/// Bytes of the longest label: a name has up to 255.
const LONGEST_LABEL: usize = NUMBERS + 255 + LONGEST_WHO;
/// Bytes of the end besides the zone's name.
const TAIL: usize = 16;
/// Bytes of the text that says who caused a version, at most.
const LONGEST_WHO: usize = 200;

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// Records of a whole zone, a part of it; the parts have the sequence of the [`RecordKind::Whole`] that follows, and are counted
    /// in `from`, from 0 on.
    Part,
    /// The end of a whole zone. Its base is the sequence up to which it covers what was written of the zone; `from` is the number of
    /// parts.
    Whole,
    /// The difference to the version that the record with the sequence `base` made.
    Change,
    /// A difference between two versions before a whole zone, for those who have them.
    Earlier,
    /// The version was found to be that of the primary: until when it may be served.
    Checked,
    /// Nothing is kept of the zone any more.
    Removed,
    /// Signatures of messages that were carried out: of those that made the change that follows and has the same sequence; with the base
    /// 0, of some that changed nothing. `from` is their number, `expires` until when the last of them is good.
    Signatures,
}

/// What caused a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeCause {
    /// The operator's file.
    File,
    /// A transfer from a primary.
    Transfer,
    /// A dynamic update.
    Update,
    /// A command of the operator.
    Command,
}

impl RecordKind {
    const ALL: [Self; 7] = [
        Self::Part,
        Self::Whole,
        Self::Change,
        Self::Earlier,
        Self::Checked,
        Self::Removed,
        Self::Signatures,
    ];

    const fn code(self) -> u8 {
        match self {
            Self::Part => 1,
            Self::Whole => 2,
            Self::Change => 3,
            Self::Earlier => 4,
            Self::Checked => 5,
            Self::Removed => 6,
            Self::Signatures => 7,
        }
    }
}

impl ChangeCause {
    const ALL: [Self; 4] = [Self::File, Self::Transfer, Self::Update, Self::Command];

    const fn code(self) -> u8 {
        match self {
            Self::File => 1,
            Self::Transfer => 2,
            Self::Update => 3,
            Self::Command => 4,
        }
    }

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Transfer => "transfer",
            Self::Update => "update",
            Self::Command => "command",
        }
    }
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalRecord<'r> {
    /// What it holds.
    pub kind: RecordKind,
    /// What caused the version.
    pub cause: ChangeCause,
    /// Counts the records of all zones; the parts of a whole zone count as one.
    pub sequence: u64,
    /// See [`RecordKind`]; 0 where it means nothing.
    pub base: u64,
    /// When it was made, in seconds since 1970.
    pub time: u64,
    /// Until when the version may be served, in seconds since 1970; 0: for ever.
    pub expires: u64,
    /// The serial before; of a whole zone see [`RecordKind`].
    pub from: u32,
    /// The serial of the version.
    pub to: u32,
    /// The zone.
    pub zone: NameRef<'r>,
    /// Who caused it, such as an address; what is beyond 200 bytes is left out.
    pub who: &'r str,
    /// See [`super::RecordPayload`].
    pub payload: &'r [u8],
}

/// What is wrong with the bytes at a place where a record should begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordDamage<'r> {
    /// They end before the record does, which has so many bytes as far as is known.
    Cut(usize),
    /// No record begins here.
    Label,
    /// The head is good and the rest is not: whose record it is, and how many bytes it has.
    Payload(NameRef<'r>, usize),
}

impl<'r> JournalRecord<'r> {
    /// Appends the record.
    pub fn write(&self, into: &mut Vec<u8>) {
        let start = into.len();
        let zone = self.zone.as_bytes();
        let who = self.who.get(..self.who.floor_char_boundary(LONGEST_WHO)).unwrap_or_default().as_bytes();
        let label = NUMBERS + zone.len() + who.len();
        let length = (HEAD + label + self.payload.len() + TAIL + zone.len()) as u32;
        into.reserve(length as usize);
        into.extend_from_slice(&START);
        into.extend_from_slice(&length.to_be_bytes());
        into.extend_from_slice(&(label as u16).to_be_bytes());
        let checksum_at = into.len();
        into.extend_from_slice(&[0; 4]);
        into.extend_from_slice(&[self.kind.code(), self.cause.code()]);
        for number in [self.sequence, self.base, self.time, self.expires] {
            into.extend_from_slice(&number.to_be_bytes());
        }
        into.extend_from_slice(&self.from.to_be_bytes());
        into.extend_from_slice(&self.to.to_be_bytes());
        into.extend_from_slice(zone);
        into.extend_from_slice(who);
        let (before, label) = (into.get(start..checksum_at), into.get(checksum_at + 4..));
        let checksum = crc32c(&[before.unwrap_or(&[]), label.unwrap_or(&[])]);
        if let Some(place) = into.get_mut(checksum_at..checksum_at + 4) {
            place.copy_from_slice(&checksum.to_be_bytes());
        }
        into.extend_from_slice(self.payload);
        into.extend_from_slice(&crc32c(&[self.payload]).to_be_bytes());
        into.extend_from_slice(zone);
        into.extend_from_slice(&length.to_be_bytes());
        into.extend_from_slice(&crc32c(&[zone, &length.to_be_bytes()]).to_be_bytes());
        into.extend_from_slice(&END);
    }

    /// The record at the beginning of `bytes`, and how many of them it has.
    ///
    /// Errors: see [`RecordDamage`].
    pub fn parse(bytes: &'r [u8]) -> Result<(Self, usize), RecordDamage<'r>> {
        let (record, label_length, length) = Self::parse_start(bytes)?;
        let rest = bytes.get(HEAD + label_length..).unwrap_or(&[]);
        let tail = TAIL + record.zone.len();
        let payload_length = length.checked_sub(HEAD + label_length + tail).ok_or(RecordDamage::Label)?;
        let Some((payload, rest)) =
            rest.split_at_checked(payload_length).filter(|(_, rest)| rest.len() >= tail)
        else {
            return Err(RecordDamage::Cut(length));
        };
        let checksum = rest.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        if crc32c(&[payload]) != checksum {
            return Err(RecordDamage::Payload(record.zone, length));
        }
        Ok((Self { payload, ..record }, length))
    }

    /// The same without the payload, of which nothing need be there: a record has its name and numbers at its start.
    ///
    /// Errors: see [`RecordDamage`].
    pub fn parse_head(bytes: &'r [u8]) -> Result<(Self, usize), RecordDamage<'r>> {
        Self::parse_start(bytes).map(|(record, _, length)| (record, length))
    }

    /// The record without its payload, how long its label is, and how long the whole.
    fn parse_start(bytes: &'r [u8]) -> Result<(Self, usize, usize), RecordDamage<'r>> {
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
            return Err(if START.starts_with(bytes) || bytes.starts_with(&START) {
                RecordDamage::Cut(HEAD)
            } else {
                RecordDamage::Label
            });
        };
        let [s0, s1, s2, s3, n0, n1, n2, n3, l0, l1, c0, c1, c2, c3] = *head;
        if [s0, s1, s2, s3] != START {
            return Err(RecordDamage::Label);
        }
        let length = u32::from_be_bytes([n0, n1, n2, n3]) as usize;
        let label_length = usize::from(u16::from_be_bytes([l0, l1]));
        if label_length > LONGEST_LABEL {
            return Err(RecordDamage::Label);
        }
        let Some((label, _)) = rest.split_at_checked(label_length) else {
            return Err(RecordDamage::Cut(HEAD + label_length));
        };
        let signed = head.get(..HEAD - 4).unwrap_or(&[]);
        if crc32c(&[signed, label]) != u32::from_be_bytes([c0, c1, c2, c3]) {
            return Err(RecordDamage::Label);
        }
        let record = Self::parse_label(label).ok_or(RecordDamage::Label)?;
        Ok((record, label_length, length))
    }

    fn parse_label(label: &'r [u8]) -> Option<Self> {
        let (numbers, names) = label.split_first_chunk::<NUMBERS>()?;
        let (&[kind, cause], numbers) = numbers.split_first_chunk::<2>()?;
        let (longs, serials) = numbers.split_first_chunk::<32>()?;
        let mut longs = longs.as_chunks::<8>().0.iter().map(|bytes| u64::from_be_bytes(*bytes));
        let mut serials = serials.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes));
        let zone = NameRef::parse(names).ok()?;
        Some(Self {
            kind: RecordKind::ALL.into_iter().find(|known| known.code() == kind)?,
            cause: ChangeCause::ALL.into_iter().find(|known| known.code() == cause)?,
            sequence: longs.next()?,
            base: longs.next()?,
            time: longs.next()?,
            expires: longs.next()?,
            from: serials.next()?,
            to: serials.next()?,
            zone,
            who: std::str::from_utf8(names.get(zone.len()..)?).ok()?,
            payload: &[],
        })
    }
}

/// The zone whose record ends at the end of `bytes`, and how many bytes the record has; none where none ends there.
pub(super) fn record_before(bytes: &[u8]) -> Option<(DomainName, usize)> {
    let (rest, end) = bytes.split_last_chunk::<4>()?;
    if *end != END {
        return None;
    }
    let (rest, checksum) = rest.split_last_chunk::<4>()?;
    let (rest, length) = rest.split_last_chunk::<4>()?;
    // Where the name begins is not known: its length is tried.
    (1..=255.min(rest.len())).find_map(|name_length| {
        let name = rest.get(rest.len() - name_length..)?;
        let zone = NameRef::parse(name).ok().filter(|zone| zone.len() == name_length)?;
        let found = crc32c(&[name, length]) == u32::from_be_bytes(*checksum);
        found.then(|| (zone.to_name(), u32::from_be_bytes(*length) as usize))
    })
}

/// Where the next record may begin, from `from` on.
pub(super) fn next_start(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(START.len()).position(|window| window == START).map(|at| from + at)
}
