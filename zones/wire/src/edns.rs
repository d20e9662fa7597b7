//! EDNS(0): the OPT record (RFC 6891), its options, and the codes of extended errors (RFC 8914).

use crate::writer::{BufferFull, MessageWriter};

/// Name server identifier (RFC 5001).
pub const NSID: u16 = 3;
/// Client subnet (RFC 7871).
pub const CLIENT_SUBNET: u16 = 8;
/// When a zone expires at the server that answers (RFC 7314).
pub const EXPIRE: u16 = 9;
/// Cookie (RFC 7873).
pub const COOKIE: u16 = 10;
/// TCP keepalive (RFC 7828).
pub const TCP_KEEPALIVE: u16 = 11;
/// Padding (RFC 7830).
pub const PADDING: u16 = 12;
/// Extended error (RFC 8914).
pub const EXTENDED_ERROR: u16 = 15;
/// Error reporting channel (RFC 9567).
pub const REPORT_CHANNEL: u16 = 18;
/// The DO bit in the flags of OPT (RFC 3225).
pub const DO: u16 = 0x8000;
/// Bytes of an OPT record without options.
pub const FIXED: usize = 11;
/// Options read before the rest of an OPT is left alone.
pub const MAX_OPTIONS: usize = 32;

/// The OPT record of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OptRecord<'a> {
    /// The sender's UDP payload size, as given.
    pub udp_size: u16,
    /// The upper eight bits of the response code.
    pub rcode_high: u8,
    /// EDNS version.
    pub version: u8,
    /// Flags; DO is the first bit.
    pub flags: u16,
    /// The options.
    pub options: EdnsOptions<'a>,
}

impl<'a> OptRecord<'a> {
    /// From the parts of an OPT record: its class, its TTL and its RDATA.
    ///
    /// Errors: none of its own; an option that runs over the end shows when the options are read.
    pub fn new(class: u16, ttl: u32, rdata: &'a [u8]) -> Self {
        let [rcode_high, version, high, low] = ttl.to_be_bytes();
        Self {
            udp_size: class,
            rcode_high,
            version,
            flags: u16::from_be_bytes([high, low]),
            options: EdnsOptions(rdata),
        }
    }

    /// Whether DNSSEC records are wanted (RFC 3225).
    pub const fn dnssec_ok(&self) -> bool {
        self.flags & DO != 0
    }

    /// The UDP payload that fits: what was asked for, never under 512 (RFC 6891 section 6.2.3).
    pub fn payload(&self) -> usize {
        usize::from(self.udp_size.max(512))
    }
}

/// The options of an OPT record, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct EdnsOptions<'a>(&'a [u8]);

impl<'a> EdnsOptions<'a> {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every option read keeps within the RDATA; only the first [`MAX_OPTIONS`] are looked at.
    pub fn well_formed(self) -> bool {
        let mut rest = self;
        for _ in 0..MAX_OPTIONS {
            if rest.0.is_empty() {
                return true;
            }
            if rest.take().is_none() {
                return false;
            }
        }
        true
    }

    /// The value of the first option `code`.
    pub fn find(self, code: u16) -> Option<&'a [u8]> {
        self.into_iter().find(|(c, _)| *c == code).map(|(_, value)| value)
    }

    fn take(&mut self) -> Option<(u16, &'a [u8])> {
        let (&[a, b, c, d], rest) = self.0.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
        self.0 = rest;
        Some((u16::from_be_bytes([a, b]), value))
    }
}

impl<'a> IntoIterator for EdnsOptions<'a> {
    type Item = (u16, &'a [u8]);
    type IntoIter = EdnsOptionIter<'a>;

    fn into_iter(self) -> EdnsOptionIter<'a> {
        EdnsOptionIter { rest: self, left: MAX_OPTIONS }
    }
}

/// Walks options; ends at the first that does not fit, or after [`MAX_OPTIONS`].
#[derive(Clone, Debug)]
pub struct EdnsOptionIter<'a> {
    rest: EdnsOptions<'a>,
    left: usize,
}

impl<'a> Iterator for EdnsOptionIter<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        self.left = self.left.checked_sub(1)?;
        self.rest.take()
    }
}

