//! `zones:`: what is served from files.

use std::path::PathBuf;

use rhumb_wire::Name;

use super::transfer_to::TransferRule;
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kinds::{Domain, FilePath, List, Optional, Sub};
use crate::node::Node;
use crate::reader::Reader;
use crate::section::{Keys, Section};

/// Where zones come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneSource {
    /// One zone in one file.
    File {
        /// The apex of the zone.
        name: Name,
        /// The zone file.
        file: PathBuf,
        /// Who may transfer it; nobody where it is empty.
        transfer_to: Vec<TransferRule>,
        /// Where the entry stands.
        place: FilePlace,
    },
    /// Every `NAME.zone` in a folder is the zone NAME. A zone that an entry of its own names is that entry's.
    Directory {
        /// The folder.
        path: PathBuf,
        /// Who may transfer its zones; nobody where it is empty.
        transfer_to: Vec<TransferRule>,
        /// Where the entry stands.
        place: FilePlace,
    },
    /// The example zone in the program, [`DEFAULT_ZONE`](crate::DEFAULT_ZONE); only in the built-in default.
    BuiltIn {
        /// The apex of the zone.
        name: Name,
        /// Where the built-in default names it.
        place: FilePlace,
    },
}

impl ZoneSource {
    /// Where the entry stands.
    pub fn place(&self) -> &FilePlace {
        match self {
            ZoneSource::File { place, .. }
            | ZoneSource::Directory { place, .. }
            | ZoneSource::BuiltIn { place, .. } => place,
        }
    }
}

/// Keys of later versions.
const LATER: &[&str] = &["primaries", "notify", "notify-from", "update", "sign", "serial", "history"];

#[derive(Default)]
pub(crate) struct ZoneDraft {
    name: Option<Name>,
    file: Option<PathBuf>,
    directory: Option<PathBuf>,
    transfer_to: Vec<TransferRule>,
}

impl Section for ZoneSource {
    type Draft = ZoneDraft;

    const ABOUT: &'static str = "One zone with its file, or a directory of zone files.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["name", "file"], &["directory"]];
    const IDENTITY: &'static [&'static str] = &["name", "directory"];

    fn draft() -> ZoneDraft {
        ZoneDraft::default()
    }

    fn keys<K: Keys<ZoneDraft>>(keys: &mut K) {
        keys.key(
            "name",
            InForce::AtReload,
            "The name of the zone, such as example.com.",
            Optional(Domain { accepted: "a domain name such as example.com" }),
            |draft| &mut draft.name,
        );
        keys.key(
            "file",
            InForce::AtReload,
            "The zone file (RFC 1035 section 5). A relative path starts at the folder of this configuration.",
            Optional(FilePath),
            |draft| &mut draft.file,
        );
        keys.key(
            "directory",
            InForce::AtReload,
            "A folder whose files NAME.zone are the zones NAME. Files that come and go are followed.",
            Optional(FilePath),
            |draft| &mut draft.directory,
        );
        keys.key(
            "transfer-to",
            InForce::AtReload,
            "Who may transfer the zone, or those of the folder (RFC 5936). Without it nobody may.",
            List { of: Sub::new(), filled: false },
            |draft| &mut draft.transfer_to,
        );
        for name in LATER {
            keys.not_offered(name, "it serves zones as their files have them");
        }
    }

    fn finish(draft: ZoneDraft, node: &Node, reader: &mut Reader) -> Option<Self> {
        let place = reader.place(node.spot);
        match draft {
            ZoneDraft { name: Some(name), file: Some(file), transfer_to, .. } => {
                Some(ZoneSource::File { name, file, transfer_to, place })
            }
            ZoneDraft { directory: Some(path), transfer_to, .. } => {
                Some(ZoneSource::Directory { path, transfer_to, place })
            }
            _ => None,
        }
    }

    fn values(&self) -> ZoneDraft {
        match self {
            ZoneSource::File { name, file, transfer_to, .. } => ZoneDraft {
                name: Some(name.clone()),
                file: Some(file.clone()),
                directory: None,
                transfer_to: transfer_to.clone(),
            },
            ZoneSource::Directory { path, transfer_to, .. } => ZoneDraft {
                directory: Some(path.clone()),
                transfer_to: transfer_to.clone(),
                ..ZoneDraft::default()
            },
            ZoneSource::BuiltIn { name, .. } => {
                ZoneDraft { name: Some(name.clone()), ..ZoneDraft::default() }
            }
        }
    }
}
