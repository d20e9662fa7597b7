//! The last step of every answer: header, OPT with what belongs into it, and never more bytes than the client takes.

use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::{self, ExtendedError};
use rhumb_wire::{MessageWriter, QueryMessage, Rcode, header};

use super::edns_context::EdnsContext;
use super::kept_reason::read_reason;
use super::rotate::rotate_addresses;
use crate::snapshot::QuerySettings;
use rhumb_wire::Transport;

/// The largest message of all.
const LARGEST: usize = 65_535;
/// The most bytes of a UDP answer to a client without EDNS (RFC 1035 section 4.2.1).
const PLAIN: usize = 512;
/// Padded answers are as long as a multiple of this (RFC 8467 section 4.1).
const BLOCK: usize = 468;
/// Bytes of an option before its value.
const OPTION: usize = 4;

/// What the header and OPT of a response say.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseHead {
    /// The response code; its upper bits go into OPT.
    pub(super) rcode: Rcode,
    /// AA, TC, RA, AD.
    pub(super) flags: u16,
    pub(super) error: Option<(ExtendedError, &'static str)>,
    /// Bytes of a reason that was taken off the message, see [`take_reason`](super::kept_reason::take_reason); 0 without one.
    pub(super) reason: u8,
    /// Seconds until the zone expires here, for those who ask for it (RFC 7314).
    pub(super) expire: Option<u32>,
    /// Whether it comes from a zone whose errors are to be reported.
    pub(super) reports: bool,
    /// Whether it is a part of a transfer: the records stay in their order, and there may be no question.
    pub(super) is_transfer: bool,
}

impl ResponseHead {
    pub(super) const fn of(rcode: Rcode) -> Self {
        Self { rcode, flags: 0, error: None, expire: None, reason: 0, reports: false, is_transfer: false }
    }

    /// Of the answer over the limit that is of no use to a flood: empty, so that a real client asks by TCP, or again with the
    /// cookie it gets.
    pub(super) const fn slipped(edns_context: &EdnsContext) -> Self {
        match edns_context.cookie {
            Some(_) => Self::of(Rcode::BADCOOKIE),
            None => Self { flags: header::TC, ..Self::of(Rcode::NOERROR) },
        }
    }
}

/// The most bytes of a response before it is signed, those of them that OPT needs, and the options that are to be in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseLimits {
    pub(super) whole: usize,
    pub(super) opt: usize,
    pub(super) edns_context: EdnsContext,
}

impl ResponseLimits {
    /// By UDP what both sides take, 512 without EDNS (RFC 6891 section 6.2.5); 65535 on streams.
    #[inline]
    pub(super) fn of(
        query: &QueryMessage<'_>,
        edns_context: EdnsContext,
        transport: Transport,
        settings: &QuerySettings,
        buffer: usize,
    ) -> Self {
        let buffer = buffer.saturating_sub(usize::from(edns_context.signature));
        let signed = |whole: usize| whole.saturating_sub(usize::from(edns_context.signature));
        let Some(edns) = query.edns else {
            let whole = if transport.is_datagram() { PLAIN } else { LARGEST };
            return Self { whole: signed(whole).min(buffer), opt: 0, edns_context };
        };
        let whole = if transport.is_datagram() {
            edns.payload().min(usize::from(settings.edns_size))
        } else {
            LARGEST
        };
        let opt = if edns_context.is_empty() { edns::FIXED } else { options_length(edns_context, settings) };
        Self { whole: signed(whole).min(buffer), opt, edns_context }
    }

    /// Bytes for everything but OPT.
    pub(super) const fn message(self) -> usize {
        self.whole.saturating_sub(self.opt)
    }
}

/// Bytes of an OPT with the options that must be in it.
fn options_length(edns_context: EdnsContext, settings: &QuerySettings) -> usize {
    let nsid =
        if edns_context.nsid { OPTION + settings.nsid.as_ref().map_or(0, |nsid| nsid.len()) } else { 0 };
    let keepalive = if edns_context.keepalive { OPTION + 2 } else { 0 };
    let cookie = edns_context.cookie.map_or(0, |cookie| OPTION + cookie.reply.len());
    let expire = if edns_context.expire { OPTION + 4 } else { 0 };
    edns::FIXED + nsid + keepalive + cookie + expire
}

