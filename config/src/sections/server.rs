//! `server:`: limits and habits of the server towards its clients.

use std::time::Duration;

use rhumb_wire::DomainName;
use serde_json::{Value as Json, json};

use super::discovery::{DiscoveryKind, ResolverDiscovery};
use super::rate_limit::RateLimitSettings;
use super::shared_secret::{CookieSecret, SecretDigits, SessionSecret, check_secrets};
use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{
    DomainKind, FlagKind, NumberKind, OptionalKind, SectionKind, SizeKind, TimeKind, ValueList,
};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// The most bytes of a server identifier; it travels in every answer to a client that asks for it.
const MOST_NSID: usize = 128;
/// The most bytes of a character-string (RFC 1035 section 3.3).
const MOST_STRING: usize = 255;

/// Limits and habits of the server towards its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The name of this server for clients that ask for it (NSID, RFC 5001), 1 to 128 bytes.
    pub nsid: Option<Vec<u8>>,
    /// What `id.server` and `hostname.bind` are answered in the class CH (RFC 4892), 1 to 255 bytes; refused without it.
    pub identity: Option<String>,
    /// What `version.server` and `version.bind` are answered in the class CH, 1 to 255 bytes; refused without it.
    pub version: Option<String>,
    /// What clients that ask for encrypted transports are told (RFC 9462).
    pub discovery: ResolverDiscovery,
    /// Whether clients that send a cookie get one (RFC 7873).
    pub cookies: bool,
    /// What server cookies are made with: the first makes them, all are accepted. A random one where it is empty.
    pub cookie_secrets: Vec<CookieSecret>,
    /// What keys of session tickets follow from: the first makes them, all are accepted. Keys of the process where it is empty.
    pub ticket_secrets: Vec<SessionSecret>,
    /// How many answers by UDP a network gets; as many as it asks for where it is none.
    pub rate_limit: Option<RateLimitSettings>,
    /// The agent domain that resolvers are asked to report errors to (RFC 9567); never the root.
    pub report_channel: Option<DomainName>,
    /// The most TCP connections at one time.
    pub tcp_clients: usize,
    /// The most of them from one network (IPv4 address or IPv6 /64).
    pub tcp_clients_per_network: usize,
    /// How long a TCP connection may be silent between queries.
    pub tcp_idle: Duration,
    /// How long a new TCP connection may take until its first query is complete; less where there are many, down to a tenth.
    pub tcp_first: Duration,
    /// The most queries of one TCP connection that are waiting for their answer (RFC 7766 section 6.2.1.1).
    pub tcp_in_flight: usize,
    /// Whether the addresses of an answer begin with another one each time.
    pub rotate_addresses: bool,
    /// The largest UDP answer in bytes, also announced to clients (RFC 6891 section 6.2, RFC 9715).
    pub edns_size: u16,
    /// The receive buffer asked for each UDP socket, in bytes (`SO_RCVBUF`, socket(7)).
    pub receive_buffer: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        ServerSettings {
            nsid: None,
            identity: None,
            version: None,
            discovery: ResolverDiscovery::default(),
            cookies: true,
            cookie_secrets: Vec::new(),
            ticket_secrets: Vec::new(),
            rate_limit: None,
            report_channel: None,
            tcp_clients: 1000,
            tcp_clients_per_network: 20,
            tcp_idle: Duration::from_secs(10),
            tcp_first: Duration::from_secs(3),
            tcp_in_flight: 100,
            rotate_addresses: true,
            edns_size: 1232,
            receive_buffer: 4 << 20,
        }
    }
}

/// Text as it is, or bytes in hexadecimal behind `0x`.
struct Nsid;

impl ValueKind for Nsid {
    type Out = Vec<u8>;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Vec<u8>> {
        let bytes = match &node.value {
            YamlContent::Text(text) => match text.strip_prefix("0x") {
                Some(digits) => super::shared_secret::from_hex(digits),
                None => Some(text.as_bytes().to_vec()),
            },
            _ => None,
        };
        let bytes = bytes.filter(|bytes| (1..=MOST_NSID).contains(&bytes.len()));
        if bytes.is_none() {
            reader.wrong(
                node,
                "text in quotes, or an even number of hexadecimal digits behind 0x, also in quotes; 1 to 128 bytes",
            );
        }
        bytes
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": 2 + 2 * MOST_NSID })
    }

    fn show(&self, value: &Vec<u8>) -> Option<Json> {
        let text = std::str::from_utf8(value).ok();
        let text = text.filter(|text| !text.starts_with("0x") && !text.chars().any(char::is_control));
        let digits = || value.iter().fold("0x".to_owned(), |digits, byte| digits + &format!("{byte:02x}"));
        Some(Json::String(text.map_or_else(digits, str::to_owned)))
    }
}

/// One character-string of TXT RDATA.
struct OneString;

