//! What DNS over HTTPS adds to a message: where it stands in a request, and how long its answer may be kept (RFC 8484).

use crate::header::MessageHeader;
use crate::message::{MessageRecord, MessageView, ReadError};
use crate::number::{Rcode, Type};
use crate::section::MessageSection;

/// The media type of a message (section 6).
pub const MEDIA_TYPE: &str = "application/dns-message";
/// The methods that a query comes by, for the header `allow`.
pub const METHODS: &str = "GET, HEAD, POST";
/// What stands before a query within a target (section 4.1).
const VARIABLE: &[u8] = b"dns=";

/// Where the query of a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DohRequest {
    /// In its target, which was decoded.
    Target,
    /// In its body.
    Body,
}

/// Why a request has no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DohRejection {
    /// Its path is none that DNS is served on.
    #[error("nothing is served on this path")]
    Path,
    /// Its method.
    #[error("queries come by GET, HEAD or POST")]
    Method,
    /// The media type of its body.
    #[error("the body of a POST is application/dns-message, without a content-encoding")]
    MediaType,
    /// Its target has no variable `dns`, or that is no base64url.
    #[error("a GET has a query in the variable `dns`, in base64url without padding")]
    Variable,
    /// Its body is longer than a message can be.
    #[error("a query has 65535 bytes at most")]
    Length,
    /// What it has is no query.
    #[error("this is no DNS query")]
    Query,
    /// A proxy does not say which client asks.
    #[error("the headers Forwarded and X-Forwarded-For do not name one client")]
    Client,
    /// Others were asked, and no answer came of it.
    #[error("there is no answer")]
    Unanswered,
    /// Its body did not come in time.
    #[error("the body did not come in time")]
    Late,
}

impl DohRejection {
    /// The status of the response (RFC 9110, section 15.5).
    pub const fn status(self) -> u16 {
        match self {
            Self::Path => 404,
            Self::Method => 405,
            Self::MediaType => 415,
            Self::Variable | Self::Query | Self::Client => 400,
            Self::Length => 413,
            Self::Late => 408,
            Self::Unanswered => 503,
        }
    }
}

/// What says where the query of a request stands.
#[derive(Clone, Copy, Debug)]
pub struct DohTarget<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The path.
    pub path: &'a [u8],
    /// What follows `?`.
    pub variables: Option<&'a [u8]>,
    /// The header `content-type`.
    pub content_type: Option<&'a [u8]>,
}

impl DohTarget<'_> {
    /// Finds the query of a request; `paths` are those that DNS is served on. One that stands in the target takes the place of what is
    /// in `query`. Errors: why there is none.
    pub fn request(&self, paths: &[String], query: &mut Vec<u8>) -> Result<DohRequest, DohRejection> {
        if paths.iter().all(|path| path.as_bytes() != self.path) {
            return Err(DohRejection::Path);
        }
        match self.method {
            b"GET" | b"HEAD" => {
                self.decode_variable(query).ok_or(DohRejection::Variable)?;
                Ok(DohRequest::Target)
            }
            b"POST" if self.has_message() => Ok(DohRequest::Body),
            b"POST" => Err(DohRejection::MediaType),
            _ => Err(DohRejection::Method),
        }
    }

    fn decode_variable(&self, query: &mut Vec<u8>) -> Option<()> {
        let variables = self.variables?;
        // Mostly there is no other one, and so no `&`, which is no digit.
        if variables.strip_prefix(VARIABLE).is_some_and(|text| decode(text, query).is_some()) {
            return Some(());
        }
        let mut each = variables.split(|byte| *byte == b'&');
        decode(each.find_map(|variable| variable.strip_prefix(VARIABLE))?, query)
    }

    fn has_message(&self) -> bool {
        // As most clients write it.
        if self.content_type == Some(MEDIA_TYPE.as_bytes()) {
            return true;
        }
        let essence = self.content_type.and_then(|given| given.split(|byte| *byte == b';').next());
        essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(MEDIA_TYPE.as_bytes()))
    }
}

