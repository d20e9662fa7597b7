//! Pairs beside the first one of a listener.

use std::path::PathBuf;

use crate::in_force::InForce;
use crate::kinds::{FilePath, OptionalKind};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// A certificate with its key, for clients that ask for one of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FurtherCertificate {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

#[derive(Default)]
pub(crate) struct FurtherDraft {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl ConfigSection for FurtherCertificate {
    type Draft = FurtherDraft;

    const ABOUT: &'static str = "A certificate beside the first one, with its key.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["certificate", "key"]];
    const IDENTITY: &'static [&'static str] = &["certificate"];

    fn draft() -> FurtherDraft {
        FurtherDraft::default()
    }

    fn keys<K: KeyVisitor<FurtherDraft>>(keys: &mut K) {
        keys.key(
            "certificate",
            InForce::AtReload,
            "The file of the certificate, followed by those of its issuers, in PEM.",
            OptionalKind(FilePath),
            |draft| &mut draft.certificate,
        );
        keys.key(
            "key",
            InForce::AtReload,
            "The file of its private key, in PEM. It must not be readable by every user.",
            OptionalKind(FilePath),
            |draft| &mut draft.key,
        );
    }

    fn finish(draft: FurtherDraft, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(Self { certificate: draft.certificate?, key: draft.key? })
    }

    fn values(&self) -> FurtherDraft {
        FurtherDraft { certificate: Some(self.certificate.clone()), key: Some(self.key.clone()) }
    }
}
