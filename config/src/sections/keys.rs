//! `keys:`: what messages are signed with (TSIG, RFC 8945).

use std::fmt;
use std::hash::Hasher;
use std::path::PathBuf;
use std::sync::Arc;

use data_encoding::{BASE64, BASE64_NOPAD};
use rhumb_wire::DomainName;
use rhumb_wire::tsig::{TsigAlgorithm, TsigKey};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use crate::comparison::{SettingComparison, ValueChange};
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{DomainKind, FilePath, OptionalKind, WordKind};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// The most bytes of a secret; the longest hash has a block of 128, and what is longer than a block is hashed first.
const MOST_SECRET: usize = 512;

/// What is said of HMAC-MD5.
pub(crate) const MD5_WARNING: &str = "hmac-md5 is not to be used any more (RFC 8945 section 6); hmac-sha256 is known to every client that is \
     still cared for";

/// The secret of a key. It shows itself nowhere, and its bytes are cleared when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct TsigSecret(Zeroizing<Box<[u8]>>);

impl TsigSecret {
    /// Reads base64, with or without padding, of 1 to 512 bytes.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches('=').as_bytes();
        let decoded = if text.len() == digits.len() {
            BASE64_NOPAD.decode(digits)
        } else {
            BASE64.decode(text.as_bytes())
        };
        let bytes = Zeroizing::new(decoded.ok()?.into_boxed_slice());
        (1..=MOST_SECRET).contains(&bytes.len()).then_some(Self(bytes))
    }
}

impl fmt::Debug for TsigSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TsigSecret(..)")
    }
}

/// A key with which requests and responses are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsigKeyEntry {
    /// Its name, which both sides have to know it by.
    pub name: DomainName,
    /// The algorithm, where the entry or its file says one; else it is HMAC-SHA256.
    pub algorithm: Option<TsigAlgorithm>,
    /// The file that holds the secret.
    pub secret_file: Option<PathBuf>,
    /// The secret; none where it is in a file that was not read.
    pub secret: Option<TsigSecret>,
    /// Where the entry stands.
    pub place: FilePlace,
}

impl TsigKeyEntry {
    /// The key, if its secret is there.
    pub fn key(&self) -> Option<Arc<TsigKey>> {
        let secret = self.secret.as_ref()?.0.clone();
        let algorithm = self.algorithm.unwrap_or(TsigAlgorithm::HmacSha256);
        TsigKey::new(self.name.as_ref(), algorithm, secret).ok().map(Arc::new)
    }
}

/// Base64. What is wrong with it is reported without showing it.
struct Secret;

impl ValueKind for Secret {
    type Out = TsigSecret;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<TsigSecret> {
        reader.secret(node);
        let secret = match &node.value {
            YamlContent::Text(text) => TsigSecret::from_base64(text),
            _ => None,
        };
        if secret.is_none() {
            reader.error(
                node.spot,
                "the secret is not of the accepted form: base64 in quotes, of 1 to 512 bytes",
            );
        }
        secret
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9+/]+=*$", "minLength": 2 })
    }

    fn show(&self, _: &TsigSecret) -> Option<Json> {
        None
    }

    fn compare(&self, old: &TsigSecret, new: &TsigSecret, comparison: &mut SettingComparison<'_>) {
        if old != new {
            comparison.record(ValueChange::Secret);
        }
    }

    fn hash(&self, secret: &TsigSecret, hasher: &mut dyn Hasher) {
        hasher.write_usize(secret.0.len());
        hasher.write(&secret.0);
    }
}

const ALGORITHMS: WordKind<TsigAlgorithm> = WordKind {
    words: &[
        ("hmac-sha256", TsigAlgorithm::HmacSha256),
        ("hmac-sha384", TsigAlgorithm::HmacSha384),
        ("hmac-sha512", TsigAlgorithm::HmacSha512),
        ("hmac-sha224", TsigAlgorithm::HmacSha224),
        ("hmac-sha1", TsigAlgorithm::HmacSha1),
        ("hmac-md5", TsigAlgorithm::HmacMd5),
    ],
    later: &[],
};

/// The name of a key, where one is named.
pub(crate) const KEY_NAME: DomainKind = DomainKind { accepted: "the name of a key such as transfer.example" };

#[derive(Default)]
pub(crate) struct TsigKeyDraft {
    name: Option<DomainName>,
    algorithm: Option<TsigAlgorithm>,
    secret: Option<TsigSecret>,
    secret_file: Option<PathBuf>,
}

impl ConfigSection for TsigKeyEntry {
    type Draft = TsigKeyDraft;

    const ABOUT: &'static str = "A key that messages are signed with (TSIG, RFC 8945).";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["secret"], &["secret-file"]];
    const IDENTITY: &'static [&'static str] = &["name"];

    fn draft() -> TsigKeyDraft {
        TsigKeyDraft::default()
    }

    fn keys<K: KeyVisitor<TsigKeyDraft>>(keys: &mut K) {
        keys.key(
            "name",
            InForce::AtReload,
            "The name of the key, a domain name. Both sides have to use the same.",
            OptionalKind(KEY_NAME),
            |draft| &mut draft.name,
        );
        keys.key(
            "algorithm",
            InForce::AtReload,
            "The algorithm. Without it, what the secret's file says, else hmac-sha256.",
            OptionalKind(ALGORITHMS),
            |draft| &mut draft.algorithm,
        );
        keys.key(
            "secret",
            InForce::AtReload,
            "The secret in base64; `rhumb keys tsig NAME` makes one.",
            OptionalKind(Secret),
            |draft| &mut draft.secret,
        );
        keys.key("secret-file", InForce::AtReload,
            "A file with the secret: base64 alone, or a key statement as named.conf has it and tsig-keygen prints it. It is \
             refused if other users can read it.",
            OptionalKind(FilePath),
            |draft| &mut draft.secret_file,
        );
    }

    fn finish(draft: TsigKeyDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if draft.algorithm == Some(TsigAlgorithm::HmacMd5) {
            reader.at_key("algorithm", |reader| reader.warning(node.spot_of("algorithm"), MD5_WARNING));
        }
        if node.entry("name").is_none() {
            reader.error(node.spot, "`name` is missing");
        }
        let TsigKeyDraft { name, algorithm, secret, secret_file } = draft;
        let place = reader.place(node.spot);
        Some(TsigKeyEntry { name: name?, algorithm, secret_file, secret, place })
    }

    fn values(&self) -> TsigKeyDraft {
        TsigKeyDraft {
            name: Some(self.name.clone()),
            algorithm: self.algorithm,
            secret: self.secret.clone(),
            secret_file: self.secret_file.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_base64_and_do_not_show_themselves() {
        for (text, length) in [
            ("AA==", Some(1)),
            ("AA", Some(1)),
            ("c2VjcmV0", Some(6)),
            ("", None),
            ("=", None),
            ("A", None),
            ("c2Vj cmV0", None),
            ("c2VjcmV0!", None),
        ] {
            let secret = TsigSecret::from_base64(text);
            assert_eq!(secret.as_ref().map(|secret| secret.0.len()), length, "{text}");
            assert!(secret.is_none_or(|secret| format!("{secret:?}") == "TsigSecret(..)"));
        }
        assert!(TsigSecret::from_base64(&"AAAA".repeat(171)).is_none(), "513 bytes");
    }
}
