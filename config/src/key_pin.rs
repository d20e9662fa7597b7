//! A key that the certificate of a server may have.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

/// What stands before the digest.
const PREFIX: &str = "sha256/";

/// The SHA-256 digest of a public key (`SubjectPublicKeyInfo`, RFC 5280 section 4.1), as text `sha256/` and Base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPin(pub [u8; 32]);

/// Why a text is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no pin of a key")]
pub struct KeyPinError;

impl FromStr for KeyPin {
    type Err = KeyPinError;

    fn from_str(text: &str) -> Result<Self, KeyPinError> {
        let digest = text.strip_prefix(PREFIX).ok_or(KeyPinError)?;
        let digest = BASE64.decode(digest.as_bytes()).map_err(|_| KeyPinError)?;
        digest.try_into().map(Self).map_err(|_| KeyPinError)
    }
}

impl fmt::Display for KeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_digests_in_base64() {
        let text = format!("sha256/{}=", "A".repeat(43));
        assert_eq!(text.parse(), Ok(KeyPin([0; 32])));
        assert_eq!(KeyPin([0; 32]).to_string(), text);
        let mixed = KeyPin(std::array::from_fn(|at| at as u8 * 7));
        assert_eq!(mixed.to_string().parse(), Ok(mixed));
        for wrong in
            ["", "sha256/", "sha256/AAAA", &text[7..], &format!("{text}="), &text.replace("256", "1")]
        {
            assert_eq!(wrong.parse::<KeyPin>(), Err(KeyPinError), "{wrong}");
        }
    }
}
