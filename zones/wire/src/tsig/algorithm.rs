//! The algorithms (RFC 8945 section 6).

use std::fmt;
use std::str::FromStr;

use crate::name::NameRef;

/// An algorithm of TSIG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TsigAlgorithm {
    /// `hmac-md5`: not to be used any more, and what many clients still use by default.
    HmacMd5,
    /// `hmac-sha1`: must be implemented, is not recommended.
    HmacSha1,
    /// `hmac-sha224`
    HmacSha224,
    /// `hmac-sha256`: the recommended one.
    HmacSha256,
    /// `hmac-sha384`
    HmacSha384,
    /// `hmac-sha512`
    HmacSha512,
}

/// The shortest MAC that is ever accepted, in bytes (RFC 8945 section 5.2.2.1).
const LEAST_MAC: usize = 10;

impl TsigAlgorithm {
    /// All of them, in the order of their lengths.
    pub const ALL: [Self; 6] = [
        Self::HmacMd5,
        Self::HmacSha1,
        Self::HmacSha224,
        Self::HmacSha256,
        Self::HmacSha384,
        Self::HmacSha512,
    ];

    /// Its name without the final dot, in configurations and messages to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacMd5 => "hmac-md5",
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacSha224 => "hmac-sha224",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        }
    }

    /// Its name in wire form.
    pub(super) const fn wire_name(self) -> &'static [u8] {
        match self {
            Self::HmacMd5 => b"\x08hmac-md5\x07sig-alg\x03reg\x03int\0",
            Self::HmacSha1 => b"\x09hmac-sha1\0",
            Self::HmacSha224 => b"\x0bhmac-sha224\0",
            Self::HmacSha256 => b"\x0bhmac-sha256\0",
            Self::HmacSha384 => b"\x0bhmac-sha384\0",
            Self::HmacSha512 => b"\x0bhmac-sha512\0",
        }
    }

    /// The algorithm that a TSIG record names.
    pub fn from_name(name: NameRef<'_>) -> Option<Self> {
        Self::ALL.into_iter().find(|known| name.as_bytes().eq_ignore_ascii_case(known.wire_name()))
    }

    /// Bytes of a whole MAC.
    pub const fn mac_length(self) -> usize {
        match self {
            Self::HmacMd5 => 16,
            Self::HmacSha1 => 20,
            Self::HmacSha224 => 28,
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
            Self::HmacSha512 => 64,
        }
    }

    /// Bytes that a truncated MAC has at the least: ten, and half of the whole one (RFC 8945 section 5.2.2.1).
    pub const fn least_mac_length(self) -> usize {
        let half = self.mac_length() / 2;
        if half > LEAST_MAC { half } else { LEAST_MAC }
    }
}

impl fmt::Display for TsigAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown algorithm {0:?}: hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1 and hmac-md5 are known"
)]
pub struct UnknownAlgorithm(pub String);

impl FromStr for TsigAlgorithm {
    type Err = UnknownAlgorithm;

    /// Case and a final dot make no difference; HMAC-MD5 may have its name in messages, `hmac-md5.sig-alg.reg.int`.
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_named = |known: &Self| known.name().eq_ignore_ascii_case(name);
        let is_md5 = name.eq_ignore_ascii_case("hmac-md5.sig-alg.reg.int");
        let found = Self::ALL.into_iter().find(is_named).or(is_md5.then_some(Self::HmacMd5));
        found.ok_or_else(|| UnknownAlgorithm(text.to_owned()))
    }
}