impl ValueKind for OneString {
    type Out = String;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<String> {
        match &node.value {
            YamlContent::Text(text) if (1..=MOST_STRING).contains(&text.len()) => Some(text.clone()),
            _ => {
                reader.wrong(node, "a text of 1 to 255 bytes");
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": MOST_STRING })
    }

    fn show(&self, value: &String) -> Option<Json> {
        Some(json!(value))
    }
}

impl ConfigSection for ServerSettings {
    type Draft = ServerSettings;

    const ABOUT: &'static str = "Limits and habits of the server towards its clients.";

    fn draft() -> ServerSettings {
        ServerSettings::default()
    }

    fn keys<K: KeyVisitor<ServerSettings>>(keys: &mut K) {
        keys.key(
            "nsid",
            InForce::AtReload,
            "The name of this server for clients that ask for it (RFC 5001): text, or bytes as \"0x…\".",
            OptionalKind(Nsid),
            |server| &mut server.nsid,
        );
        identity_keys(keys);
        order_keys(keys);
        cookie_keys(keys);
        tcp_keys(keys);
        keys.key(
            "edns-size",
            InForce::AtReload,
            "The largest UDP answer in bytes, also announced to clients (RFC 6891, RFC 9715).",
            NumberKind::new(512, 4096),
            |server| &mut server.edns_size,
        );
        keys.key(
            "receive-buffer",
            InForce::AtReload,
            "The receive buffer asked of the kernel for each UDP socket: it holds bursts of queries. A quic listener that is \
             open keeps its own until the next start.",
            SizeKind { least: 4 << 10, most: 1 << 30 },
            |server| &mut server.receive_buffer,
        );
    }

    fn finish(draft: ServerSettings, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        check_secrets("cookie-secrets", &draft.cookie_secrets, node, reader);
        check_secrets("ticket-secrets", &draft.ticket_secrets, node, reader);
        if draft.report_channel.as_ref().is_some_and(|agent| agent.as_ref().is_root()) {
            let spot = node.spot_of("report-channel");
            let message = "the root is no agent domain; leave the key out to ask for no reports";
            reader.at_key("report-channel", |reader| reader.error(spot, message));
        }
        Some(draft)
    }

    fn values(&self) -> ServerSettings {
        self.clone()
    }
}

fn identity_keys<K: KeyVisitor<ServerSettings>>(keys: &mut K) {
    keys.key("identity", InForce::AtReload,
        "What id.server and hostname.bind are answered in the class CH (RFC 4892). Without it they are refused.",
        OptionalKind(OneString),
        |server| &mut server.identity,
    );
    keys.key(
        "version",
        InForce::AtReload,
        "What version.server and version.bind are answered in the class CH. Without it they are refused.",
        OptionalKind(OneString),
        |server| &mut server.version,
    );
    keys.key("discovery", InForce::AtReload,
        "What clients that ask for _dns.resolver.arpa are told of the tls, https and quic listeners (RFC 9462). `auto`: all of \
         them, by the first name of their certificate, but self-signed ones. A name: that one, which the certificate has to be for. `off`: that there are none.",
        DiscoveryKind,
        |server| &mut server.discovery,
    );
    keys.key(
        "report-channel",
        InForce::AtReload,
        "The agent domain that resolvers are asked to report errors of the zones served here to (RFC 9567).",
        OptionalKind(DomainKind { accepted: "a domain name such as errors.example.com" }),
        |server| &mut server.report_channel,
    );
}

fn order_keys<K: KeyVisitor<ServerSettings>>(keys: &mut K) {
    keys.key(
        "rotate-addresses",
        InForce::AtReload,
        "Whether the A and AAAA records of an answer begin with another one each time, as with BIND and Unbound: clients that \
         take the first are spread over all. false: always in the order of the zone file or of the upstream, as with NSD. \
         Other records keep that order in either case.",
        FlagKind,
        |server| &mut server.rotate_addresses,
    );
}

fn cookie_keys<K: KeyVisitor<ServerSettings>>(keys: &mut K) {
    keys.key(
        "cookies",
        InForce::AtReload,
        "Whether clients that send a cookie get one of the server (RFC 7873, RFC 9018).",
        FlagKind,
        |server| &mut server.cookies,
    );
    keys.key("cookie-secrets", InForce::AtReload,
        "Secrets of server cookies, the same on all servers of an anycast set, each of 32 hexadecimal digits. The first \
         makes cookies, all are accepted. Without it, a random one until the next start.",
        ValueList { of: SecretDigits, filled: true },
        |server| &mut server.cookie_secrets,
    );
    keys.key("ticket-secrets", InForce::AtReload,
        "Secrets of session tickets (TLS and QUIC), the same on all servers of an anycast set, each of 64 hexadecimal digits. The key of \
         tickets follows from the first and the time, another one every six hours; tickets of all are accepted. Without it, keys of the process.",
        ValueList { of: SecretDigits, filled: true },
        |server| &mut server.ticket_secrets,
    );
    keys.key("rate-limit", InForce::AtReload,
        "Limits answers by UDP, so that the server is of no use in reflected floods. Without it nothing is limited.",
        OptionalKind(SectionKind::new()),
        |server| &mut server.rate_limit,
    );
}

fn tcp_keys<K: KeyVisitor<ServerSettings>>(keys: &mut K) {
    let span = || TimeKind {
        least: Duration::from_millis(100),
        most: Duration::from_hours(1),
        whole_seconds: false,
    };
    keys.key(
        "tcp-clients",
        InForce::AtReload,
        "The most TCP connections at one time. For one more, one ends that has asked nothing, or that rests.",
        NumberKind::new(1, 1_000_000),
        |server| &mut server.tcp_clients,
    );
    keys.key(
        "tcp-clients-per-network",
        InForce::AtReload,
        "The most TCP connections from one IPv4 address or one IPv6 /56.",
        NumberKind::new(1, 1_000_000),
        |server| &mut server.tcp_clients_per_network,
    );
    keys.key(
        "tcp-idle",
        InForce::AtReload,
        "How long a TCP connection may be silent between queries before it is closed.",
        span(),
        |server| &mut server.tcp_idle,
    );
    keys.key(
        "tcp-first-query",
        InForce::AtReload,
        "How long a new TCP connection may take until its first query is complete; less where there are many, down to a tenth.",
        span(),
        |server| &mut server.tcp_first,
    );
    keys.key(
        "tcp-in-flight",
        InForce::AtReload,
        "The most queries of one TCP connection that wait for their answer at one time.",
        NumberKind::new(1, 65_535),
        |server| &mut server.tcp_in_flight,
    );
}
