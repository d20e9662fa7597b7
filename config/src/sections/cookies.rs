//! `server.cookies` and `server.cookie-secrets`: what server cookies are made with.

use std::fmt;
use std::hash::Hasher;

use serde_json::{Value as Json, json};

use crate::comparison::{SettingComparison, ValueChange};
use crate::kind::ValueKind;
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;

/// A secret that server cookies are made with (RFC 9018 section 4.4): 128 bits. It shows itself nowhere, and its bytes are
/// overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct CookieSecret([u8; 16]);

impl CookieSecret {
    /// A secret of these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The key of `SipHash`.
    pub const fn key(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret(..)")
    }
}

impl Drop for CookieSecret {
    fn drop(&mut self) {
        self.0.fill(0);
        // Seen by what the compiler knows nothing of, the bytes have to be overwritten.
        std::hint::black_box(&self.0);
    }
}

/// Thirty-two hexadecimal digits. What is wrong with them is reported without showing them.
pub(super) struct SecretDigits;

impl ValueKind for SecretDigits {
    type Out = CookieSecret;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<CookieSecret> {
        reader.secret(node);
        let bytes = match &node.value {
            YamlContent::Text(text) => from_hex(text).and_then(|bytes| bytes.try_into().ok()),
            _ => None,
        };
        if bytes.is_none() {
            reader.error(node.spot, "a secret is not of the accepted form: 32 hexadecimal digits in quotes");
        }
        bytes.map(CookieSecret)
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{32}$", "minLength": 32, "maxLength": 32 })
    }

    fn show(&self, _: &CookieSecret) -> Option<Json> {
        None
    }

    fn compare(&self, old: &CookieSecret, new: &CookieSecret, comparison: &mut SettingComparison<'_>) {
        if old != new {
            comparison.record(ValueChange::Secret);
        }
    }

    fn hash(&self, value: &CookieSecret, hasher: &mut dyn Hasher) {
        hasher.write(&value.0);
    }
}

/// Bytes from hexadecimal digits.
pub(super) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = CookieSecret::new([0x41; 16]);
        assert_eq!(format!("{secret:?} {secret:#?}"), "CookieSecret(..) CookieSecret(..)");
        assert_eq!(SecretDigits.show(&secret), None);
    }

    #[test]
    fn a_secret_is_the_key() {
        assert_eq!(CookieSecret::new(*b"0123456789abcdef").key(), b"0123456789abcdef");
    }
}
