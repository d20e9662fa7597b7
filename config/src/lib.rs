//! The configuration: YAML in, one immutable [`ServerConfig`] out.
//!
//! Every error of a file is found in one reading and has its line and column. The keys of each section are described
//! once, by the crate-private `Section` trait; the reader and the JSON Schema both follow that description, so they
//! cannot disagree. Nothing here opens a socket or asks the time.

mod address;
mod advice;
mod anchor_file;
mod check_files;
mod comparison;
mod config;
mod config_sources;
mod conflicts;
mod digits;
mod dns64_prefix;
mod domain;
mod environment;
mod errors;
mod file;
mod in_force;
mod include;
mod include_path;
mod include_pattern;
mod key_file;
mod key_list;
mod key_pin;
#[cfg(test)]
mod key_tests;
mod kind;
mod kinds;
mod merge;
mod named_upstream;
mod nearest;
mod network;
mod node;
mod one_line;
mod positions;
mod reader;
mod reading;
mod references;
mod regular_file;
mod resolv_conf;
mod root_hints;
mod section;
mod sections;
mod text;
mod trusted_key;
pub mod upstream_list;
mod upstream_server;
mod walks;
mod yaml_hint;
mod zone_file_pattern;

use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use crate::check_files::FileFindings;
use crate::comparison::SettingComparison;
use crate::key_list::KeyList;
use crate::kind::ValueKind;
use crate::kinds::SectionKind;
use crate::text::TextRefusal;

pub use crate::address::{AddressError, ListenAddresses};
pub use crate::comparison::{KeyChange, ValueChange};
pub use crate::config::ServerConfig;
pub use crate::config_sources::ConfigSources;
pub use crate::dns64_prefix::{Dns64Prefix, Dns64PrefixError};
pub use crate::errors::{ConfigErrors, ConfigFinding, FilePlace};
pub use crate::in_force::InForce;
pub use crate::include_pattern::IncludePattern;
pub use crate::key_list::KeyDescription;
pub use crate::key_pin::{KeyPin, KeyPinError};
pub use crate::named_upstream::NamedUpstream;
pub use crate::network::{ClientNetwork, IpNetwork, IpNetworkError};
pub use crate::regular_file::{FileError, open_regular_file, read_regular_file};
pub use crate::root_hints::RootServer;
pub use crate::sections::{
    CacheSettings, CalendarDay, CertificateSource, ControlSettings, CookieSecret, DigestCheck, DnssecClock,
    DnssecValidation, ForwardEntry, ForwardFallback, ForwardPolicy, HistorySpace, HistoryTerms, HttpListener,
    ListenEntry, LocalRoot, LogFormat, LogLevel, LogSettings, MetricsSettings, NamedRemote,
    NegativeTrustAnchor, QnameMinimisation, RateLimitSettings, RecursionLimits, RecursionSettings, RemoteTls,
    ResolverDiscovery, RootHints, SecondaryTerms, SecondaryZone, SerialPolicy, ServedTerms, ServerSettings,
    SessionSecret, SharedSecret, StubEntry, TimerBounds, TransferLimits, TransferRule, TrustAnchors,
    TsigKeyEntry, TsigSecret, UpdateAction, UpdateNames, UpdateNamesError, UpdateQueueLimits, UpdateRule,
    UpstreamSource, UpstreamTrust, VersionTerms, WorkerThreads, ZoneSource,
};
pub use crate::trusted_key::{TrustedKey, TrustedKeyError};
pub use crate::upstream_server::UpstreamServer;
pub use crate::zone_file_pattern::{ZoneFilePattern, ZoneFilePatternError};

/// The YAML of the built-in default, which is also an example to start from.
pub const DEFAULT_CONFIG: &str = include_str!("../examples/default.yaml");

/// The zone file of the built-in default's example zone, `example.com`.
pub const DEFAULT_ZONE: &str = include_str!("../examples/zones/example.com.zone");

/// What stands for the file in places of the built-in default.
const BUILT_IN: &str = "built-in default";

/// Reads the configuration in `path`, the files that it includes and the secrets of its keys, and looks whether the lists of upstreams
/// that it names can be read.
///
/// A list that is missing or cannot be read is a warning: the last good one is kept. Zone files are not looked at: what is wrong
/// with one concerns its zone alone.
/// Errors: every mistake in one go, also when the file itself cannot be read, is larger than 16 MiB or is not UTF-8.
pub fn load(path: &Path) -> Result<ServerConfig, ConfigErrors> {
    let (mut reading, lists) = load_reading(path)?;
    reading.warnings.extend(lists.errors);
    finish(reading)
}

