//! Configuration files as a person would write them.

use std::fmt::Write as _;

/// A configuration for one server, with the zone files it names.
///
/// Metrics stand on 127.0.0.1:9153 and the control socket in the server's folder, unless [`Config::more`] says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Config {
    listen: Vec<(String, String)>,
    zones: String,
    files: Vec<(String, String)>,
    forward: String,
    allow: Vec<String>,
    recursion: String,
    more: String,
}

/// Where metrics are served in every server's own namespace.
pub const METRICS: &str = "127.0.0.1:9153";

/// A zone of two hosts, for tests that only want an answer: www is 198.18.0.80.
pub const SMALL_ZONE: &str = "\
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
www A 198.18.0.80
";

impl Config {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens on port 53 of an address; beside `::` stays dual-stack.
    #[must_use]
    pub fn listen(self, address: &str) -> Self {
        self.listen_with(address, "port: 53")
    }

    /// Listens on an address with these further keys (`port: 53, v6only: true`).
    #[must_use]
    pub fn listen_with(mut self, address: &str, keys: &str) -> Self {
        self.listen.push((address.to_owned(), keys.to_owned()));
        self
    }

    /// Serves a zone from a file of this text.
    #[must_use]
    pub fn zone(mut self, origin: &str, text: &str) -> Self {
        let file = format!("zones/{origin}.zone");
        writeln!(self.zones, "  - {{ name: \"{origin}\", file: \"{file}\" }}")
            .expect("a String takes everything");
        self.files.push((file, text.to_owned()));
        self
    }

    /// Adds an entry of `zones` as the configuration writes it (`name: zone.test, primaries: [first]`).
    #[must_use]
    pub fn zone_raw(mut self, keys: &str) -> Self {
        writeln!(self.zones, "  - {{ {keys} }}").expect("a String takes everything");
        self
    }

    /// Serves every `NAME.zone` of a folder with these files.
    #[must_use]
    pub fn zone_folder(mut self, folder: &str, zones: impl IntoIterator<Item = (String, String)>) -> Self {
        writeln!(self.zones, "  - directory: \"{folder}\"").expect("a String takes everything");
        self.files.extend(zones.into_iter().map(|(origin, text)| (format!("{folder}/{origin}.zone"), text)));
        self
    }

    /// Puts a file into the server's folder.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Forwards a domain to upstreams as the configuration writes them, tried in order.
    #[must_use]
    pub fn forward(self, domain: &str, upstreams: &[&str]) -> Self {
        let quoted: Vec<String> = upstreams.iter().map(|upstream| format!("\"{upstream}\"")).collect();
        self.forward_raw(domain, &quoted.join(", "), "in-order")
    }

    /// Forwards a domain; `upstreams` is what stands between the brackets (`"192.0.2.1", {list: upstreams.list}`).
    #[must_use]
    pub fn forward_raw(mut self, domain: &str, upstreams: &str, policy: &str) -> Self {
        writeln!(self.forward, "  - {{ domain: \"{domain}\", upstreams: [{upstreams}], policy: {policy} }}")
            .expect("a String takes everything");
        self
    }

    /// Lets these networks ask for what the zones do not hold, instead of loopback alone.
    #[must_use]
    pub fn allow(mut self, networks: &[&str]) -> Self {
        self.allow.extend(networks.iter().map(|&network| network.to_owned()));
        self
    }

    /// Lets everyone ask for what the zones do not hold.
    #[must_use]
    pub fn allow_all(self) -> Self {
        self.allow(&["0.0.0.0/0", "::/0"])
    }

    /// Adds keys of `recursion`, beside the networks that are allowed.
    #[must_use]
    pub fn recursion(mut self, keys: &str) -> Self {
        writeln!(self.recursion, "  {keys}").expect("a String takes everything");
        self
    }

    /// Adds top-level YAML as it stands.
    #[must_use]
    pub fn more(mut self, yaml: &str) -> Self {
        self.more.push_str(yaml.trim_end());
        self.more.push('\n');
        self
    }

    /// The files beside the configuration: name and text.
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// An address at which the server can be asked from its own host, and the port of it.
    pub fn probe(&self) -> Option<(String, u16)> {
        let (address, keys) = self.listen.first()?;
        let port = keys.split(',').find_map(|key| key.trim().strip_prefix("port:")?.trim().parse().ok());
        let address = match address.as_str() {
            "::" => "::1",
            "0.0.0.0" => "127.0.0.1",
            other => other,
        };
        Some((address.to_owned(), port.unwrap_or(53)))
    }

    /// The YAML text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut section = |title: &str, body: &str| {
            if !body.is_empty() {
                text.push_str(title);
                text.push_str(body);
            }
        };
        let entry =
            |(address, keys): &(String, String)| format!("  - {{ address: \"{address}\", {keys} }}\n");
        let listen = self.listen.iter().map(entry).collect::<Vec<_>>().concat();
        section("listen:\n", &listen);
        section("zones:\n", &self.zones);
        section("forward:\n", &self.forward);
        if !self.allow.is_empty() {
            let quoted: Vec<String> = self.allow.iter().map(|network| format!("\"{network}\"")).collect();
            section("recursion:\n", &format!("  allow: [{}]\n{}", quoted.join(", "), self.recursion));
        }
        let has = |key: &str| self.more.lines().any(|line| line.starts_with(key));
        if !has("metrics:") {
            section("metrics:", &format!(" {{ listen: \"{METRICS}\" }}\n"));
        }
        if !has("control:") {
            section("control:", " { socket: control.sock }\n");
        }
        text.push_str(&self.more);
        text
    }
}