/// What has no value as a digit of base64url. It has bits that no value has.
const NO_DIGIT: u8 = 0xff;
/// The values of the digits (RFC 4648, section 5).
static DIGITS: [u8; 256] = digits();

#[expect(clippy::indexing_slicing, reason = "at compile time, where an index out of bounds is an error")]
const fn digits() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < alphabet.len() {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits
}

/// Takes base64url without padding, its last bits 0 (RFC 4648, sections 3.2 and 3.5); none where it is something else.
fn decode(text: &[u8], query: &mut Vec<u8>) -> Option<()> {
    let (fours, rest) = text.as_chunks::<4>();
    let last = match rest.len() {
        1 => return None,
        length => length.saturating_sub(1),
    };
    query.clear();
    query.resize(fours.len() * 3 + last, 0);
    let (threes, end) = query.as_chunks_mut::<3>();
    let mut seen = 0;
    for (three, four) in threes.iter_mut().zip(fours) {
        *three = three_of(*four, &mut seen);
    }
    // Digits that are not there count as 0.
    let mut four = [b'A'; 4];
    for (digit, given) in four.iter_mut().zip(rest) {
        *digit = *given;
    }
    let three = three_of(four, &mut seen);
    end.copy_from_slice(three.get(..last)?);
    let unused = three.get(last..)?;
    (seen & !63 == 0 && unused.iter().all(|byte| *byte == 0)).then_some(())
}

/// The bytes of four digits. What the digits have of bits is added to `seen`.
#[inline]
fn three_of(four: [u8; 4], seen: &mut u8) -> [u8; 3] {
    // Each by itself: the compiler calls functions for `map` over an array.
    let value = |digit: u8| DIGITS.get(usize::from(digit)).copied().unwrap_or(NO_DIGIT);
    let [a, b, c, d] = four;
    let (a, b, c, d) = (value(a), value(b), value(c), value(d));
    *seen |= a | b | c | d;
    let [_, bytes @ ..] =
        (u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d)).to_be_bytes();
    bytes
}

/// How long a response may be kept, in seconds: the least TTL of its answer, or for a denial what its SOA allows (RFC 8484 section 5.1,
/// RFC 2308 section 5); 0 for failures and all else that is not to be kept.
pub fn freshness(response: &[u8]) -> u32 {
    let kept = |header: MessageHeader| matches!(Rcode(header.rcode_low()), Rcode::NOERROR | Rcode::NXDOMAIN);
    match MessageView::parse(response) {
        Ok(view) if kept(view.header()) => least_ttl(&view).unwrap_or(0),
        _ => 0,
    }
}

fn least_ttl(view: &MessageView<'_>) -> Result<u32, ReadError> {
    let mut least = None;
    let mut lower = |ttl: u32| least = Some(least.map_or(ttl, |least: u32| least.min(ttl)));
    let header = view.header();
    for record in view.records().take(usize::from(header.answers) + usize::from(header.authorities)) {
        let record = record?;
        match record.section {
            MessageSection::Answer => lower(ttl(record)),
            // It stands there for denials alone, also for that of the type at the end of aliases.
            MessageSection::Authority if record.rtype == Type::SOA => {
                lower(ttl(record).min(negative_ttl(record)));
            }
            MessageSection::Question | MessageSection::Authority | MessageSection::Additional => {}
        }
    }
    Ok(least.unwrap_or(0))
}

/// The TTL of a record; those with the top bit set are 0 (RFC 2181, section 8).
const fn ttl(record: MessageRecord<'_>) -> u32 {
    if record.ttl > i32::MAX.unsigned_abs() { 0 } else { record.ttl }
}

/// The last of the numbers of a SOA.
fn negative_ttl(soa: MessageRecord<'_>) -> u32 {
    soa.rdata.last_chunk().map_or(0, |minimum| u32::from_be_bytes(*minimum))
}

#[cfg(test)]
mod tests;
