//! How HTTP is spoken on an address.

use rhumb_wire::Transport;
use serde_json::{Value as Json, json};

use crate::kind::ValueKind;
use crate::kinds::WordKind;
use crate::network::IpNetwork;
use crate::node::{YamlContent, YamlNode, shown};
use crate::reader::ConfigReader;

/// Where queries come to unless the configuration says otherwise, as with every known server.
const USUAL: &str = "/dns-query";

/// How HTTP is spoken on the listeners of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpListener {
    /// The paths that queries come to, at least one.
    pub paths: Vec<String>,
    /// Whether HTTP is encrypted here, and not by a proxy.
    pub tls: bool,
    /// Networks whose word is taken for which client asks.
    pub proxies: Vec<IpNetwork>,
}

impl Default for HttpListener {
    fn default() -> Self {
        Self { paths: vec![USUAL.to_owned()], tls: true, proxies: Vec::new() }
    }
}

impl HttpListener {
    /// Whether a transport is encrypted by this server.
    pub fn is_encrypted(&self, transport: Transport) -> bool {
        transport.is_encrypted() && (self.tls || transport != Transport::Https)
    }

    /// Records an error where the keys do not fit the transports or each other.
    pub(super) fn check(&self, transports: &[Transport], node: &YamlNode, reader: &mut ConfigReader) {
        let mut wrong = |key: &str, message: &str| {
            let spot = node.spot_of(key);
            reader.at_key(key, |reader| reader.error(spot, message));
        };
        let default = Self::default();
        let is_given = [
            ("paths", self.paths != default.paths),
            ("tls", self.tls != default.tls),
            ("proxies", self.proxies != default.proxies),
        ];
        if !transports.contains(&Transport::Https) {
            for (key, _) in is_given.into_iter().filter(|(_, given)| *given) {
                wrong(key, "this is for https alone, which is not among the `transports` of this entry");
            }
        } else if !self.tls && self.proxies.is_empty() {
            wrong("proxies", "missing; without TLS only proxies are served, and none is named");
        }
    }
}

/// Whether TLS is spoken.
pub(super) const TLS: WordKind<bool> = WordKind { words: &[("on", true), ("off", false)], later: &[] };

/// The path of a URL, as clients send it.
pub(super) struct HttpPath;

impl ValueKind for HttpPath {
    type Out = String;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<String> {
        const ACCEPTED: &str = "a path such as /dns-query, in printable ASCII and without ?, # or {";
        let YamlContent::Text(text) = &node.value else {
            reader.wrong(node, ACCEPTED);
            return None;
        };
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#{}\\\"".contains(&byte);
        if !text.starts_with('/') || !text.bytes().all(plain) {
            reader.error(node.spot, format!("{} is no path; accepted: {ACCEPTED}", shown(text)));
            return None;
        }
        Some(text.clone())
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^/[!$-z|~]*$" })
    }

    fn show(&self, value: &String) -> Option<Json> {
        Some(json!(value))
    }
}
