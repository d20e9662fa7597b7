//! The image of an RRset and its signatures: the records as they go out, with a few pointers left to fill in.
//!
//! ```text
//! type u16 · image bytes u16 · signature bytes u16 · records u8 · signatures u8          (little-endian)
//! [the same four numbers as u32 each, where one does not fit: image bytes is then ffff]
//! [for types that point to names: bytes from here to the records u16,
//!  for those whose targets' addresses are added: records whose target needs glue u16 · has a link u16 · the links u32 each,
//!  for those whose names are compressed: place of each pointer in the image u16]
//! records: pointer to the owner · type · class · TTL · length · RDATA                     (big-endian)
//! signatures, likewise
//! ```
//!
//! A link is the hash of a target that lies in the zone; the records with links come first. The owner's pointer stands at 12, where a question has its name. A pointer in RDATA has its first bit set; the
//! second says to what: not set, to that many last bytes of the owner's name; set, to an offset in the image.

use rhumb_wire::{NameBuf, NameRef, Type};

use crate::fold;

/// Bytes of a record before its RDATA, the owner being a pointer.
pub(crate) const FIXED: usize = 12;
/// Offset of the TTL in a record.
pub(crate) const TTL_AT: usize = 6;
/// The owner's pointer as it is stored.
pub(crate) const TO_QUESTION: u16 = 0xc00c;
/// First bit of a stored pointer.
pub(crate) const POINTER: u16 = 0x8000;
/// Second bit of a stored pointer: an offset in the image.
pub(crate) const IN_IMAGE: u16 = 0x4000;
/// What a stored pointer says.
pub(crate) const VALUE: u16 = 0x3fff;

const HEAD: usize = 8;
const LARGE_HEAD: usize = 16;
const LARGE: u16 = 0xffff;

/// The types whose names are compressed (RFC 3597 section 4).
#[inline]
pub(crate) const fn has_pointers(rtype: Type) -> bool {
    matches!(
        rtype,
        Type::NS
            | Type::CNAME
            | Type::SOA
            | Type::PTR
            | Type::MX
            | Type::MD
            | Type::MF
            | Type::MB
            | Type::MG
            | Type::MR
            | Type::MINFO
    )
}

/// How much of the RDATA stands before the target, for the types whose targets' addresses are added to an answer.
#[inline]
pub(crate) const fn before_target(rtype: Type) -> Option<usize> {
    match rtype {
        Type::NS => Some(0),
        Type::MX | Type::SVCB | Type::HTTPS => Some(2),
        Type::SRV => Some(6),
        _ => None,
    }
}

/// The types whose sets say where the names in their RDATA are, or where they lead.
#[inline]
pub(crate) const fn points(rtype: Type) -> bool {
    has_pointers(rtype) || before_target(rtype).is_some()
}

/// A view of an RRset with its signatures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredRrset<'a> {
    /// The type of the records; that covered, where there are signatures alone.
    pub(crate) rtype: Type,
    pub(crate) records: u32,
    pub(crate) signatures: u32,
    points: &'a [u8],
    images: &'a [u8],
    split: usize,
}

/// The numbers at the head of a set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetNumbers {
    pub(crate) rtype: Type,
    /// Bytes of the records.
    pub(crate) image: usize,
    /// Bytes of the signatures.
    pub(crate) signed: usize,
    pub(crate) records: usize,
    pub(crate) signatures: usize,
}

impl SetNumbers {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Self { rtype, image, signed, records, signatures } = *self;
        let [low, high] = rtype.0.to_le_bytes();
        out.extend_from_slice(&[low, high]);
        if image < usize::from(LARGE) && signed < usize::from(LARGE) && records.max(signatures) < 256 {
            out.extend_from_slice(&(image as u16).to_le_bytes());
            out.extend_from_slice(&(signed as u16).to_le_bytes());
            out.extend_from_slice(&[records as u8, signatures as u8]);
        } else {
            out.extend_from_slice(&[0xff; HEAD - 2]);
            for number in [image, signed, records, signatures] {
                out.extend_from_slice(&(number as u32).to_le_bytes());
            }
        }
    }
}

