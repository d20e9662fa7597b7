//! Secrets that the servers of an anycast set share: `server.cookie-secrets` and `server.ticket-secrets`.

use std::fmt;
use std::hash::Hasher;

use serde_json::{Value as Json, json};

use crate::comparison::{SettingComparison, ValueChange};
use crate::kind::ValueKind;
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;

/// The most secrets of a list; each query or handshake may have to try all.
const MOST: usize = 16;

/// A secret of so many bytes. It shows itself nowhere, and its bytes are overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret<const BYTES: usize>([u8; BYTES]);

/// A secret that server cookies are made with (RFC 9018 section 4.4).
pub type CookieSecret = SharedSecret<16>;

/// A secret that keys of session tickets follow from.
pub type SessionSecret = SharedSecret<32>;

impl<const BYTES: usize> SharedSecret<BYTES> {
    /// A secret of these bytes.
    pub const fn new(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn key(&self) -> &[u8; BYTES] {
        &self.0
    }
}

impl<const BYTES: usize> fmt::Debug for SharedSecret<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

impl<const BYTES: usize> Drop for SharedSecret<BYTES> {
    fn drop(&mut self) {
        self.0.fill(0);
        // Seen by what the compiler knows nothing of, the bytes have to be overwritten.
        std::hint::black_box(&self.0);
    }
}

/// Hexadecimal digits, two for each byte. What is wrong with them is reported without showing them.
pub(super) struct SecretDigits<const BYTES: usize>;

impl<const BYTES: usize> ValueKind for SecretDigits<BYTES> {
    type Out = SharedSecret<BYTES>;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self::Out> {
        reader.secret(node);
        let bytes = match &node.value {
            YamlContent::Text(text) => from_hex(text).and_then(|bytes| bytes.try_into().ok()),
            _ => None,
        };
        if bytes.is_none() {
            let digits = 2 * BYTES;
            reader.error(
                node.spot,
                format!("a secret is not of the accepted form: {digits} hexadecimal digits in quotes"),
            );
        }
        bytes.map(SharedSecret)
    }

    fn schema(&self) -> Json {
        let digits = 2 * BYTES;
        json!({
            "type": "string",
            "pattern": format!("^[0-9A-Fa-f]{{{digits}}}$"),
            "minLength": digits,
            "maxLength": digits,
        })
    }

    fn show(&self, _: &Self::Out) -> Option<Json> {
        None
    }

    fn compare(&self, old: &Self::Out, new: &Self::Out, comparison: &mut SettingComparison<'_>) {
        if old != new {
            comparison.record(ValueChange::Secret);
        }
    }

    fn hash(&self, value: &Self::Out, hasher: &mut dyn Hasher) {
        hasher.write(&value.0);
    }
}

/// Records an error where the list under `key` has too many secrets, or one twice.
pub(super) fn check_secrets<const BYTES: usize>(
    key: &str,
    secrets: &[SharedSecret<BYTES>],
    node: &YamlNode,
    reader: &mut ConfigReader,
) {
    let twice =
        || secrets.iter().enumerate().any(|(index, secret)| secrets.iter().take(index).any(|s| s == secret));
    let message = if secrets.len() > MOST {
        format!("more than {MOST} secrets; two are enough to change them")
    } else if twice() {
        "a secret is given twice".to_owned()
    } else {
        return;
    };
    reader.at_key(key, |reader| reader.error(node.spot_of(key), message));
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
        assert_eq!(format!("{secret:?} {secret:#?}"), "SharedSecret(..) SharedSecret(..)");
        assert_eq!(SecretDigits.show(&secret), None);
    }

    #[test]
    fn a_secret_is_the_key() {
        assert_eq!(CookieSecret::new(*b"0123456789abcdef").key(), b"0123456789abcdef");
    }
}
