//! `log:`: what is written and how.

use crate::in_force::InForce;
use crate::kinds::{FlagKind, NumberKind, WordKind};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// The log on standard error, one line an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The least important events that are still written.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
    /// Whether answers are written, one line each, whatever the level.
    pub queries: bool,
    /// One answer in so many is written.
    pub query_sample: u32,
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings { level: LogLevel::Info, format: LogFormat::Auto, queries: false, query_sample: 1 }
    }
}

/// How important an event is, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something needs attention.
    Warn,
    /// Starts, reloads and the like.
    Info,
    /// For finding a fault.
    Debug,
    /// Everything.
    Trace,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

const LEVELS: WordKind<LogLevel> = WordKind {
    words: &[
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ],
    later: &[],
};

const FORMATS: WordKind<LogFormat> = WordKind {
    words: &[("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)],
    later: &[],
};

impl ConfigSection for LogSettings {
    type Draft = LogSettings;

    const ABOUT: &'static str = "The log on standard error.";
    const EXAMPLE: Option<&'static str> = Some("{ level: debug }");

    fn draft() -> LogSettings {
        LogSettings::default()
    }

    fn keys<K: KeyVisitor<LogSettings>>(keys: &mut K) {
        keys.key(
            "level",
            InForce::AtReload,
            "The least important events that are still written.",
            LEVELS,
            |log| &mut log.level,
        );
        keys.key(
            "format",
            InForce::AtRestart,
            "auto is text on a terminal and JSON elsewhere.",
            FORMATS,
            |log| &mut log.format,
        );
        keys.key(
            "queries",
            InForce::AtReload,
            "Whether answers are written, one line each, whatever the level.",
            FlagKind,
            |log| &mut log.queries,
        );
        keys.key(
            "query-sample",
            InForce::AtReload,
            "One answer in so many is written where queries is true.",
            NumberKind::new(1, 1_000_000),
            |log| &mut log.query_sample,
        );
    }

    fn finish(draft: LogSettings, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(draft)
    }

    fn values(&self) -> LogSettings {
        *self
    }
}