/// The same, and looks whether the zone files and folders that it names are there. Lists that cannot be read are errors.
pub fn load_with_zones(path: &Path) -> Result<ServerConfig, ConfigErrors> {
    let (mut reading, lists) = load_reading(path)?;
    reading.errors.extend(lists.errors);
    reading.errors.extend(check_files::zones(&reading.config, &reading.positions));
    finish(reading)
}

fn load_reading(path: &Path) -> Result<(reading::ConfigReading, FileFindings), ConfigErrors> {
    let (text, found) = text::of_file(path, text::MOST_BYTES).map_err(|error| refused(path, error.into()))?;
    let mut reading = reading::read(&text, path, Some(found));
    let mut lists = check_files::lists(&reading.config, &reading.positions);
    reading.errors.extend(check_files::root_hints(&mut reading.config));
    reading.errors.extend(check_files::trust_anchors(&mut reading.config));
    reading.warnings.append(&mut lists.warnings);
    let keys = check_files::keys(&mut reading.config, &reading.positions);
    reading.errors.extend(keys.errors);
    reading.warnings.extend(keys.warnings);
    Ok((reading, lists))
}

fn refused(path: &Path, TextRefusal { spot, message }: TextRefusal) -> ConfigErrors {
    let place = FilePlace { file: path.into(), line: spot.line, column: spot.column };
    ConfigErrors { errors: vec![ConfigFinding { place, key: String::new(), message }], warnings: Vec::new() }
}

/// The files that the configuration in `path` is made of now, whatever is wrong with them.
pub fn sources(path: &Path) -> ConfigSources {
    let read =
        text::of_file(path, text::MOST_BYTES).map(|(text, found)| reading::read(&text, path, Some(found)));
    match read {
        Ok(reading) => reading.config.sources,
        Err(_) => ConfigSources { files: vec![path.to_owned()], folders: Vec::new() },
    }
}

/// Reads `text` as the content of `file` without looking at the files that it names or includes.
///
/// `file` gives errors their file and relative paths their folder; it need not exist. Errors: every mistake in one go.
pub fn parse(text: &str, file: &Path) -> Result<ServerConfig, ConfigErrors> {
    finish(reading::read(text, file, None))
}

fn finish(reading: reading::ConfigReading) -> Result<ServerConfig, ConfigErrors> {
    let reading::ConfigReading { mut config, mut errors, mut warnings, .. } = reading;
    warnings.sort_by(|a, b| a.place.cmp(&b.place));
    if errors.is_empty() {
        config.warnings = warnings;
        return Ok(config);
    }
    errors.sort_by(|a, b| a.place.cmp(&b.place));
    Err(ConfigErrors { errors, warnings })
}

/// The configuration of a server that is started without a file: [`DEFAULT_CONFIG`], its zone taken from
/// [`DEFAULT_ZONE`], so that no file has to be there.
pub fn built_in() -> ServerConfig {
    let mut config = reading::read(DEFAULT_CONFIG, Path::new(BUILT_IN), None).config;
    config.file = None;
    config.sources = ConfigSources::default();
    config.folder = PathBuf::from(".");
    for zone in &mut config.zones {
        if let ZoneSource::File { name, place, .. } = zone {
            *zone = ZoneSource::BuiltIn { name: name.clone(), place: place.clone() };
        }
    }
    config
}

/// Every key whose value differs between two configurations, in the order of the description.
///
/// Entries of `listen`, `zones` and `forward` are compared with their namesakes.
pub fn changes(old: &ServerConfig, new: &ServerConfig) -> Vec<KeyChange> {
    let mut changes = Vec::new();
    SectionKind::new().compare(old, new, &mut SettingComparison::new(&mut changes));
    changes
}

/// A hash of every value, secrets too: the same for configurations that are alike, as long as the program is the same.
pub fn digest(config: &ServerConfig) -> u64 {
    // Its keys are always the same.
    let mut hasher = DefaultHasher::new();
    SectionKind::new().hash(config, &mut hasher);
    hasher.finish()
}

/// Every key there is, those within a section behind it.
pub fn keys() -> Vec<KeyDescription> {
    let mut keys = Vec::new();
    SectionKind::<ServerConfig>::new().list_keys(&mut KeyList::new(&mut keys));
    keys
}

/// The JSON Schema (draft 2020-12) of the configuration, made from the description that the reader follows.
///
/// `config/schema.json` holds it for editors.
pub fn schema() -> serde_json::Value {
    let mut schema = SectionKind::<ServerConfig>::new().schema();
    if let Some(words) = schema.as_object_mut() {
        words.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        words.insert("title".to_owned(), "rhumb configuration".into());
    }
    schema
}
