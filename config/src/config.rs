//! The whole configuration: the top level of the file.

use std::path::PathBuf;

use crate::config_sources::ConfigSources;
use crate::errors::ConfigFinding;
use crate::in_force::InForce;
use crate::include_path::IncludeFile;
use crate::kinds::{FilePath, OptionalKind, SectionKind, ValueList};
use crate::node::{YamlNode, YamlPlace};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};
use crate::sections::{
    CacheSettings, ControlSettings, ForwardEntry, ListenEntry, LogSettings, MetricsSettings, NamedRemote,
    RecursionSettings, ServerSettings, StubEntry, TransferLimits, TsigKeyEntry, UpdateQueueLimits, UserName,
    WorkerCount, WorkerThreads, ZoneSource,
};

/// A configuration that was read in full: immutable, every path absolute or relative to the working folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The file it was read from; `None` for the built-in default.
    pub file: Option<PathBuf>,
    /// The folder that relative paths in the file were taken from.
    pub folder: PathBuf,
    /// The files that it was read from; empty for the built-in default.
    pub sources: ConfigSources,
    /// The files that it includes, as it names them.
    pub include: Vec<PathBuf>,
    /// What is accepted and worth a look, in the order of the places.
    pub warnings: Vec<ConfigFinding>,
    /// The sockets to answer on; never empty, no two of which clash.
    pub listen: Vec<ListenEntry>,
    /// UDP threads for each listener.
    pub workers: WorkerThreads,
    /// The keys that messages are signed with; no name twice.
    pub keys: Vec<TsigKeyEntry>,
    /// Other nameservers; no name twice.
    pub remotes: Vec<NamedRemote>,
    /// Where zones come from; no zone is named twice.
    pub zones: Vec<ZoneSource>,
    /// Upstreams by domain; no domain twice.
    pub forward: Vec<ForwardEntry>,
    /// Domains with authoritative servers of their own; no domain twice, also not in `forward`.
    pub stub: Vec<StubEntry>,
    /// Who may ask for what the zones do not hold.
    pub recursion: RecursionSettings,
    /// Bounds of the cache.
    pub cache: CacheSettings,
    /// Where metrics are served; `None`: they are not.
    pub metrics: Option<MetricsSettings>,
    /// The control socket.
    pub control: ControlSettings,
    /// The log.
    pub log: LogSettings,
    /// The folder that zones are kept in which other servers have, or updates change.
    pub state: Option<PathBuf>,
    /// How many zone transfers there may be, and how fast primaries are asked.
    pub transfers: TransferLimits,
    /// How many dynamic updates may wait.
    pub updates: UpdateQueueLimits,
    /// The account to run as after the sockets are bound: a name, `UID` or `UID:GID`.
    pub user: Option<String>,
    /// Limits and habits towards clients.
    pub server: ServerSettings,
}

/// Keys of later versions.
const LATER: &[(&str, &str)] = &[
    ("tsig", "keys are given in `keys`"),
    ("secondary", "a zone that other servers have is one of `zones` with `primaries`"),
    ("dnstap", "it writes a log of queries with log.queries"),
    ("hosts", "names of hosts belong into a zone"),
    ("blocklists", "it blocks no names"),
    ("views", "it answers all clients alike"),
];

impl ConfigSection for ServerConfig {
    type Draft = ServerConfig;

    const ABOUT: &'static str = "The configuration of rhumb, a nameserver.";

    fn draft() -> ServerConfig {
        ServerConfig {
            file: None,
            sources: ConfigSources::default(),
            include: Vec::new(),
            warnings: Vec::new(),
            folder: PathBuf::new(),
            listen: Vec::new(),
            workers: WorkerThreads::Auto,
            keys: Vec::new(),
            remotes: Vec::new(),
            zones: Vec::new(),
            forward: Vec::new(),
            stub: Vec::new(),
            recursion: RecursionSettings::default(),
            cache: CacheSettings::default(),
            metrics: None,
            control: ControlSettings::default(),
            log: LogSettings::default(),
            state: None,
            transfers: TransferLimits::default(),
            updates: UpdateQueueLimits::default(),
            user: None,
            server: ServerSettings::default(),
        }
    }