/// Completes the message of `length` bytes in `out`: id and flags into the header, OPT at its end. Gives its length.
///
/// The answer repeats RD; QR is set; OPT is there if the query had one, with DO as asked (RFC 3225 section 3).
#[inline]
pub(super) fn finish(
    query: &QueryMessage<'_>,
    settings: &QuerySettings,
    limits: &ResponseLimits,
    head: ResponseHead,
    length: usize,
    out: &mut [u8],
) -> usize {
    let asked = query.header;
    let flags = header::QR
        | (asked.flags & (header::OPCODE | header::RD))
        | head.flags
        | (head.rcode.0 & header::RCODE);
    header::set_id(out, asked.id);
    header::set_flags(out, flags);
    if settings.rotates && !head.is_transfer {
        // Clients choose their ids at random, which spares a generator of our own.
        rotate_addresses(out, header::LENGTH + query.question_bytes().len(), asked.id);
    }
    if query.edns.is_none() {
        return length;
    }
    append_opt(query, settings, limits, head, length, out)
}

fn append_opt(
    query: &QueryMessage<'_>,
    settings: &QuerySettings,
    limits: &ResponseLimits,
    head: ResponseHead,
    length: usize,
    out: &mut [u8],
) -> usize {
    let reason = if head.reason > 0 { read_reason(out, length, head.reason) } else { None };
    let Some(place) = out.get_mut(length..limits.whole) else { return length };
    let mut opt = Opt { place, at: 0 };
    let dnssec_ok = if query.dnssec_ok() { edns::DO } else { 0 };
    let [size_high, size_low] = settings.edns_size.to_be_bytes();
    let [do_high, do_low] = dnssec_ok.to_be_bytes();
    opt.put(&[0, 0, 41, size_high, size_low, (head.rcode.0 >> 4) as u8, 0, do_high, do_low, 0, 0]);
    let edns_context = &limits.edns_context;
    if let (true, Some(nsid)) = (edns_context.nsid, settings.nsid.as_deref()) {
        opt.option(edns::NSID, &[nsid]);
    }
    if edns_context.keepalive {
        // In units of 100 milliseconds.
        opt.option(edns::TCP_KEEPALIVE, &[&settings.tcp_idle.saturating_mul(10).to_be_bytes()]);
    }
    if let Some(cookie) = &edns_context.cookie {
        opt.option(edns::COOKIE, &[&cookie.reply]);
    }
    if let (true, Some(seconds)) = (edns_context.expire, head.expire) {
        opt.option(edns::EXPIRE, &[&seconds.to_be_bytes()]);
    }
    if let Some((error, text)) = head.error {
        opt.extended_error(&error.code().to_be_bytes(), text.as_bytes());
    }
    if let Some((code, text)) = reason.as_ref().and_then(|reason| reason.value().split_at_checked(2)) {
        opt.extended_error(code, text);
    }
    if let (true, Some(agent)) = (head.reports, &settings.report_channel) {
        // Errors of the reports themselves are not reported (RFC 9567 section 6.2).
        if !query.name.is_at_or_below(agent.as_ref()) {
            opt.option(edns::REPORT_CHANNEL, &[agent.as_ref().as_bytes()]);
        }
    }
    if edns_context.padding {
        opt.pad(length);
    }
    let written = opt.end();
    if written > 0 {
        count_additional(out);
    }
    length + written
}

/// One more record in the additional section.
pub(super) fn count_additional(out: &mut [u8]) {
    if let Some([high, low]) = out.get_mut(10..12) {
        let count = u16::from_be_bytes([*high, *low]).saturating_add(1);
        [*high, *low] = count.to_be_bytes();
    }
}

/// An OPT record being written; whatever does not fit is left out whole.
struct Opt<'o> {
    place: &'o mut [u8],
    at: usize,
}

