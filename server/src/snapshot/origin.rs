//! What asks for a zone.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rhumb_config::{FilePlace, TransferRule};
use rhumb_wire::Name;

/// An entry of the configuration that asks for zones, and where their files are. All zones of a folder share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneOrigin {
    /// Where the configuration has it.
    pub place: FilePlace,
    /// Where the files are.
    pub source: ZoneFile,
    /// Who may transfer its zones.
    pub transfer_to: Vec<TransferRule>,
}

/// Where the file of a zone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneFile {
    /// Nowhere: the zone of the built-in default.
    BuiltIn,
    /// Here.
    File(PathBuf),
    /// In this folder, by the name of the zone.
    Folder(PathBuf),
}

/// What the names of zone files in a folder end in.
pub const ZONE_SUFFIX: &str = ".zone";

impl ZoneOrigin {
    /// Whether `client` may transfer its zones.
    pub fn may_transfer(&self, client: IpAddr) -> bool {
        self.transfer_to.iter().any(|rule| rule.network.contains(client))
    }

    /// The file of the zone `name`; none for the zone of the built-in default.
    pub fn file(&self, name: &Name) -> Option<PathBuf> {
        match &self.source {
            ZoneFile::BuiltIn => None,
            ZoneFile::File(path) => Some(path.clone()),
            ZoneFile::Folder(folder) => Some(folder.join(file_name(name))),
        }
    }
}

/// The name of the file of a zone in a folder.
fn file_name(name: &Name) -> String {
    let mut text = name.to_string();
    text.truncate(text.trim_end_matches('.').len());
    text.push_str(ZONE_SUFFIX);
    text
}

/// The zone whose file in a folder is called so, and whether that is just the name that [`ZoneOrigin::file`] gives. None for the
/// name of no zone file: one without `.zone`, a hidden one.
///
/// Errors: it ends in `.zone`, but what stands before that is no domain name; in words.
pub fn zone_of_file(file: &Path) -> Option<Result<(Name, bool), String>> {
    let file = file.file_name()?.to_str()?;
    let stem = file.strip_suffix(ZONE_SUFFIX).filter(|_| !file.starts_with('.'))?;
    Some(stem.parse::<Name>().map_err(|error| error.to_string()).map(|name| {
        let name = Name::from(name.as_ref().to_lowercase().as_ref());
        let plain = file_name(&name) == file;
        (name, plain)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_the_name_of_its_zone() {
        let zone = |file: &str| zone_of_file(Path::new(file));
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
        let name: Name = "example.com".parse().unwrap();
        let file = |source| ZoneOrigin { place: place.clone(), source, transfer_to: Vec::new() }.file(&name);
        assert_eq!(file(ZoneFile::BuiltIn), None);
        assert_eq!(file(ZoneFile::File("a/b".into())), Some("a/b".into()));
        assert_eq!(file(ZoneFile::Folder("zones".into())), Some("zones/example.com.zone".into()));
    }
}
