//! The algorithms of signatures (RFC 9904): RSA, ECDSA, Ed25519 and Ed448.

use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use num_bigint::BigUint;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// One check of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    /// The algorithm's number.
    pub algorithm: u8,
    /// The public key as DNSKEY has it.
    pub key: Box<[u8]>,
    /// What was signed.
    pub data: Box<[u8]>,
    /// The signature.
    pub signature: Box<[u8]>,
}

const RSASHA1: u8 = 5;
const RSASHA1_NSEC3: u8 = 7;
const RSASHA256: u8 = 8;
const RSASHA512: u8 = 10;
const ECDSAP256: u8 = 13;
const ECDSAP384: u8 = 14;
const ED25519: u8 = 15;
const ED448: u8 = 16;
/// The least and the most bytes of an RSA modulus; below [`RSA_OF_LIBRARY`] the library does not take it.
const RSA_LEAST: usize = 64;
const RSA_OF_LIBRARY: usize = 128;
const RSA_MOST: usize = 512;
/// The most bits of an RSA exponent, as the library has it: a longer one makes a check cost as much as a signature.
const EXPONENT_BITS: u64 = 33;

/// Whether signatures of this algorithm can be checked; a zone that has no other counts as insecure (RFC 4035 section 5.2).
pub const fn is_supported(algorithm: u8) -> bool {
    matches!(
        algorithm,
        RSASHA1 | RSASHA1_NSEC3 | RSASHA256 | RSASHA512 | ECDSAP256 | ECDSAP384 | ED25519 | ED448
    )
}

impl SignatureCheck {
    /// Whether the signature is right. It takes up to a millisecond.
    pub fn is_right(&self) -> bool {
        match self.algorithm {
            RSASHA1 | RSASHA1_NSEC3 | RSASHA256 | RSASHA512 => self.rsa(),
            ECDSAP256 => self.ecdsa(&signature::ECDSA_P256_SHA256_FIXED),
            ECDSAP384 => self.ecdsa(&signature::ECDSA_P384_SHA384_FIXED),
            ED25519 => self.verify(&signature::ED25519, &self.key),
            ED448 => self.ed448(),
            _ => false,
        }
    }

    fn verify(&self, algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> bool {
        UnparsedPublicKey::new(algorithm, key).verify(&self.data, &self.signature).is_ok()
    }

    /// DNSKEY leaves out the byte that says the point is not compressed (RFC 6605 section 4).
    fn ecdsa(&self, algorithm: &'static dyn VerificationAlgorithm) -> bool {
        self.verify(algorithm, &[&[4], &*self.key].concat())
    }

    /// The library does not have it (RFC 8080, RFC 8032 section 5.2).
    fn ed448(&self) -> bool {
        crrl::ed448::PublicKey::decode(&self.key)
            .is_some_and(|key| key.verify_raw(&self.signature, &self.data))
    }

    fn rsa(&self) -> bool {
        let Some((exponent, modulus)) = rsa_parts(&self.key) else { return false };
        if BigUint::from_bytes_be(exponent).bits() > EXPONENT_BITS
            || !(RSA_LEAST..=RSA_MOST).contains(&modulus.len())
        {
            return false;
        }
        if modulus.len() < RSA_OF_LIBRARY {
            return self.short_rsa(exponent, modulus);
        }
        let parameters = match self.algorithm {
            RSASHA256 => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            RSASHA512 => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
            _ => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        };
        let key = RsaPublicKeyComponents { n: modulus, e: exponent };
        key.verify(parameters, &self.data, &self.signature).is_ok()
    }

    /// RSA with a modulus that the library does not take (RFC 8017 section 8.2.2): the padded digest is made and compared whole.
    fn short_rsa(&self, exponent: &[u8], modulus: &[u8]) -> bool {
        let (prefix, digest): (&[u8], Vec<u8>) = match self.algorithm {
            RSASHA256 => (&SHA256_PREFIX, Sha256::digest(&self.data).to_vec()),
            RSASHA512 => (&SHA512_PREFIX, Sha512::digest(&self.data).to_vec()),
            _ => (&SHA1_PREFIX, Sha1::digest(&self.data).to_vec()),
        };
        let Some(padding) = modulus.len().checked_sub(3 + prefix.len() + digest.len()) else { return false };
        if padding < 8 || self.signature.len() != modulus.len() {
            return false;
        }
        let expected = [&[0, 1], vec![0xff; padding].as_slice(), &[0], prefix, &digest].concat();
        let number = BigUint::from_bytes_be;
        let (modulus, signature) = (number(modulus), number(&self.signature));
        signature < modulus && signature.modpow(&number(exponent), &modulus) == number(&expected)
    }
}

/// `DigestInfo` before the digest (RFC 8017 section 9.2, note 1).
const SHA1_PREFIX: [u8; 15] = [0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14];
const SHA256_PREFIX: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
const SHA512_PREFIX: [u8; 19] =
    [0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40];

/// Exponent and modulus without leading zeros (RFC 3110 section 2).
fn rsa_parts(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match key {
        [0, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        [length, rest @ ..] => (usize::from(*length), rest),
        [] => return None,
    };
    let (exponent, modulus) = rest.split_at_checked(length)?;
    let trimmed = |bytes: &'_ [u8]| bytes.iter().take_while(|byte| **byte == 0).count();
    let (exponent, modulus) = (exponent.get(trimmed(exponent)..)?, modulus.get(trimmed(modulus)..)?);
    // An even modulus is none, and modpow of an even one is slow.
    (!exponent.is_empty() && modulus.last().is_some_and(|last| last % 2 == 1)).then_some((exponent, modulus))
}

#[cfg(test)]
mod tests;
