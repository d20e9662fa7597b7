//! The whole configuration: the top level of the file and its reading.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::conflicts;
use crate::errors::Error;
use crate::file;
use crate::kinds::{Kind, List, Optional, Sub};
use crate::node::{Node, Spot, Value};
use crate::positions::Positions;
use crate::reader::Reader;
use crate::section::{Keys, Section};
use crate::sections::{
    CacheSettings, Control, Forward, Listen, Log, Metrics, Recursion, ServerSettings, UserName, WorkerCount,
    Workers, ZoneSource,
};

/// A configuration that was read in full: immutable, every path absolute or relative to the working folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from; `None` for the built-in default.
    pub file: Option<PathBuf>,
    /// The folder that relative paths in the file were taken from.
    pub folder: PathBuf,
    /// The sockets to answer on; never empty, no two of which clash.
    pub listen: Vec<Listen>,
    /// UDP threads for each listener.
    pub workers: Workers,
    /// Where zones come from; no zone is named twice.
    pub zones: Vec<ZoneSource>,
    /// Upstreams by domain; no domain twice.
    pub forward: Vec<Forward>,
    /// Who may ask for what the zones do not hold.
    pub recursion: Recursion,
    /// Bounds of the cache.
    pub cache: CacheSettings,
    /// Where metrics are served, or `None` for nowhere.
    pub metrics: Option<SocketAddr>,
    /// The control socket.
    pub control: Control,
    /// The log.
    pub log: Log,
    /// The account to run as after the sockets are bound: a name, `UID` or `UID:GID`.
    pub user: Option<String>,
    /// Limits and habits towards clients.
    pub server: ServerSettings,
}

pub(crate) struct ConfigDraft {
    config: Config,
    metrics: Option<Metrics>,
}

impl Section for Config {
    type Draft = ConfigDraft;

    const ABOUT: &'static str = "The configuration of rhumb, a nameserver.";

    fn draft() -> ConfigDraft {
        let config = Config {
            file: None,
            folder: PathBuf::new(),
            listen: Vec::new(),
            workers: Workers::Auto,
            zones: Vec::new(),
            forward: Vec::new(),
            recursion: Recursion::default(),
            cache: CacheSettings::default(),
            metrics: None,
            control: Control::default(),
            log: Log::default(),
            user: None,
            server: ServerSettings::default(),
        };
        ConfigDraft { config, metrics: None }
    }

    fn keys<K: Keys<ConfigDraft>>(keys: &mut K) {
        keys.key(
            "listen",
            "The addresses and ports to answer on. Without it: `::` port 53, IPv4 too, over udp and tcp.",
            List { of: Sub::new(), filled: true },
            |draft| &mut draft.config.listen,
        );
        keys.key("workers", "UDP threads for each listener.", WorkerCount, |draft| &mut draft.config.workers);
        keys.key(
            "zones",
            "What is served from files. An entry for one zone goes before a directory that holds it too.",
            List { of: Sub::new(), filled: false },
            |draft| &mut draft.config.zones,
        );
        keys.key(
            "forward",
            "Which upstreams answer for which domains; the longest matching domain wins.",
            List { of: Sub::new(), filled: false },
            |draft| &mut draft.config.forward,
        );
        keys.key("recursion", "Who may ask for what the zones do not hold.", Sub::new(), |draft| {
            &mut draft.config.recursion
        });
        keys.key("cache", "Answers learnt from upstreams.", Sub::new(), |draft| &mut draft.config.cache);
        keys.key(
            "metrics",
            "Metrics for Prometheus, health and readiness. Without it nothing is served.",
            Optional(Sub::new()),
            |draft| &mut draft.metrics,
        );
        keys.key("control", "The socket for rhumb reload, status and the like.", Sub::new(), |draft| {
            &mut draft.config.control
        });
        keys.key("log", "The log on standard error.", Sub::new(), |draft| &mut draft.config.log);
        keys.key(
            "user",
            "The account to run as after the sockets are bound: a name, a number, or \"UID:GID\".",
            Optional(UserName),
            |draft| &mut draft.config.user,
        );
        keys.key("server", "Limits and habits of the server towards its clients.", Sub::new(), |draft| {
            &mut draft.config.server
        });
    }

    fn finish(draft: ConfigDraft, node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut config = draft.config;
        config.metrics = draft.metrics.map(|metrics| metrics.listen);
        conflicts::report(&config, node, reader);
        if node.entry("listen").is_none() {
            config.listen.push(Listen::everywhere(reader.place(Spot::START)));
        }
        Some(config)
    }
}

/// What a reading gave: when there are errors, the configuration lacks what was wrong.
pub(crate) struct Reading {
    pub(crate) config: Config,
    pub(crate) errors: Vec<Error>,
    pub(crate) positions: Positions,
}

/// Reads `text` as the content of `file`.
pub(crate) fn read(text: &str, file: &Path) -> Reading {
    let mut reader = Reader::new(file);
    let mut config = None;
    let mut positions = Positions::default();
    match file::read(text) {
        Err(refusal) => reader.error(refusal.spot, refusal.message),
        Ok(root) if matches!(root.value, Value::Null) => reader.error(
            Spot::START,
            "the file is empty; write `{}` for a server that has the defaults, no zones and no upstreams",
        ),
        Ok(root) => {
            config = Sub::<Config>::new().read(&root, &mut reader);
            positions = Positions::of_file(&root);
        }
    }
    let mut config = config.unwrap_or_else(|| Config::draft().config);
    config.file = Some(file.to_owned());
    config.folder.clone_from(&reader.folder);
    Reading { config, errors: reader.errors.finish(), positions }
}
