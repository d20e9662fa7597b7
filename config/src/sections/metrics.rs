//! `metrics:`: where Prometheus and health checks ask.

use std::net::SocketAddr;

use serde_json::{Value as Json, json};

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{NumberKind, OptionalKind};
use crate::node::{YamlContent, YamlNode, shown};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// The listener for `/metrics`, `/health`, `/ready` and the status page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Its address and port.
    pub listen: SocketAddr,
    /// How many zones have series of their own, those that are broken first.
    pub zone_series: usize,
}

pub(crate) struct MetricsDraft {
    listen: Option<SocketAddr>,
    zone_series: usize,
}

/// An address with a port.
struct Socket;

impl ValueKind for Socket {
    type Out = SocketAddr;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<SocketAddr> {
        const ACCEPTED: &str = "an address and a port such as \"127.0.0.1:9153\" or \"[::1]:9153\"";
        let YamlContent::Text(text) = &node.value else {
            reader.wrong(node, ACCEPTED);
            return None;
        };
        match text.parse::<SocketAddr>() {
            Ok(socket) if socket.port() == 0 => {
                reader.error(
                    node.spot,
                    format!("{} has port 0; accepted: a port from 1 to 65535", shown(text)),
                );
                None
            }
            Ok(socket) => Some(socket),
            Err(_) => {
                reader.wrong(node, ACCEPTED);
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": ":[0-9]+$" })
    }

    fn show(&self, value: &SocketAddr) -> Option<Json> {
        Some(json!(value.to_string()))
    }
}

impl ConfigSection for MetricsSettings {
    type Draft = MetricsDraft;

    const ABOUT: &'static str = "Metrics for Prometheus, health and readiness over HTTP.";
    const EXAMPLE: Option<&'static str> = Some("{ listen: \"127.0.0.1:9153\" }");
    const ONE_OF: &'static [&'static [&'static str]] = &[&["listen"]];

    fn draft() -> MetricsDraft {
        MetricsDraft { listen: None, zone_series: 1000 }
    }

    fn keys<K: KeyVisitor<MetricsDraft>>(keys: &mut K) {
        keys.key(
            "listen",
            InForce::AtRestart,
            "The address and port for /metrics, /health, /ready and the status page.",
            OptionalKind(Socket),
            |draft| &mut draft.listen,
        );
        keys.key(
            "zone-series",
            InForce::AtReload,
            "How many zones have series of their own, broken ones first; the others count in the totals.",
            NumberKind::new(0, 100_000),
            |draft| &mut draft.zone_series,
        );
    }

    fn finish(draft: MetricsDraft, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(MetricsSettings { listen: draft.listen?, zone_series: draft.zone_series })
    }

    fn values(&self) -> MetricsDraft {
        MetricsDraft { listen: Some(self.listen), zone_series: self.zone_series }
    }
}