impl<'a> StoredRrset<'a> {
    /// Reads the set that begins `bytes`, and what comes after it.
    #[inline]
    pub(crate) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, mut rest) = bytes.split_first_chunk::<HEAD>()?;
        let head = u64::from_le_bytes(*head);
        let rtype = Type(head as u16);
        let mut split = usize::from((head >> 16) as u16);
        let mut signed = usize::from((head >> 32) as u16);
        let (mut records, mut signatures) = (u32::from((head >> 48) as u8), (head >> 56) as u32);
        if split == usize::from(LARGE) {
            let (large, after) = rest.split_first_chunk::<LARGE_HEAD>()?;
            let numbers = large.as_chunks::<4>().0.first_chunk::<4>()?.map(u32::from_le_bytes);
            (split, signed, records, signatures) =
                (numbers[0] as usize, numbers[1] as usize, numbers[2], numbers[3]);
            rest = after;
        }
        let mut found: &[u8] = &[];
        if points(rtype) {
            let (length, after) = rest.split_first_chunk::<2>()?;
            (found, rest) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        }
        let (images, rest) = rest.split_at_checked(split + signed)?;
        Some((Self { rtype, records, signatures, points: found, images, split }, rest))
    }

    /// The image of the records.
    #[inline]
    pub(crate) fn image(&self) -> &'a [u8] {
        self.images.get(..self.split).unwrap_or(&[])
    }

    /// The image of the signatures.
    pub(crate) fn signature_image(&self) -> &'a [u8] {
        self.images.get(self.split..).unwrap_or(&[])
    }

    /// Both, one behind the other.
    #[inline]
    pub(crate) const fn images(&self) -> &'a [u8] {
        self.images
    }

    /// Where the image has pointers in RDATA, and what is stored there.
    #[inline]
    pub(crate) fn pointers(&self) -> impl Iterator<Item = (usize, u16)> + use<'a> {
        let image = self.images;
        let places = if before_target(self.rtype).is_none() { self.points } else { self.split_links().2 };
        let places = if has_pointers(self.rtype) { places } else { &[] };
        places.as_chunks::<2>().0.iter().filter_map(move |place| {
            let place = usize::from(u16::from_le_bytes(*place));
            let stored = image.get(place..)?.first_chunk::<2>()?;
            Some((place, u16::from_be_bytes(*stored)))
        })
    }

    /// The records whose target lies in the zone, those that need glue first.
    #[inline]
    pub(crate) fn links(&self) -> impl Iterator<Item = TargetLink> + use<'a> {
        let (required, links, _) = self.split_links();
        let links = links.as_chunks::<4>().0.iter().map(|link| u32::from_le_bytes(*link));
        let before = FIXED + before_target(self.rtype).unwrap_or(0);
        let records = RecordImages::new(self.image()).map(move |(at, _)| at + before);
        records.zip(links).enumerate().map(move |(index, (at, hash))| TargetLink {
            at,
            hash,
            required: index < required,
        })
    }

    /// How many records need glue, the links, the places.
    #[inline]
    fn split_links(&self) -> (usize, &'a [u8], &'a [u8]) {
        let Some((&[r0, r1, l0, l1], rest)) = self.points.split_first_chunk::<4>() else {
            return (0, &[], &[]);
        };
        let links = 4 * usize::from(u16::from_le_bytes([l0, l1]));
        let (links, places) = rest.split_at_checked(links).unwrap_or((&[], &[]));
        (usize::from(u16::from_le_bytes([r0, r1])), links, places)
    }

    /// Whether the target at `at` of the image is a root that stands for the owner itself (RFC 9460 section 2.5).
    pub(crate) fn means_owner(&self, at: usize) -> bool {
        matches!(self.rtype, Type::SVCB | Type::HTTPS) && self.images.get(at) == Some(&0)
    }

    /// TTL in seconds.
    pub(crate) fn ttl(&self) -> u32 {
        self.images.get(TTL_AT..).and_then(<[u8]>::first_chunk).map_or(0, |ttl| u32::from_be_bytes(*ttl))
    }
}

/// A record's target that lies in the zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TargetLink {
    /// Where it stands in the image.
    pub(crate) at: usize,
    pub(crate) hash: u32,
    /// Whether an answer without its addresses leads nowhere (RFC 9471).
    pub(crate) required: bool,
}

/// Walks the records of an image: the offset of each and its RDATA as stored.
#[derive(Clone, Debug)]
pub(crate) struct RecordImages<'a> {
    image: &'a [u8],
    at: usize,
}

impl<'a> RecordImages<'a> {
    /// The records of `image`.
    #[inline]
    pub(crate) const fn new(image: &'a [u8]) -> Self {
        Self { image, at: 0 }
    }
}

impl<'a> Iterator for RecordImages<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let at = self.at;
        let length = self.image.get(at + FIXED - 2..)?.first_chunk::<2>()?;
        let end = at + FIXED + usize::from(u16::from_be_bytes(*length));
        let rdata = self.image.get(at + FIXED..end)?;
        self.at = end;
        Some((at, rdata))
    }
}

/// Whether the name at `at` of `image` is what is called `wanted` below the apex; `owner` is the owner's name below it.
pub(crate) fn is_named(image: &[u8], mut at: usize, owner: &[u8], apex: NameRef<'_>, wanted: &[u8]) -> bool {
    let mut rest = wanted;
    for _ in 0..256 {
        let tail = image.get(at..).unwrap_or(&[]);
        let Some(&length) = tail.first() else { return false };
        if length >= 64 {
            let stored = tail.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
            let value = usize::from(stored & VALUE);
            if stored & IN_IMAGE != 0 {
                at = value;
                continue;
            }
            // So many last bytes of the owner's full name.
            let start = (owner.len() + apex.len()).checked_sub(value);
            return start.and_then(|start| owner.get(start..)).is_some_and(|shared| fold::eq(shared, rest));
        }
        if rest.is_empty() {
            return NameRef::parse(tail).is_ok_and(|name| name == apex);
        }
        let size = 1 + usize::from(length);
        match (tail.get(..size), rest.split_at_checked(size)) {
            (Some(label), Some((wanted, after))) if fold::eq(label, wanted) => rest = after,
            _ => return false,
        }
        at += size;
    }
    false
}

/// Writes out the name at `at` of `image`, whose owner is `owner`; the offset after it.
pub(crate) fn expand(image: &[u8], mut at: usize, owner: NameRef<'_>, into: &mut NameBuf) -> Option<usize> {
    into.clear();
    let mut after = None;
    // Each step takes a label or goes back to an earlier name: a name has at most 127 of either.
    for _ in 0..256 {
        let length = *image.get(at)?;
        if length == 0 {
            into.finish(NameRef::ROOT).ok()?;
            return Some(after.unwrap_or(at + 1));
        }
        if length < 64 {
            into.push_label(image.get(at + 1..=at + usize::from(length))?).ok()?;
            at += 1 + usize::from(length);
            continue;
        }
        let stored = u16::from_be_bytes(*image.get(at..)?.first_chunk::<2>()?);
        after.get_or_insert(at + 2);
        let value = usize::from(stored & VALUE);
        if stored & IN_IMAGE == 0 {
            let start = owner.len().checked_sub(value)?;
            into.finish(NameRef::parse(owner.as_bytes().get(start..)?).ok()?).ok()?;
            return after;
        }
        at = value;
    }
    None
}
