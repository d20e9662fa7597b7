//! Frames (RFC 9113, section 4.1).

/// The head of a frame, in bytes.
pub(super) const FRAME_HEAD: usize = 9;
/// The longest content of a frame that has to be taken, in bytes; no longer ones are asked for, or sent (RFC 9113, section 4.2).
pub(super) const LONGEST_FRAME: usize = 16_384;
/// The largest window, and the largest number of a stream (RFC 9113, sections 5.1.1 and 6.9.1).
pub(super) const LARGEST: u32 = 0x7fff_ffff;

/// The kinds of frames (RFC 9113, section 6).
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// The flags of frames; one bit has several meanings.
pub(super) mod flag {
    pub(crate) const ACK: u8 = 1;
    pub(crate) const END_STREAM: u8 = 1;
    pub(crate) const END_HEADERS: u8 = 4;
    pub(crate) const PADDED: u8 = 8;
    pub(crate) const PRIORITY: u8 = 32;
}

/// A frame that came.
#[derive(Clone, Copy, Debug)]
pub(super) struct InputFrame<'i> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// 0 for the connection.
    pub(super) stream: u32,
    pub(super) content: &'i [u8],
}

/// What is at the front of some bytes.
#[derive(Debug)]
pub(super) enum FrameFront<'i> {
    Whole(InputFrame<'i>),
    /// A part of a frame, or nothing.
    Part,
    /// A frame that is longer than it may be.
    Long,
}

impl<'i> InputFrame<'i> {
    /// Takes the frame at the front.
    #[inline]
    pub(super) fn take(input: &mut &'i [u8]) -> FrameFront<'i> {
        let Some((head, behind)) = input.split_first_chunk::<FRAME_HEAD>() else { return FrameFront::Part };
        let [l1, l2, l3, kind, flags, s1, s2, s3, s4] = *head;
        let length = u32::from_be_bytes([0, l1, l2, l3]) as usize;
        if length > LONGEST_FRAME {
            return FrameFront::Long;
        }
        let Some((content, rest)) = behind.split_at_checked(length) else { return FrameFront::Part };
        *input = rest;
        let stream = u32::from_be_bytes([s1, s2, s3, s4]) & LARGEST;
        FrameFront::Whole(Self { kind, flags, stream, content })
    }

    pub(super) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The content without padding (RFC 9113, sections 6.1 and 6.2); none where it is all padding, and more.
    pub(super) fn unpadded(&self) -> Option<&'i [u8]> {
        if !self.has(flag::PADDED) {
            return Some(self.content);
        }
        let (padding, behind) = self.content.split_first()?;
        behind.get(..behind.len().checked_sub(usize::from(*padding))?)
    }
}

/// A length as windows count, which may be negative.
pub(super) fn window_size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Writes the head of a frame.
#[inline]
pub(super) fn put_head(out: &mut Vec<u8>, length: usize, kind: u8, flags: u8, stream: u32) {
    let [_, l1, l2, l3] = (length as u32).to_be_bytes();
    let [s1, s2, s3, s4] = stream.to_be_bytes();
    out.extend_from_slice(&[l1, l2, l3, kind, flags, s1, s2, s3, s4]);
}

/// Writes a frame.
pub(super) fn put_frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, content: &[u8]) {
    put_head(out, content.len(), kind, flags, stream);
    out.extend_from_slice(content);
}
