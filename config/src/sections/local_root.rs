//! `recursion.local-root`: a copy of the root zone on this host (RFC 8806).

use std::path::PathBuf;
use std::time::Duration;

use rhumb_wire::DomainName;

use super::remotes::RemoteName;
use super::secondary::{SecondaryTerms, SecondaryZone, TimerBounds};
use super::served_terms::ServedTerms;
use crate::in_force::InForce;
use crate::kinds::{FilePath, OptionalKind, ValueList};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// A copy of the root zone, which is looked at before the servers of the root are asked: in a file, from other servers, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRoot {
    /// The zone file.
    pub file: Option<PathBuf>,
    /// What is transferred, as a zone that nobody is answered from. The file is looked at while there is none of it.
    pub transferred: Option<Box<SecondaryZone>>,
}

#[derive(Default)]
pub(crate) struct LocalRootDraft {
    file: Option<PathBuf>,
    primaries: Option<Vec<String>>,
}

impl ConfigSection for LocalRoot {
    type Draft = LocalRootDraft;

    const ABOUT: &'static str =
        "A copy of the root zone, which is looked at before the servers of the root are asked (RFC 8806).";

    fn draft() -> LocalRootDraft {
        LocalRootDraft::default()
    }

    fn keys<K: KeyVisitor<LocalRootDraft>>(keys: &mut K) {
        keys.key(
            "file",
            InForce::AtReload,
            "The zone file; followed. It is used for as long after its last change as its SOA says that it is good.",
            OptionalKind(FilePath),
            |draft| &mut draft.file,
        );
        keys.key(
            "primaries",
            InForce::AtReload,
            "Which servers of `remotes` the root zone is transferred from, in the order they are asked. It is kept in the folder \
             `state`; `file` is used as long as there is none. Default: none.",
            OptionalKind(ValueList { of: RemoteName, filled: true }),
            |draft| &mut draft.primaries,
        );
    }

    fn finish(draft: LocalRootDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if draft.file.is_none() && draft.primaries.is_none() {
            reader.error(node.spot, "`file` or `primaries` is missing");
            return None;
        }
        let place = reader.place(node.spot);
        let transferred = draft.primaries.map(|primaries| {
            Box::new(SecondaryZone {
                name: DomainName::root(),
                primaries,
                notify_from: Vec::new(),
                terms: SecondaryTerms {
                    // It is used for no longer than its SOA says (RFC 8806 section 2).
                    expire: TimerBounds { min: Some(Duration::from_secs(1)), max: None },
                    validates: true,
                    for_resolver: true,
                    ..SecondaryTerms::default()
                },
                served: ServedTerms { notify: Some(Vec::new()), ..ServedTerms::default() },
                place,
            })
        });
        Some(Self { file: draft.file, transferred })
    }

    fn values(&self) -> LocalRootDraft {
        let primaries = self.transferred.as_ref().map(|zone| zone.primaries.clone());
        LocalRootDraft { file: self.file.clone(), primaries }
    }
}