impl Opt<'_> {
    fn put(&mut self, bytes: &[u8]) -> bool {
        match self.place.get_mut(self.at..self.at + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.at += bytes.len();
                true
            }
            None => false,
        }
    }

    /// Gives whether it fits.
    fn option(&mut self, code: u16, parts: &[&[u8]]) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.at < edns::FIXED || self.at + 4 + length > self.place.len() {
            return false;
        }
        self.put(&code.to_be_bytes());
        self.put(&(length as u16).to_be_bytes());
        for part in parts {
            self.put(part);
        }
        true
    }

    /// An extended error, without its text where that does not fit (RFC 8914 section 3).
    fn extended_error(&mut self, code: &[u8], text: &[u8]) {
        if !self.option(edns::EXTENDED_ERROR, &[code, text]) {
            self.option(edns::EXTENDED_ERROR, &[code]);
        }
    }

    /// Pads a message of which `before` bytes stand before OPT: to a multiple of [`BLOCK`], or as far as there is room.
    fn pad(&mut self, before: usize) {
        let least = before + self.at + OPTION;
        let room = self.place.len().saturating_sub(self.at + OPTION);
        let padding = (least.next_multiple_of(BLOCK) - least).min(room);
        let start = self.at + OPTION;
        self.option(edns::PADDING, &[]);
        if self.at != start {
            return;
        }
        if let (Some(zeros), Some(length)) =
            (self.place.get_mut(start..start + padding), u16::try_from(padding).ok())
        {
            zeros.fill(0);
            self.at += padding;
            if let Some(place) = self.place.get_mut(start - 2..start) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
    }

    /// Fills in the length of the options; the bytes written.
    fn end(self) -> usize {
        if self.at < edns::FIXED {
            return 0;
        }
        let options = (self.at - edns::FIXED) as u16;
        if let Some(length) = self.place.get_mut(edns::FIXED - 2..edns::FIXED) {
            length.copy_from_slice(&options.to_be_bytes());
        }
        self.at
    }
}

/// Writes an answer of the header and perhaps the question; its length without OPT.
pub(super) fn question_only(
    query: Option<&QueryMessage<'_>>,
    compression: &mut NameCompression,
    out: &mut [u8],
) -> usize {
    let limit = out.len();
    let mut w = MessageWriter::new(out, limit, compression);
    if let Some(query) = query {
        // Room for a question is in every buffer; without it the header alone is still an answer.
        let _ = w.question(query.name, query.qtype, query.class);
    }
    w.finish(0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(before: usize, room: usize, options: &[&[u8]]) -> (usize, usize) {
        let mut place = vec![0xee; room];
        let mut opt = Opt { place: &mut place, at: 0 };
        opt.put(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        for value in options {
            opt.option(edns::NSID, &[value]);
        }
        let unpadded = opt.at;
        opt.pad(before);
        let end = opt.end();
        let read = edns::OptRecord::new(1232, 0, &place[edns::FIXED..end]);
        assert!(read.options.well_formed());
        let padding = read.options.find(edns::PADDING);
        assert!(padding.is_none_or(|padding| padding.iter().all(|byte| *byte == 0)));
        assert_eq!(end - unpadded, padding.map_or(0, |padding| OPTION + padding.len()));
        (before + unpadded, before + end)
    }

    /// RFC 8467 section 4.1.
    #[test]
    fn answers_are_padded_to_blocks() {
        for before in 12..2000 {
            let (unpadded, length) = padded(before, 65_535 - before, &[]);
            assert!(length.is_multiple_of(BLOCK), "{before}");
            assert!(length - unpadded < BLOCK + OPTION, "{before}");
        }
        assert_eq!(padded(100, 2000, &[b"a name", b"another"]).1, BLOCK);
    }

    #[test]
    fn where_there_is_no_room_there_is_less_padding() {
        assert_eq!(padded(100, 300, &[]), (111, 400));
        assert_eq!(padded(100, edns::FIXED + OPTION, &[]), (111, 115));
        assert_eq!(padded(100, edns::FIXED + OPTION - 1, &[]), (111, 111));
    }
}
