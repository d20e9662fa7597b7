//! `recursion.trust-anchors`: the keys that answers are validated by.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{FilePath, OptionalKind, ParsedKind, SectionKind, ValueList};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};
use crate::trusted_key::{TrustedKey, built_in};

/// Where the trusted keys stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustAnchors {
    /// In the program: those of the root, as IANA publishes them.
    #[default]
    BuiltIn,
    /// In the configuration, which replaces the built-in ones and stays as it is.
    Given(Vec<TrustedKey>),
    /// In a file, from which on they are followed (RFC 5011).
    File(PathBuf),
}

impl TrustAnchors {
    /// The keys, as far as no file has to be read for them.
    pub(crate) fn keys(&self) -> Vec<TrustedKey> {
        match self {
            Self::BuiltIn => built_in(),
            Self::Given(keys) => keys.clone(),
            Self::File(_) => Vec::new(),
        }
    }
}

/// `trust-anchors:`, a word, a list, or a section with a file.
pub(crate) struct AnchorKind;

const KEYS: fn() -> ValueList<ParsedKind<TrustedKey>> = || ValueList {
    of: ParsedKind::new("a DS or DNSKEY record on one line, built-in, or {file: PATH}"),
    filled: false,
};

impl ValueKind for AnchorKind {
    type Out = TrustAnchors;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<TrustAnchors> {
        match &node.value {
            YamlContent::Text(word) if word == "built-in" => Some(TrustAnchors::BuiltIn),
            YamlContent::Section(_) => {
                let section = SectionKind::<AnchorFile>::new().read(node, reader)?;
                Some(TrustAnchors::File(section.0))
            }
            _ => KEYS().read(node, reader).map(TrustAnchors::Given),
        }
    }

    fn schema(&self) -> Json {
        let mut schema = KEYS().schema();
        if let Some(forms) = schema.get_mut("anyOf").and_then(Json::as_array_mut) {
            forms.push(SectionKind::<AnchorFile>::new().schema());
        }
        schema
    }

    fn show(&self, value: &TrustAnchors) -> Option<Json> {
        match value {
            TrustAnchors::BuiltIn => Some(json!("built-in")),
            TrustAnchors::Given(keys) => KEYS().show(keys),
            TrustAnchors::File(path) => SectionKind::new().show(&AnchorFile(path.clone())),
        }
    }
}

/// The section of a file.
struct AnchorFile(PathBuf);

impl ConfigSection for AnchorFile {
    type Draft = Option<PathBuf>;

    const ABOUT: &'static str =
        "A file of trusted keys, which are followed as their zones change them (RFC 5011).";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["file"]];

    fn draft() -> Option<PathBuf> {
        None
    }

    fn keys<K: KeyVisitor<Option<PathBuf>>>(keys: &mut K) {
        keys.key(
            "file",
            InForce::AtReload,
            "DS and DNSKEY records, one a line. The file is read, never written: what becomes of the keys is kept in `state`.",
            OptionalKind(FilePath),
            |draft| draft,
        );
    }

    fn finish(draft: Option<PathBuf>, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        draft.map(AnchorFile)
    }

    fn values(&self) -> Option<PathBuf> {
        Some(self.0.clone())
    }
}
