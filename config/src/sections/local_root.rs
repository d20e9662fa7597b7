//! `recursion.local-root`: a copy of the root zone on this host (RFC 8806).

use std::path::PathBuf;

use crate::in_force::InForce;
use crate::kinds::{FilePath, OptionalKind};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// A copy of the root zone, which is looked at before the servers of the root are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRoot {
    /// The zone file.
    pub file: PathBuf,
}

impl ConfigSection for LocalRoot {
    type Draft = Option<PathBuf>;

    const ABOUT: &'static str =
        "A copy of the root zone, which is looked at before the servers of the root are asked (RFC 8806).";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["file"]];

    fn draft() -> Option<PathBuf> {
        None
    }

    fn keys<K: KeyVisitor<Option<PathBuf>>>(keys: &mut K) {
        keys.key(
            "file",
            InForce::AtReload,
            "The zone file; followed. It is used for as long after its last change as its SOA says that it is good.",
            OptionalKind(FilePath),
            |draft| draft,
        );
    }

    fn finish(draft: Option<PathBuf>, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        draft.map(|file| LocalRoot { file })
    }

    fn values(&self) -> Option<PathBuf> {
        Some(self.file.clone())
    }
}
