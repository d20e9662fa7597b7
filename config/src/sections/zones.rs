//! `zones:`: what is served, from files or from other servers.

use std::path::PathBuf;

use rhumb_wire::DomainName;

use super::remotes::RemoteName;
use super::secondary::{HasSecondaryDraft, SECONDARY_KEYS, SecondaryDraft, SecondaryZone, secondary_keys};
use super::served_terms::ServedTerms;
use super::transfer_to::TransferRuleKind;
use super::versions::{HasVersionTerms, VersionTerms, version_keys};
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kinds::{DomainKind, FilePath, FlagKind, OptionalKind, ParsedKind, SectionKind, ValueList};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};
use crate::zone_file_pattern::ZoneFilePattern;

/// Where zones come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneSource {
    /// One zone in one file.
    File {
        /// The apex of the zone.
        name: DomainName,
        /// The zone file.
        file: PathBuf,
        /// What holds for it.
        served: ServedTerms,
        /// Where the entry stands.
        place: FilePlace,
    },
    /// Every file in a folder that is called by the pattern is a zone. A zone that an entry of its own names is that entry's.
    Directory {
        /// The folder.
        path: PathBuf,
        /// How the files of zones are called.
        pattern: ZoneFilePattern,
        /// What holds for each of its zones.
        served: ServedTerms,
        /// Where the entry stands.
        place: FilePlace,
    },
    /// One zone from other servers.
    Secondary(Box<SecondaryZone>),
    /// The example zone in the program, [`DEFAULT_ZONE`](crate::DEFAULT_ZONE); only in the built-in default.
    BuiltIn {
        /// The apex of the zone.
        name: DomainName,
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
            ZoneSource::Secondary(zone) => &zone.place,
        }
    }

    /// What holds for its zones; none for the one in the program.
    pub fn served(&self) -> Option<&ServedTerms> {
        match self {
            ZoneSource::File { served, .. } | ZoneSource::Directory { served, .. } => Some(served),
            ZoneSource::Secondary(zone) => Some(&zone.served),
            ZoneSource::BuiltIn { .. } => None,
        }
    }
}

/// Keys of later versions.
const LATER: &[(&str, &str)] = &[("sign", "it signs no zones")];

#[derive(Default)]
pub(crate) struct ZoneDraft {
    name: Option<DomainName>,
    file: Option<PathBuf>,
    directory: Option<PathBuf>,
    pattern: Option<ZoneFilePattern>,
    served: ServedTerms,
    secondary: SecondaryDraft,
}

impl ZoneDraft {
    /// What it comes to, if it says where its zones come from.
    fn source(self, place: FilePlace) -> Option<ZoneSource> {
        let Self { name, file, directory, pattern, served, secondary } = self;
        let has_primaries = !secondary.primaries.is_empty();
        match (name, file, directory) {
            (Some(name), Some(file), _) => Some(ZoneSource::File { name, file, served, place }),
            (Some(name), None, _) if has_primaries => {
                let SecondaryDraft { primaries, notify_from, terms } = secondary;
                let zone = SecondaryZone { name, primaries, notify_from, terms, served, place };
                Some(ZoneSource::Secondary(Box::new(zone)))
            }
            (_, _, Some(path)) => {
                Some(ZoneSource::Directory { path, pattern: pattern.unwrap_or_default(), served, place })
            }
            _ => None,
        }
    }
}

impl HasSecondaryDraft for ZoneDraft {
    fn secondary_draft(&mut self) -> &mut SecondaryDraft {
        &mut self.secondary
    }
}

impl HasVersionTerms for ZoneDraft {
    fn version_terms(&mut self) -> &mut VersionTerms {
        &mut self.served.versions
    }
}

/// Names the keys that say who may do what with a zone.
fn client_keys<K: KeyVisitor<ZoneDraft>>(keys: &mut K) {
    keys.key(
        "transfer-to",
        InForce::AtReload,
        "Who may transfer the zone, or those of the folder (RFC 5936). Without it no one may.",
        ValueList { of: TransferRuleKind, filled: false },
        |draft| &mut draft.served.transfer_to,
    );
    keys.key(
        "notify",
        InForce::AtReload,
        "Which servers of `remotes` are told of new versions (RFC 1996). Without it, those of `transfer-to` that are named there \
         or have an address of their own; an empty list for none.",
        OptionalKind(ValueList { of: RemoteName, filled: false }),
        |draft| &mut draft.served.notify,
    );
    keys.key(
        "parent-notify",
        InForce::AtReload,
        "Whether the parent of the zone is told of new CDS, CDNSKEY and CSYNC records (RFC 9859). Whom it wants to be told is looked up as its \
         DSYNC record.",
        FlagKind,
        |draft| &mut draft.served.parent_notify,
    );
    keys.key(
        "update",
        InForce::AtReload,
        "Who may change the zone, or those of the folder, while it is served (RFC 2136), and what; the first rule that fits a record \
         decides. Without it no one may. What is changed is kept in the folder `state`, never in the file.",
        ValueList { of: SectionKind::new(), filled: false },
        |draft| &mut draft.served.update,
    );
}

