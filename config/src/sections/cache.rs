//! `cache:`: what is kept of the answers of others.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{FlagKind, SizeKind, TimeKind};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// Bounds of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// The most memory for answers, in bytes.
    pub size: u64,
    /// How long after its end an answer may be served while its upstreams fail (RFC 8767); 0 for never.
    pub serve_stale: Duration,
    /// The shortest time an answer is kept, in whole seconds.
    pub min_ttl: Duration,
    /// The longest time an answer is kept, in whole seconds; at least one second and not below `min_ttl`.
    pub max_ttl: Duration,
    /// Whether popular answers are renewed shortly before their end.
    pub prefetch: bool,
    /// How often what was learnt is written to the folder of the state, if there is one; 0 for never.
    pub keep: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        CacheSettings {
            size: 256 << 20,
            serve_stale: DAY,
            min_ttl: Duration::ZERO,
            max_ttl: DAY,
            prefetch: true,
            keep: Duration::from_mins(5),
        }
    }
}

/// A span of time, or `off` for none.
struct SpanOrOff(TimeKind);

const STALE: SpanOrOff =
    SpanOrOff(TimeKind { least: Duration::ZERO, most: DAY.saturating_mul(30), whole_seconds: true });
const KEEP: SpanOrOff = SpanOrOff(TimeKind { least: SECOND, most: DAY, whole_seconds: true });

impl ValueKind for SpanOrOff {
    type Out = Duration;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Duration> {
        if matches!(&node.value, YamlContent::Text(word) if word == "off") {
            return Some(Duration::ZERO);
        }
        self.0.read(node, reader)
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [{ "enum": ["off"] }, self.0.schema()] })
    }

    fn show(&self, value: &Duration) -> Option<Json> {
        if value.is_zero() { Some(json!("off")) } else { self.0.show(value) }
    }
}

impl ConfigSection for CacheSettings {
    type Draft = CacheSettings;

    const ABOUT: &'static str = "Answers learnt from upstreams.";
    const EXAMPLE: Option<&'static str> = Some("{ size: 256MiB }");

    fn draft() -> CacheSettings {
        CacheSettings::default()
    }

    fn keys<K: KeyVisitor<CacheSettings>>(keys: &mut K) {
        keys.key(
            "size",
            InForce::AtReload,
            "The most memory for answers.",
            SizeKind { least: 64 << 10, most: 1 << 40 },
            |cache| &mut cache.size,
        );
        keys.key("serve-stale", InForce::AtReload,
            "How long after its end an answer may still be served while its upstreams fail (RFC 8767); off for never.",
            STALE,
            |cache| &mut cache.serve_stale,
        );
        keys.key(
            "min-ttl",
            InForce::AtReload,
            "The shortest time an answer is kept, whatever its TTL says.",
            TimeKind { least: Duration::ZERO, most: DAY, whole_seconds: true },
            |cache| &mut cache.min_ttl,
        );
        keys.key(
            "max-ttl",
            InForce::AtReload,
            "The longest time an answer is kept, whatever its TTL says.",
            TimeKind { least: SECOND, most: DAY * 30, whole_seconds: true },
            |cache| &mut cache.max_ttl,
        );
        keys.key(
            "prefetch",
            InForce::AtReload,
            "Whether popular answers are renewed shortly before their end.",
            FlagKind,
            |cache| &mut cache.prefetch,
        );
        keys.key(
            "keep",
            InForce::AtReload,
            "How often what was learnt of authoritative servers is written to the folder of the state, so that a restart does not lose it; it is written at the end of the server too. off for never.",
            KEEP,
            |cache| &mut cache.keep,
        );
    }

    fn finish(draft: CacheSettings, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if draft.min_ttl > draft.max_ttl {
            let (low, high) = (draft.min_ttl.as_secs(), draft.max_ttl.as_secs());
            let key = if node.entry("min-ttl").is_some() { "min-ttl" } else { "max-ttl" };
            let message = format!("min-ttl ({low}s) is above max-ttl ({high}s); accepted: at most max-ttl");
            reader.at_key(key, |reader| reader.error(node.spot_of(key), message));
        }
        Some(draft)
    }

    fn values(&self) -> CacheSettings {
        self.clone()
    }
}