    fn keys<K: KeyVisitor<ServerConfig>>(keys: &mut K) {
        keys.key(
            "listen",
            InForce::AtReload,
            "The addresses and ports to answer on. Without it: `::` port 53, IPv4 too, over udp and tcp.",
            ValueList { of: SectionKind::new(), filled: true },
            |draft| &mut draft.listen,
        );
        keys.key("workers", InForce::AtReload, "UDP threads for each listener.", WorkerCount, |draft| {
            &mut draft.workers
        });
        keys.key(
            "keys",
            InForce::AtReload,
            "Keys that messages are signed with (TSIG, RFC 8945).",
            ValueList { of: SectionKind::new(), filled: false },
            |draft| &mut draft.keys,
        );
        keys.key(
            "remotes",
            InForce::AtReload,
            "Other nameservers, by names that zones refer to.",
            ValueList { of: SectionKind::new(), filled: false },
            |draft| &mut draft.remotes,
        );
        keys.key(
            "zones",
            InForce::AtReload,
            "What is served, from files or from other servers. An entry for one zone goes before a directory that holds it too.",
            ValueList { of: SectionKind::new(), filled: false },
            |draft| &mut draft.zones,
        );
        keys.key(
            "forward",
            InForce::AtReload,
            "Which upstreams answer for which domains; the longest matching domain wins.",
            ValueList { of: SectionKind::new(), filled: false },
            |draft| &mut draft.forward,
        );
        keys.key(
            "stub",
            InForce::AtReload,
            "Domains that are resolved from authoritative servers given here, whatever their parents say.",
            ValueList { of: SectionKind::new(), filled: false },
            |draft| &mut draft.stub,
        );
        resolution_keys(keys);
        process_keys(keys);
        keys.key(
            "include",
            InForce::AtReload,
            "Further files with keys of this configuration; relative paths start at the folder of the file that they stand in. \
             `*` and `?` in a file name stand for any text and any character; files are read in the order of their names. Lists \
             of all files are joined, sections are joined key by key, and any other key is given in one file.",
            ValueList { of: IncludeFile, filled: false },
            |draft| &mut draft.include,
        );
        for (name, why) in LATER {
            keys.not_offered(name, why);
        }
    }

    fn finish(mut draft: ServerConfig, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if node.entry("listen").is_none() {
            draft.listen = vec![ListenEntry::everywhere(reader.place(YamlPlace::START))];
        }
        Some(draft)
    }

    fn values(&self) -> ServerConfig {
        self.clone()
    }
}

fn resolution_keys<K: KeyVisitor<ServerConfig>>(keys: &mut K) {
    keys.key(
        "recursion",
        InForce::AtReload,
        "Who may ask for what the zones do not hold.",
        SectionKind::new(),
        |draft| &mut draft.recursion,
    );
    keys.key("cache", InForce::AtReload, "Answers learnt from upstreams.", SectionKind::new(), |draft| {
        &mut draft.cache
    });
}

fn process_keys<K: KeyVisitor<ServerConfig>>(keys: &mut K) {
    keys.key(
        "metrics",
        InForce::AtRestart,
        "Metrics for Prometheus, health and readiness. Without it nothing is served.",
        OptionalKind(SectionKind::new()),
        |draft| &mut draft.metrics,
    );
    keys.key(
        "control",
        InForce::AtRestart,
        "The socket for rhumb reload, status and the like.",
        SectionKind::new(),
        |draft| &mut draft.control,
    );
    keys.key("log", InForce::AtReload, "The log on standard error.", SectionKind::new(), |draft| {
        &mut draft.log
    });
    keys.key(
        "state",
        InForce::AtRestart,
        "The folder of zones that other servers have or updates change, and of earlier versions: made if it is missing, owned by `user`, used by one \
         process. Such zones need it.",
        OptionalKind(FilePath),
        |draft| &mut draft.state,
    );
    keys.key(
        "transfers",
        InForce::AtReload,
        "How many zone transfers there may be at one time, and how fast primaries are asked.",
        SectionKind::new(),
        |draft| &mut draft.transfers,
    );
    keys.key(
        "updates",
        InForce::AtReload,
        "How many dynamic updates of zones may wait until they are carried out.",
        SectionKind::new(),
        |draft| &mut draft.updates,
    );
    keys.key(
        "user",
        InForce::AtRestart,
        "The account to run as after the sockets are bound: a name, a number, or \"UID:GID\".",
        OptionalKind(UserName),
        |draft| &mut draft.user,
    );
    keys.key(
        "server",
        InForce::AtReload,
        "Limits and habits of the server towards its clients.",
        SectionKind::new(),
        |draft| &mut draft.server,
    );
}
