//! HMAC with any of the algorithms.

use std::fmt;

use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::algorithm::TsigAlgorithm;

/// A MAC that was computed or received.
#[derive(Clone, Copy)]
pub(super) struct MacValue {
    bytes: [u8; 64],
    length: usize,
}

impl MacValue {
    /// The first 64 bytes of what is given: no algorithm makes more.
    pub(super) fn new(mac: &[u8]) -> Self {
        let mut bytes = [0; 64];
        let length = mac.len().min(bytes.len());
        bytes.iter_mut().zip(mac).for_each(|(to, from)| *to = *from);
        Self { bytes, length }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }
}

impl fmt::Debug for MacValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacValue({} bytes)", self.length)
    }
}

/// HMAC under way. What it holds is as good as the secret; the hash functions clear their state when they are dropped.
#[derive(Clone)]
pub(super) enum HmacState {
    Md5(Hmac<Md5>),
    Sha1(Hmac<Sha1>),
    Sha224(Hmac<Sha224>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

/// Does the same with whichever it is.
macro_rules! each {
    ($state:expr, $mac:ident => $do:expr) => {
        match $state {
            HmacState::Md5($mac) => $do,
            HmacState::Sha1($mac) => $do,
            HmacState::Sha224($mac) => $do,
            HmacState::Sha256($mac) => $do,
            HmacState::Sha384($mac) => $do,
            HmacState::Sha512($mac) => $do,
        }
    };
}

impl HmacState {
    /// Errors: none of the algorithms has any; the trait allows for some that do.
    pub(super) fn new(algorithm: TsigAlgorithm, secret: &[u8]) -> Result<Self, InvalidLength> {
        Ok(match algorithm {
            TsigAlgorithm::HmacMd5 => Self::Md5(Hmac::new_from_slice(secret)?),
            TsigAlgorithm::HmacSha1 => Self::Sha1(Hmac::new_from_slice(secret)?),
            TsigAlgorithm::HmacSha224 => Self::Sha224(Hmac::new_from_slice(secret)?),
            TsigAlgorithm::HmacSha256 => Self::Sha256(Hmac::new_from_slice(secret)?),
            TsigAlgorithm::HmacSha384 => Self::Sha384(Hmac::new_from_slice(secret)?),
            TsigAlgorithm::HmacSha512 => Self::Sha512(Hmac::new_from_slice(secret)?),
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        each!(self, mac => mac.update(bytes));
    }

    pub(super) fn finish(self) -> MacValue {
        each!(self, mac => MacValue::new(&mac.finalize().into_bytes()))
    }

    /// Whether the MAC begins with these bytes, compared in constant time.
    pub(super) fn verify(self, mac_bytes: &[u8]) -> bool {
        each!(self, mac => mac.verify_truncated_left(mac_bytes).is_ok())
    }
}

impl fmt::Debug for HmacState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacState")
    }
}