/// Records an error for each key that does not go with where the zone comes from.
fn check_source(draft: &ZoneDraft, node: &YamlNode, reader: &mut ConfigReader) {
    if draft.secondary.primaries.is_empty() {
        for key in SECONDARY_KEYS.into_iter().filter(|key| node.entry(key).is_some()) {
            let message = format!("`{key}` is for a zone with `primaries`");
            reader.at_key(key, |reader| reader.error(node.spot_of(key), message));
        }
    } else {
        for (key, message) in [
            ("include-folders", "a zone with `primaries` has no file that could include others"),
            ("update", "a zone with `primaries` is changed there"),
            ("serial", "the serials of a zone with `primaries` are theirs"),
        ] {
            if node.entry(key).is_some() {
                reader.at_key(key, |reader| reader.error(node.spot_of(key), message));
            }
        }
    }
}

impl ConfigSection for ZoneSource {
    type Draft = ZoneDraft;

    const ABOUT: &'static str = "One zone with its file or its primaries, or a directory of zone files.";
    const EXAMPLE: Option<&'static str> = Some("{ name: example.com, file: example.com.zone }");
    const ONE_OF: &'static [&'static [&'static str]] =
        &[&["name", "file"], &["name", "primaries"], &["directory"]];
    const IDENTITY: &'static [&'static str] = &["name", "directory"];

    fn draft() -> ZoneDraft {
        ZoneDraft::default()
    }

    fn keys<K: KeyVisitor<ZoneDraft>>(keys: &mut K) {
        keys.key(
            "name",
            InForce::AtReload,
            "The name of the zone, such as example.com.",
            OptionalKind(DomainKind { accepted: "a domain name such as example.com" }),
            |draft| &mut draft.name,
        );
        keys.key(
            "file",
            InForce::AtReload,
            "The zone file (RFC 1035 section 5). A relative path starts at the folder of this configuration.",
            OptionalKind(FilePath),
            |draft| &mut draft.file,
        );
        keys.key(
            "directory",
            InForce::AtReload,
            "A folder whose files NAME.zone are the zones NAME. Files that come and go are followed.",
            OptionalKind(FilePath),
            |draft| &mut draft.directory,
        );
        keys.key(
            "pattern",
            InForce::AtReload,
            "How the files in the directory are called, where it is not NAME.zone: db.NAME, NAME.db, NAME, or another text with \
             NAME in it. Hidden files and backups are never zones.",
            OptionalKind(ParsedKind::new("a file name with NAME in it for the name of the zone, such as db.NAME")),
            |draft| &mut draft.pattern,
        );
        client_keys(keys);
        keys.key(
            "include-folders",
            InForce::AtReload,
            "Folders that $INCLUDE in zone files may read from, besides the folder of the zone file. What lies below them counts too.",
            ValueList { of: FilePath, filled: false },
            |draft| &mut draft.served.include_folders,
        );
        version_keys(keys);
        secondary_keys(keys);
        for (name, why) in LATER {
            keys.not_offered(name, why);
        }
    }

    fn finish(draft: ZoneDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        let place = reader.place(node.spot);
        check_source(&draft, node, reader);
        if draft.pattern.is_some() && draft.directory.is_none() {
            let spot = node.spot_of("pattern");
            let message = "a pattern is for a `directory`; a zone with a `name` has its `file`";
            reader.at_key("pattern", |reader| reader.error(spot, message));
            return None;
        }
        draft.source(place)
    }

    fn values(&self) -> ZoneDraft {
        let draft = ZoneDraft { served: self.served().cloned().unwrap_or_default(), ..ZoneDraft::default() };
        match self {
            ZoneSource::File { name, file, .. } => {
                ZoneDraft { name: Some(name.clone()), file: Some(file.clone()), ..draft }
            }
            ZoneSource::Directory { path, pattern, .. } => ZoneDraft {
                directory: Some(path.clone()),
                pattern: Some(pattern.clone()).filter(|pattern| *pattern != ZoneFilePattern::default()),
                ..draft
            },
            ZoneSource::Secondary(zone) => ZoneDraft {
                name: Some(zone.name.clone()),
                secondary: SecondaryDraft {
                    primaries: zone.primaries.clone(),
                    notify_from: zone.notify_from.clone(),
                    terms: zone.terms,
                },
                ..draft
            },
            ZoneSource::BuiltIn { name, .. } => ZoneDraft { name: Some(name.clone()), ..draft },
        }
    }
}
