//! The servers that are compared: how each is told to serve `www.zone.example` over the transports that it speaks.

use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::encrypted::EncryptedTransport;
use rhumb_tests::rig::{Config, Folder, program};

/// Where all of them listen.
pub(crate) const ADDRESS: &str = "192.0.2.1";
/// The name that is asked for, and its address.
pub(crate) const NAME: &str = "www.zone.example";
pub(crate) const VALUE: &str = "198.18.0.80";

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Software {
    Rhumb,
    Unbound,
    Dnsdist,
    Bind,
    Knot,
}

/// What a server is told about how many it may serve, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Connections at a time. rhumb alone also limits those of one network.
    pub(crate) connections: usize,
    pub(crate) each_network: usize,
    /// Whether connections may rest for minutes, instead of as long as is the default.
    pub(crate) rests: bool,
}

impl Room {
    /// rhumb's defaults: those of the others are ten connections or no limit.
    pub(crate) const DEFAULT: Self = Self { connections: 1000, each_network: 20, rests: false };
}

impl Software {
    pub(crate) const ALL: [Self; 5] = [Self::Rhumb, Self::Unbound, Self::Dnsdist, Self::Bind, Self::Knot];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rhumb => "rhumb",
            Self::Unbound => "Unbound",
            Self::Dnsdist => "dnsdist",
            Self::Bind => "BIND",
            Self::Knot => "kresd",
        }
    }

    /// The file of its program, and what comes before the file of its configuration.
    pub(crate) const fn program(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Rhumb => ("rhumb", &[]),
            Self::Unbound => ("unbound", &["-d", "-p", "-c"]),
            Self::Dnsdist => ("dnsdist", &["--supervised", "--disable-syslog", "-C"]),
            Self::Bind => ("named", &["-g", "-n", "1", "-c"]),
            Self::Knot => ("kresd", &["-n", "-q", "-c"]),
        }
    }

    /// Whether it is here and speaks this.
    pub(crate) fn speaks(self, transport: EncryptedTransport) -> bool {
        self == Self::Rhumb
            || transport != EncryptedTransport::Quic && program::find(self.program().0).is_some()
    }

    /// The configuration of the others.
    pub(crate) fn config(self, home: &Folder, room: Room) -> String {
        let at = |name: &str| home.at(name).display().to_string();
        let (chain, key, folder) = (at("chain.pem"), at("key.pem"), home.path().display());
        let connections = room.connections;
        match self {
            Self::Rhumb => String::new(),
            Self::Unbound => {
                // With more than half of them open it has less time_limit with those that rest.
                let (idle, connections) = if room.rests {
                    ("  tcp-idle-timeout: 600000\n", connections * 3)
                } else {
                    ("", connections)
                };
                format!(
                    "server:\n  directory: \"{folder}\"\n  chroot: \"\"\n  username: \"\"\n  use-syslog: no\n  num-threads: 1\n  \
                     interface: {ADDRESS}\n  interface: {ADDRESS}@853\n  interface: {ADDRESS}@443\n  tls-service-key: \"{key}\"\n  \
                     tls-service-pem: \"{chain}\"\n  access-control: 0.0.0.0/0 allow\n  outgoing-range: 64\n  num-queries-per-thread: 64\n  \
                     outgoing-num-tcp: 2\n  incoming-num-tcp: {connections}\n{idle}  \
                     local-zone: \"zone.example.\" static\n  local-data: \"{NAME}. 300 IN A {VALUE}\"\nremote-control:\n  control-enable: no\n"
                )
            }
            Self::Dnsdist => {
                let idle = if room.rests { "setTCPRecvTimeout(600)\n" } else { "" };
                format!(
                    "setLocal('{ADDRESS}:53')\nsetSecurityPollSuffix('')\nsetACL({{'0.0.0.0/0'}})\n{idle}setMaxTCPClientThreads(1)\n\
                     addTLSLocal('{ADDRESS}:853', '{chain}', '{key}', {{ provider='openssl' }})\n\
                     addDOHLocal('{ADDRESS}:443', '{chain}', '{key}', '/dns-query', {{ idleTimeout={} }})\n\
                     addAction('{NAME}', SpoofAction('{VALUE}'))\n",
                    if room.rests { 600 } else { 30 }
                )
            }
            Self::Bind => {
                let idle = if room.rests { "tcp-initial-timeout 1200; tcp-idle-timeout 1200;" } else { "" };
                format!(
                    "tls own {{ cert-file \"{chain}\"; key-file \"{key}\"; }};\noptions {{ directory \"{folder}\"; pid-file none; \
                     session-keyfile none; recursion no; dnssec-validation no; listen-on-v6 {{ none; }}; tcp-clients {connections}; \
                     http-listener-clients {connections}; {idle} listen-on {{ {ADDRESS}; }}; listen-on port 853 tls own {{ {ADDRESS}; }}; \
                     listen-on port 443 tls own http default {{ {ADDRESS}; }}; }};\ncontrols {{ }};\n\
                     zone \"zone.example\" {{ type primary; file \"zone\"; }};\n"
                )
            }
            Self::Knot => format!(
                "net.listen('{ADDRESS}', 53, {{ kind = 'dns' }})\nnet.tls('{chain}', '{key}')\n\
                 net.listen('{ADDRESS}', 853, {{ kind = 'tls' }})\nnet.listen('{ADDRESS}', 443, {{ kind = 'doh2' }})\n\
                 modules.load('hints')\nhints.set('{NAME} {VALUE}')\ntrust_anchors.remove('.')\n"
            ),
        }
    }
}

/// rhumb's configuration.
pub(crate) fn own_config(home: &Folder, room: Room) -> Config {
    let (chain, key) = (home.at("chain.pem"), home.at("key.pem"));
    let keys = format!(
        "transports: [udp, tcp, tls, https, quic], certificate: {}, key: {}",
        chain.display(),
        key.display()
    );
    let Room { connections, each_network, rests } = room;
    let idle = if rests { ", tcp-idle: 10m, tcp-first-query: 1m" } else { "" };
    Config::new()
        .listen_with(ADDRESS, &keys)
        .zone("zone.example", SMALL_ZONE)
        // Nobody is there: what is asked of it waits.
        .forward("slow.test", &["192.0.2.2"])
        .allow_all()
        .more(&format!(
            "server: {{ tcp-clients: {connections}, tcp-clients-per-network: {each_network}{idle} }}"
        ))
}