/// What an extended error says (the IANA registry of RFC 8914 section 5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u16)]
pub enum ExtendedError {
    /// 0
    Other = 0,
    /// 1
    UnsupportedDnskeyAlgorithm = 1,
    /// 2
    UnsupportedDsDigest = 2,
    /// 3: the answer's TTL has run out, no server could be asked (RFC 8767).
    StaleAnswer = 3,
    /// 4
    ForgedAnswer = 4,
    /// 6
    DnssecBogus = 6,
    /// 7
    SignatureExpired = 7,
    /// 8
    SignatureNotYetValid = 8,
    /// 9
    DnskeyMissing = 9,
    /// 10
    RrsigsMissing = 10,
    /// 11
    NoZoneKeyBit = 11,
    /// 12
    NsecMissing = 12,
    /// 13: a failure answered from the cache of failures (RFC 9520).
    CachedError = 13,
    /// 14: the zone has not been loaded.
    NotReady = 14,
    /// 15
    Blocked = 15,
    /// 18: the client may not ask this.
    Prohibited = 18,
    /// 19: a stale NXDOMAIN.
    StaleNxdomain = 19,
    /// 20: asked for a name that is not served, without recursion to be had.
    NotAuthoritative = 20,
    /// 21
    NotSupported = 21,
    /// 22: no upstream answered.
    NoReachableAuthority = 22,
    /// 23: the network said no.
    NetworkError = 23,
    /// 24
    InvalidData = 24,
    /// 25
    SignatureReversed = 25,
    /// 27
    UnsupportedNsec3Iterations = 27,
    /// 30: the type may not be asked for (RFC 9824).
    InvalidQueryType = 30,
}

impl ExtendedError {
    /// The info code.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The purpose that the registry gives an info code, where it is assigned.
    pub const fn name(code: u16) -> Option<&'static str> {
        Some(match code {
            0 => "Other Error",
            1 => "Unsupported DNSKEY Algorithm",
            2 => "Unsupported DS Digest Type",
            3 => "Stale Answer",
            4 => "Forged Answer",
            5 => "DNSSEC Indeterminate",
            6 => "DNSSEC Bogus",
            7 => "Signature Expired",
            8 => "Signature Not Yet Valid",
            9 => "DNSKEY Missing",
            10 => "RRSIGs Missing",
            11 => "No Zone Key Bit Set",
            12 => "NSEC Missing",
            13 => "Cached Error",
            14 => "Not Ready",
            15 => "Blocked",
            16 => "Censored",
            17 => "Filtered",
            18 => "Prohibited",
            19 => "Stale NXDOMAIN Answer",
            20 => "Not Authoritative",
            21 => "Not Supported",
            22 => "No Reachable Authority",
            23 => "Network Error",
            24 => "Invalid Data",
            25 => "Signature Expired before Valid",
            26 => "Too Early",
            27 => "Unsupported NSEC3 Iterations Value",
            28 => "Unable to Conform to Policy",
            29 => "Synthesized",
            30 => "Invalid Query Type",
            _ => return None,
        })
    }
}

/// Writes an OPT record; the options are what `options` writes.
///
/// Errors: `BufferFull` where it does not fit; the message is then as it was.
pub fn write_opt(
    w: &mut MessageWriter<'_, '_>,
    udp_size: u16,
    rcode_high: u8,
    flags: u16,
    options: impl FnOnce(&mut MessageWriter<'_, '_>) -> Result<(), BufferFull>,
) -> Result<(), BufferFull> {
    let mark = w.mark();
    let done = w
        .bytes(&[0, 0, 41])
        .and_then(|()| w.u16(udp_size))
        .and_then(|()| w.bytes(&[rcode_high, 0]))
        .and_then(|()| w.u16(flags))
        .and_then(|()| w.with_length(options));
    if done.is_err() {
        w.rollback(mark);
    }
    done
}

/// Writes one option. Errors: `BufferFull`.
pub fn write_option(w: &mut MessageWriter<'_, '_>, code: u16, value: &[u8]) -> Result<(), BufferFull> {
    w.u16(code)?;
    w.u16(value.len() as u16)?;
    w.bytes(value)
}

/// Writes an extended error with its text. Errors: `BufferFull`.
pub fn write_extended_error(
    w: &mut MessageWriter<'_, '_>,
    error: ExtendedError,
    text: &str,
) -> Result<(), BufferFull> {
    w.u16(EXTENDED_ERROR)?;
    w.u16(text.len() as u16 + 2)?;
    w.u16(error.code())?;
    w.bytes(text.as_bytes())
}

#[cfg(test)]
mod tests;
