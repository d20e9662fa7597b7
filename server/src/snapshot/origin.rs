//! What asks for a zone.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rhumb_config::{FilePlace, ZoneFilePattern};
use rhumb_wire::tsig::TsigKey;
use rhumb_wire::{DomainName, Transport};
use rhumb_zones::UpdateGrant;
use rhumb_zones::file::ZoneReadOptions;

use super::allowed_clients::AllowedClients;
use super::notify_target::NotifyTarget;
use super::secondary::SecondaryOrigin;
use super::update_rule::ZoneUpdateRule;
use super::versioning::ZoneVersioning;

/// An entry of the configuration that asks for zones, and where their files are. All zones of a folder share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneOrigin {
    /// Where the configuration has it.
    pub place: FilePlace,
    /// Where the files are.
    pub source: ZoneFile,
    /// Who may transfer its zones.
    pub transfer_to: Vec<AllowedClients>,
    /// Who is told of new versions.
    pub notify: Vec<NotifyTarget>,
    /// Whether the parents of its zones are told of new CDS, CDNSKEY and CSYNC records (RFC 9859).
    pub parent_notify: bool,
    /// Who may change its zones while they are served.
    pub update: Vec<ZoneUpdateRule>,
    /// How their versions are numbered and kept.
    pub versioning: ZoneVersioning,
    /// How the files are read.
    pub reading: ZoneReadOptions,
    /// Where its zones come from, if that is other servers.
    pub secondary: Option<Box<SecondaryOrigin>>,
}

/// Where the file of a zone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneFile {
    /// Nowhere: the zone of the built-in default.
    BuiltIn,
    /// At other servers.
    Primaries,
    /// Here.
    File(PathBuf),
    /// In this folder, called by the name of the zone.
    Folder(PathBuf, ZoneFilePattern),
}

impl ZoneOrigin {
    /// Whether `client` may transfer its zones by a request over `transport` that is signed with `key`.
    pub fn may_transfer(&self, client: IpAddr, transport: Transport, key: Option<&TsigKey>) -> bool {
        self.transfer_to.iter().any(|clients| clients.take(transport) && clients.hold(client, key))
    }

    /// What `client` may change by a message that is signed with `key`.
    pub fn update_grants(
        &self,
        client: IpAddr,
        key: Option<&TsigKey>,
        names: &[DomainName],
    ) -> Vec<&UpdateGrant> {
        self.update.iter().filter_map(|rule| rule.grant(client, key, names)).collect()
    }

    /// The file of the zone `name`; none for the zone of the built-in default, and for those of other servers.
    pub fn file(&self, name: &DomainName) -> Option<PathBuf> {
        match &self.source {
            ZoneFile::BuiltIn | ZoneFile::Primaries => None,
            ZoneFile::File(path) => Some(path.clone()),
            ZoneFile::Folder(folder, pattern) => Some(folder.join(file_name(name, pattern))),
        }
    }
}

/// The name of the file of a zone in a folder.
fn file_name(name: &DomainName, pattern: &ZoneFilePattern) -> String {
    pattern.file_name(name.to_string().trim_end_matches('.'))
}

/// The zone whose file in a folder is called so, and whether that is just the name that [`ZoneOrigin::file`] gives. None for a
/// file that is called otherwise than `pattern`.
///
/// Errors: it is called so, but what stands for the name is no domain name; in words.
pub fn zone_of_file(file: &Path, pattern: &ZoneFilePattern) -> Option<Result<(DomainName, bool), String>> {
    let file = file.file_name()?.to_str()?;
    let name = pattern.zone_name(file)?;
    Some(name.parse::<DomainName>().map_err(|error| error.to_string()).map(|name| {
        let name = DomainName::from(name.as_ref().to_lowercase().as_ref());
        let plain = file_name(&name, pattern) == file;
        (name, plain)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_the_name_of_its_zone() {
        let pattern = ZoneFilePattern::default();
        let zone = |file: &str| zone_of_file(Path::new(file), &pattern);
        for (file, name, plain) in [
            ("/zones/example.com.zone", "example.com.", true),
            ("Example.COM.zone", "example.com.", false),
            ("example.com..zone", "example.com.", false),
            ("a\\.b.example.zone", "a\\.b.example.", true),
            ("0/25.2.0.192.in-addr.arpa.zone", "25.2.0.192.in-addr.arpa.", true),
        ] {
            let (found, is_plain) = zone(file).unwrap().unwrap();
            assert_eq!((found.to_string().as_str(), is_plain), (name, plain), "{file}");
        }
        assert!(zone("readme").is_none() && zone(".hidden.zone").is_none() && zone(".zone").is_none());
        assert!(zone("a..b.zone").unwrap().is_err());
    }

    #[test]
    fn a_zone_has_its_file_from_what_asks_for_it() {
        let place = FilePlace { file: Path::new("rhumb.yaml").into(), line: 1, column: 1 };
        let name: DomainName = "example.com".parse().unwrap();
        let file = |source| {
            let reading = ZoneReadOptions::default();
            ZoneOrigin {
                place: place.clone(),
                source,
                transfer_to: Vec::new(),
                notify: Vec::new(),
                parent_notify: false,
                update: Vec::new(),
                versioning: ZoneVersioning::default(),
                reading,
                secondary: None,
            }
            .file(&name)
        };
        let folder = |pattern: &str| file(ZoneFile::Folder("zones".into(), pattern.parse().unwrap()));
        assert_eq!(file(ZoneFile::BuiltIn), None);
        assert_eq!(file(ZoneFile::File("a/b".into())), Some("a/b".into()));
        assert_eq!(folder("NAME.zone"), Some("zones/example.com.zone".into()));
        assert_eq!(folder("db.NAME"), Some("zones/db.example.com".into()));
    }
}
